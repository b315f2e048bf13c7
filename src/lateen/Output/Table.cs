using Spectre.Console;

namespace Lateen.Cli.Output;

/// <summary>
/// Rows under upper-case headings, as kubectl prints them: columns padded with spaces and separated by three, so that awk and people read the same
/// text. On a colour terminal the same table is drawn by Spectre.Console, with the states coloured.
/// </summary>
internal sealed class Table(params string[] headings)
{
    private readonly List<string[]> _rows = [];

    public int Count => _rows.Count;

    public Table Add(params string[] cells)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(cells.Length, headings.Length);
        _rows.Add(cells);
        return this;
    }

    public void Write(CliEnvironment environment)
    {
        if (environment.UseColor) WriteColored(environment.Output);
        else WritePlain(environment.Output);
    }

    private void WritePlain(TextWriter output)
    {
        int[] widths = [.. headings.Select((heading, column) => _rows.Select(row => row[column].Length).Append(heading.Length).Max())];
        foreach (string[] row in _rows.Prepend(headings))
        {
            for (int column = 0; column < row.Length; column++)
            {
                bool last = column == row.Length - 1;
                output.Write(last ? row[column] : row[column].PadRight(widths[column] + 3));
            }

            output.WriteLine();
        }
    }

    private void WriteColored(TextWriter output)
    {
        var table = new Spectre.Console.Table().NoBorder();
        foreach (string heading in headings) table.AddColumn(new TableColumn(new Markup($"[bold]{Markup.Escape(heading)}[/]")).NoWrap().PadRight(3));
        foreach (string[] row in _rows) table.AddRow([.. row.Select(cell => new Markup(Paint(cell)))]);
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) }).Write(table);
    }

    /// <summary>Only words that mean a state are coloured; everything else keeps the terminal's own colour.</summary>
    private static string Paint(string cell)
    {
        string text = Markup.Escape(cell);
        return cell switch
        {
            "SYNCED" or "created" or "HEALTHY" => $"[green]{text}[/]",
            "STALE" or "NOT SENT" or "configured" or "warning" or "DRAINING" => $"[yellow]{text}[/]",
            "ERROR" or "deleted" or "error" or "UNHEALTHY" => $"[red]{text}[/]",
            "unchanged" or "-" => $"[dim]{text}[/]",
            _ => text,
        };
    }
}
