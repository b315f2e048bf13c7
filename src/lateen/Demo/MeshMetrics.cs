using System.Globalization;

namespace Lateen.Cli.Demo;

/// <summary>Cumulative figures of one proxy at one moment, read from its Prometheus page: of requests, and of TCP connections, which have none.</summary>
internal sealed record ProxySample(
    double Requests, double Failures, IReadOnlyList<(double UpperBound, double Count)> Durations, double TcpOpened = 0, double TcpClosed = 0, double TcpBytes = 0);

/// <summary>What a proxy did between two samples. Rates are per second; latencies are milliseconds, interpolated within the histogram's buckets.</summary>
/// <param name="TcpOpen">TCP connections that were open at the second sample.</param>
/// <param name="TcpBytesPerSecond">Bytes of TCP connections, both ways.</param>
internal readonly record struct TrafficRate(
    double RequestsPerSecond, double FailureShare, double? P50, double? P99, double TcpOpen, double TcpBytesPerSecond);

/// <summary>Reads Istio's standard metrics from a proxy's admin page and turns two samples into rates.</summary>
internal static class MeshMetrics
{
    /// <summary>Sums the standard metrics of one reporter ("source" or "destination").</summary>
    public static ProxySample Parse(string exposition, string reporter)
    {
        double requests = 0, failures = 0, opened = 0, closed = 0, bytes = 0;
        var buckets = new SortedDictionary<double, double>();
        var wanted = $"reporter=\"{reporter}\"";
        foreach (var line in exposition.AsSpan().EnumerateLines())
        {
            if (line.Length == 0 || line[0] == '#' || !line.Contains(wanted, StringComparison.Ordinal))
            {
                continue;
            }

            var value = double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
            if (line.StartsWith("istio_requests_total{", StringComparison.Ordinal))
            {
                requests += value;
                failures += IsFailure(line) ? value : 0;
            }
            else if (line.StartsWith("istio_tcp_connections_opened_total{", StringComparison.Ordinal))
            {
                opened += value;
            }
            else if (line.StartsWith("istio_tcp_connections_closed_total{", StringComparison.Ordinal))
            {
                closed += value;
            }
            else if (line.StartsWith("istio_tcp_sent_bytes_total{", StringComparison.Ordinal) || line.StartsWith("istio_tcp_received_bytes_total{", StringComparison.Ordinal))
            {
                bytes += value;
            }
            else if (line.StartsWith("istio_request_duration_milliseconds_bucket{", StringComparison.Ordinal) && UpperBound(line) is { } bound)
            {
                buckets[bound] = buckets.GetValueOrDefault(bound) + value;
            }
        }

        return new ProxySample(requests, failures, [.. buckets.Select(bucket => (bucket.Key, bucket.Value))], opened, closed, bytes);
    }

    /// <summary>The rates between two samples; a proxy that started again in between counts from zero.</summary>
    public static TrafficRate Between(ProxySample before, ProxySample after, TimeSpan elapsed)
    {
        if (after.Requests < before.Requests || after.TcpOpened < before.TcpOpened)
        {
            before = new ProxySample(0, 0, []);
        }

        var requests = after.Requests - before.Requests;
        var earlier = before.Durations.ToDictionary(bucket => bucket.UpperBound, bucket => bucket.Count);
        var durations = after.Durations.Select(bucket => (bucket.UpperBound, Count: bucket.Count - earlier.GetValueOrDefault(bucket.UpperBound))).ToArray();
        return new TrafficRate(
            requests / elapsed.TotalSeconds,
            requests > 0 ? (after.Failures - before.Failures) / requests : 0,
            Quantile(durations, 0.50),
            Quantile(durations, 0.99),
            after.TcpOpened - after.TcpClosed,
            (after.TcpBytes - before.TcpBytes) / elapsed.TotalSeconds);
    }

    // A failed gRPC call is a 200 whose grpc-status says otherwise; 1 is the caller's own cancellation.
    private static bool IsFailure(ReadOnlySpan<char> line) =>
        line.Contains("response_code=\"5", StringComparison.Ordinal)
        || line.Contains("response_code=\"0\"", StringComparison.Ordinal)
        || (line.Contains("request_protocol=\"grpc\"", StringComparison.Ordinal)
            && !line.Contains("grpc_response_status=\"0\"", StringComparison.Ordinal)
            && !line.Contains("grpc_response_status=\"1\"", StringComparison.Ordinal));

    // Linear interpolation inside the bucket that holds the rank, as Prometheus' histogram_quantile does.
    private static double? Quantile((double UpperBound, double Count)[] cumulative, double quantile)
    {
        if (cumulative.Length == 0 || cumulative[^1].Count <= 0)
        {
            return null;
        }

        var rank = quantile * cumulative[^1].Count;
        double lowerBound = 0, lowerCount = 0;
        foreach (var (upperBound, count) in cumulative)
        {
            if (count >= rank)
            {
                return double.IsPositiveInfinity(upperBound) || count <= lowerCount
                    ? lowerBound
                    : lowerBound + ((upperBound - lowerBound) * (rank - lowerCount) / (count - lowerCount));
            }

            (lowerBound, lowerCount) = (upperBound, count);
        }

        return lowerBound;
    }

    private static double? UpperBound(ReadOnlySpan<char> line)
    {
        var start = line.IndexOf("le=\"", StringComparison.Ordinal);
        if (start < 0)
        {
            return null;
        }

        var text = line[(start + 4)..];
        text = text[..text.IndexOf('"')];
        return text is "+Inf" ? double.PositiveInfinity : double.Parse(text, CultureInfo.InvariantCulture);
    }
}
