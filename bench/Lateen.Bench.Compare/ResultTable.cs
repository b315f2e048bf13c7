using System.Text;

namespace Lateen.Bench.Compare;

/// <summary>A scenario's result for people: the table, the ratios to each peer, the budgets.</summary>
internal static class ResultTable
{
    internal static string Render(Scenario scenario, IReadOnlyList<Standing> standings, CompareOptions options)
    {
        var unit = scenario.Unit == "request" ? "req" : scenario.Unit;
        var text = new StringBuilder();
        text.AppendLine($"{scenario.Name}: {scenario.Title}");
        text.AppendLine($"Median of {options.Rounds} interleaved rounds, {options.Connections} requests at a time unless told otherwise, one thread each.");
        text.AppendLine($"CPU from /proc/PID/stat over {options.Seconds} s of load; latency at {options.Rate} requests/s open loop.");
        text.AppendLine();
        text.AppendLine($"| proxy | user us/{unit} | sys us/{unit} | total us/{unit} | {unit}/s per CPU second | {unit}/s seen | p50 us | p99 us | RSS idle MB | RSS loaded MB |");
        text.AppendLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var standing in standings)
        {
            var total = standing.Median(round => round.TotalMicroseconds);
            text.AppendLine(string.Join(" | ", [
                $"| {standing.Name}",
                $"{standing.Median(round => round.UserMicroseconds):F2}",
                $"{standing.Median(round => round.SystemMicroseconds):F2}",
                $"{total:F2}",
                $"{1e6 / total:F0}",
                $"{standing.Median(round => round.PerSecond):F0}",
                Latency(standing.Median(round => round.P50)),
                Latency(standing.Median(round => round.P99)),
                $"{standing.IdleRssKib / 1024.0:F1}",
                $"{standing.LoadedRssKib / 1024.0:F1} |",
            ]));
        }

        text.AppendLine();
        if (standings.FirstOrDefault(standing => standing.Name == "lateen") is not { } lateen) return text.ToString();
        foreach (var peer in standings.Where(standing => standing != lateen))
        {
            text.AppendLine(
                $"lateen / {peer.Name}: {Ratio(lateen, peer, BudgetFigure.CpuPerUnit):F2} of its CPU per {scenario.Unit}, "
                + $"{Ratio(lateen, peer, BudgetFigure.PerSecond):F2} of its {unit}/s");
        }

        if (scenario.Budgets.Count == 0) return text.ToString();
        text.AppendLine();
        text.AppendLine("| budget | limit | lateen | |");
        text.AppendLine("|---|---:|---:|---|");
        foreach (var verdict in Verdict.Of(scenario, standings))
        {
            var what = verdict.Budget.Figure == BudgetFigure.CpuPerUnit ? $"CPU per {scenario.Unit}, of {verdict.Budget.Peer}'s at most" : $"{unit}/s, of {verdict.Budget.Peer}'s at least";
            var word = verdict.IsHeld switch { true => "held", false => "NOT HELD", null => $"not judged: {verdict.Budget.Peer} did not run" };
            text.AppendLine($"| {what} | {verdict.Budget.Limit:F2} | {(verdict.Ratio is { } ratio ? $"{ratio:F2}" : "-")} | {word} |");
        }

        return text.ToString();
    }

    internal static double Ratio(Standing lateen, Standing peer, BudgetFigure figure) => figure == BudgetFigure.CpuPerUnit
        ? lateen.Median(round => round.TotalMicroseconds) / peer.Median(round => round.TotalMicroseconds)
        : lateen.Median(round => round.PerSecond) / peer.Median(round => round.PerSecond);

    private static string Latency(double? microseconds) => microseconds is { } known ? $"{known:F0}" : "-";
}
