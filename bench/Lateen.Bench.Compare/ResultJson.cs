using System.Text;
using System.Text.Json;

namespace Lateen.Bench.Compare;

/// <summary>A scenario's result for programs, with the figures of each round.</summary>
internal static class ResultJson
{
    internal static string Render(Scenario scenario, IReadOnlyList<Standing> standings, CompareOptions options, DateTimeOffset now)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("scenario", scenario.Name);
            writer.WriteString("unit", scenario.Unit);
            writer.WriteString("date", now.ToString("O"));
            writer.WriteString("kernel", File.ReadAllText("/proc/sys/kernel/osrelease").Trim());
            writer.WriteString("cpu", CpuModel());
            writer.WriteNumber("processors", Environment.ProcessorCount);
            writer.WriteNumber("rounds", options.Rounds);
            writer.WriteNumber("connections", options.Connections);
            writer.WriteNumber("openLoopRate", options.Rate);
            writer.WriteStartArray("proxies");
            foreach (var standing in standings)
                Write(writer, standing);
            writer.WriteEndArray();
            WriteBudgets(writer, scenario, standings);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void WriteBudgets(Utf8JsonWriter writer, Scenario scenario, IReadOnlyList<Standing> standings)
    {
        writer.WriteStartArray("budgets");
        foreach (var verdict in Verdict.Of(scenario, standings))
        {
            if (verdict is not { Ratio: { } ratio, IsHeld: { } isHeld }) continue;
            writer.WriteStartObject();
            writer.WriteString("peer", verdict.Budget.Peer);
            writer.WriteString("figure", verdict.Budget.Figure == BudgetFigure.CpuPerUnit ? "cpuPerUnitAtMost" : "perSecondAtLeast");
            writer.WriteNumber("limit", verdict.Budget.Limit);
            writer.WriteNumber("ratio", Round(ratio));
            writer.WriteBoolean("held", isHeld);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter writer, Standing standing)
    {
        writer.WriteStartObject();
        writer.WriteString("name", standing.Name);
        writer.WriteNumber("idleRssKib", standing.IdleRssKib);
        writer.WriteNumber("idlePssKib", standing.IdlePssKib);
        writer.WriteNumber("loadedRssKib", standing.LoadedRssKib);
        writer.WriteNumber("loadedPssKib", standing.LoadedPssKib);
        writer.WriteNumber("medianUserMicroseconds", Round(standing.Median(round => round.UserMicroseconds)));
        writer.WriteNumber("medianSystemMicroseconds", Round(standing.Median(round => round.SystemMicroseconds)));
        writer.WriteNumber("medianTotalMicroseconds", Round(standing.Median(round => round.TotalMicroseconds)));
        writer.WriteNumber("medianPerSecond", Round(standing.Median(round => round.PerSecond)));
        WriteKnown(writer, "medianP50Microseconds", standing.Median(round => round.P50));
        WriteKnown(writer, "medianP99Microseconds", standing.Median(round => round.P99));
        writer.WriteStartArray("rounds");
        foreach (var round in standing.Rounds)
        {
            writer.WriteStartObject();
            writer.WriteNumber("userMicroseconds", Round(round.UserMicroseconds));
            writer.WriteNumber("systemMicroseconds", Round(round.SystemMicroseconds));
            writer.WriteNumber("perSecond", Round(round.PerSecond));
            WriteKnown(writer, "p50Microseconds", round.P50);
            WriteKnown(writer, "p99Microseconds", round.P99);
            WriteKnown(writer, "achievedRate", round.AchievedRate);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteKnown(Utf8JsonWriter writer, string name, double? value)
    {
        if (value is { } known) writer.WriteNumber(name, Round(known));
    }

    private static double Round(double value) => Math.Round(value, 3);

    private static string CpuModel() => File.ReadLines("/proc/cpuinfo")
        .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(": ")[^1] ?? "unknown";
}
