using System.Text;
using System.Text.Json;

namespace Lateen.Bench.Compare;

/// <summary>The result for people and for programs.</summary>
internal static class ResultTable
{
    internal static string Render(IReadOnlyList<Standing> standings, CompareOptions options)
    {
        var text = new StringBuilder();
        text.AppendLine($"Median of {options.Rounds} interleaved rounds, {options.Connections} keep-alive connections, 64-byte body, one thread each.");
        text.AppendLine($"CPU from /proc/PID/stat over {options.Seconds} s closed loop; latency at {options.Rate} requests/s open loop, from the intended time.");
        text.AppendLine();
        text.AppendLine("| proxy | user us/req | sys us/req | total us/req | req/s per CPU second | req/s seen | p50 us | p99 us | RSS idle MB | RSS loaded MB |");
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
                $"{standing.Median(round => round.RequestsPerSecond):F0}",
                $"{standing.Median(round => round.P50):F0}",
                $"{standing.Median(round => round.P99):F0}",
                $"{standing.IdleRssKib / 1024.0:F1}",
                $"{standing.LoadedRssKib / 1024.0:F1} |",
            ]));
        }

        text.AppendLine();
        foreach (var peer in standings.Where(standing => standing.Name != "lateen"))
        {
            if (standings.FirstOrDefault(standing => standing.Name == "lateen") is { } lateen)
                text.AppendLine($"lateen / {peer.Name}: {Ratio(lateen, peer):F2} of its CPU per request");
        }

        return text.ToString();
    }

    internal static string ToJson(IReadOnlyList<Standing> standings, CompareOptions options, DateTimeOffset now)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
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
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static double Ratio(Standing lateen, Standing peer) =>
        lateen.Median(round => round.TotalMicroseconds) / peer.Median(round => round.TotalMicroseconds);

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
        writer.WriteNumber("medianP50Microseconds", Round(standing.Median(round => round.P50)));
        writer.WriteNumber("medianP99Microseconds", Round(standing.Median(round => round.P99)));
        writer.WriteStartArray("rounds");
        foreach (var round in standing.Rounds)
        {
            writer.WriteStartObject();
            writer.WriteNumber("userMicroseconds", Round(round.UserMicroseconds));
            writer.WriteNumber("systemMicroseconds", Round(round.SystemMicroseconds));
            writer.WriteNumber("requestsPerSecond", Round(round.RequestsPerSecond));
            writer.WriteNumber("p50Microseconds", Round(round.P50));
            writer.WriteNumber("p99Microseconds", Round(round.P99));
            writer.WriteNumber("achievedRate", Round(round.AchievedRate));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static double Round(double value) => Math.Round(value, 3);

    private static string CpuModel() => File.ReadLines("/proc/cpuinfo")
        .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(": ")[^1] ?? "unknown";
}
