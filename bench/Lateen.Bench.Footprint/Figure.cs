using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Lateen.Bench.Footprint;

/// <summary>One measured figure.</summary>
/// <param name="Budget">What it may be at the most, in the same unit; null for a figure that is told only.</param>
/// <param name="Samples">What <paramref name="Value"/> was taken from.</param>
internal sealed record Figure(string Name, string Unit, double Value, double? Budget, IReadOnlyList<double> Samples)
{
    internal bool IsWithin => Budget is null || Value <= Budget;

    internal static Figure Median(string name, string unit, double? budget, IReadOnlyList<double> samples) => At(name, unit, budget, samples, 0.5);

    /// <summary>The value that the given share of the samples does not exceed.</summary>
    internal static Figure At(string name, string unit, double? budget, IReadOnlyList<double> samples, double share)
    {
        double[] sorted = [.. samples.Order()];
        return new Figure(name, unit, sorted[Math.Min((int)Math.Ceiling(share * sorted.Length), sorted.Length) - 1], budget, samples);
    }
}

/// <summary>The figures for people and for programs.</summary>
internal static class FigureTable
{
    internal static string Render(IReadOnlyList<Figure> figures)
    {
        var text = new StringBuilder("| figure | value | budget | |\n|---|---:|---:|---|\n");
        foreach (var figure in figures)
        {
            string budget = figure.Budget is { } most ? $"{Number(most)} {figure.Unit}" : "";
            string verdict = figure.Budget is null ? "" : figure.IsWithin ? "within" : "OVER";
            text.Append($"| {figure.Name} | {Number(figure.Value)} {figure.Unit} | {budget} | {verdict} |\n");
        }

        return text.ToString();
    }

    internal static byte[] ToJson(IReadOnlyList<Figure> figures, IReadOnlyList<string> notes, DateTimeOffset now, string loadBefore, string loadAfter)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("date", now.ToString("O"));
            writer.WriteString("kernel", File.ReadAllText("/proc/sys/kernel/osrelease").Trim());
            writer.WriteNumber("processors", Environment.ProcessorCount);
            writer.WriteString("loadBefore", loadBefore);
            writer.WriteString("loadAfter", loadAfter);
            writer.WriteStartArray("notes");
            foreach (string note in notes) writer.WriteStringValue(note);
            writer.WriteEndArray();
            writer.WriteStartArray("figures");
            foreach (var figure in figures)
            {
                writer.WriteStartObject();
                writer.WriteString("name", figure.Name);
                writer.WriteString("unit", figure.Unit);
                writer.WriteNumber("value", Math.Round(figure.Value, 3));
                if (figure.Budget is { } budget) writer.WriteNumber("budget", budget);
                writer.WriteStartArray("samples");
                foreach (double sample in figure.Samples) writer.WriteNumberValue(Math.Round(sample, 3));
                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
