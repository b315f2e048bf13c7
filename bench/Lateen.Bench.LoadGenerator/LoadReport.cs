using System.Text;
using System.Text.Json;

namespace Lateen.Bench.LoadGenerator;

/// <summary>Why a request has no good answer.</summary>
public enum LoadFailure
{
    /// <summary>No connection could be opened.</summary>
    Connect,

    /// <summary>The connection ended after the request was sent and before its answer was complete.</summary>
    Closed,

    /// <summary>No complete answer within the timeout.</summary>
    Timeout,

    /// <summary>What came is not an HTTP/1.1 response that this client understands.</summary>
    Malformed,
}

/// <summary>What became of a load. A request is good when its answer is complete and its status below 400.</summary>
public sealed record LoadReport
{
    /// <summary>Requests that were sent, or should have been and found no connection.</summary>
    public required long Requests { get; init; }

    /// <summary>Requests with a complete answer of a status below 400.</summary>
    public required long Succeeded { get; init; }

    /// <summary>All others, whatever the reason.</summary>
    public long Failed => Requests - Succeeded;

    /// <summary>Complete answers by status.</summary>
    public required IReadOnlyDictionary<int, long> Statuses { get; init; }

    /// <summary>Requests without a complete answer, by reason.</summary>
    public required IReadOnlyDictionary<LoadFailure, long> Failures { get; init; }

    /// <summary>Measured time, without the warm-up.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Latencies of complete answers, without the warm-up's.</summary>
    public required LatencyHistogram Latencies { get; init; }

    /// <summary>Connections opened in total; above the configured number when the server closed some.</summary>
    public required long ConnectionsOpened { get; init; }

    public required long BytesReceived { get; init; }

    /// <summary>Complete answers per second of measured time.</summary>
    public double AnswersPerSecond => Elapsed > TimeSpan.Zero ? Latencies.Count / Elapsed.TotalSeconds : 0;

    /// <summary>0: every request succeeded. 1: some failed. 3: nothing was answered at all. (2 is bad usage.)</summary>
    public int ExitCode => Succeeded == 0 ? 3 : Failed == 0 ? 0 : 1;

    /// <summary>The report as one JSON object; times in microseconds.</summary>
    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteNumber("requests", Requests);
            writer.WriteNumber("succeeded", Succeeded);
            writer.WriteNumber("failed", Failed);
            writer.WriteStartObject("statuses");
            foreach (var (status, count) in Statuses.OrderBy(pair => pair.Key))
                writer.WriteNumber(status.ToString(), count);
            writer.WriteEndObject();
            writer.WriteStartObject("failures");
            foreach (var (failure, count) in Failures.OrderBy(pair => pair.Key))
                writer.WriteNumber(JsonNamingPolicy.CamelCase.ConvertName(failure.ToString()), count);
            writer.WriteEndObject();
            writer.WriteNumber("elapsedSeconds", Math.Round(Elapsed.TotalSeconds, 3));
            writer.WriteNumber("answersPerSecond", Math.Round(AnswersPerSecond, 1));
            writer.WriteNumber("connectionsOpened", ConnectionsOpened);
            writer.WriteNumber("bytesReceived", BytesReceived);
            writer.WriteStartObject("latencyMicroseconds");
            writer.WriteNumber("count", Latencies.Count);
            writer.WriteNumber("min", Micros(Latencies.Count == 0 ? 0 : Latencies.Min));
            writer.WriteNumber("mean", Micros(Latencies.Mean));
            writer.WriteNumber("p50", Micros(Latencies.Percentile(50)));
            writer.WriteNumber("p90", Micros(Latencies.Percentile(90)));
            writer.WriteNumber("p99", Micros(Latencies.Percentile(99)));
            writer.WriteNumber("p999", Micros(Latencies.Percentile(99.9)));
            writer.WriteNumber("max", Micros(Latencies.Max));
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static double Micros(double nanoseconds) => Math.Round(nanoseconds / 1000, 1);
}
