using Lateen.Telemetry.Exposition;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Admin;

/// <summary><c>/stats</c>, <c>/stats/prometheus</c> and <c>/reset_counters</c>, with Envoy's parameters <c>filter</c>, <c>usedonly</c>,
/// <c>type</c>, <c>format</c> and <c>histogram_buckets</c>.</summary>
internal static class StatsPages
{
    public static AdminPage[] Create(AdminContext context)
    {
        var registry = context.Statistics.Registry;
        return
        [
            new("/stats", "print server stats (filter=REGEX, usedonly, type=Counters|Gauges|Histograms|TextReadouts, format=text|json|prometheus, "
                + "histogram_buckets=summary|cumulative|disjoint)", false, (request, response) => Write(registry, request["format"] ?? "text", request, response)),
            new("/stats/prometheus", "print server stats in prometheus format", false,
                (request, response) => Write(registry, "prometheus", request, response)),
            new("/reset_counters", "reset all counters to zero", true, (_, response) =>
            {
                registry.ResetCounters();
                response.Write("OK\n");
            }),
        ];
    }

    private static void Write(StatsRegistry registry, string format, AdminRequest request, AdminResponse response)
    {
        if (!TryReadQuery(request, out var query, out var reason))
        {
            response.Refuse(400, reason + "\n");
            return;
        }

        switch (format)
        {
            case "text":
                StatsText.Write(registry.List(), query, response);
                break;
            case "json":
                response.ContentType = AdminResponse.Json;
                StatsJson.Write(registry.List(), query, response);
                response.Write("\n");
                break;
            case "prometheus":
                response.ContentType = PrometheusText.ContentType;
                PrometheusText.Write(registry.List(), query, response);
                break;
            default:
                response.Refuse(400, "usage: /stats?format=text, /stats?format=json or /stats?format=prometheus\n");
                break;
        }
    }

    private static bool TryReadQuery(AdminRequest request, out StatsQuery query, out string reason)
    {
        query = new StatsQuery { UsedOnly = request.Has("usedonly") };
        reason = string.Empty;
        if (request["filter"] is { Length: > 0 } filter)
        {
            try
            {
                query = query with { Name = StatsQuery.CompileName(filter) };
            }
            catch (ArgumentException failure)
            {
                reason = $"Invalid re2 regex: {failure.Message}";
                return false;
            }
        }

        switch (request["type"])
        {
            case null or "" or "All": break;
            case "Counters": query = query with { Kind = StatKind.Counter }; break;
            case "Gauges": query = query with { Kind = StatKind.Gauge }; break;
            case "Histograms": query = query with { Kind = StatKind.Histogram }; break;
            case "TextReadouts": query = query with { Kind = StatKind.Text }; break;
            default:
                reason = "usage: /stats?type=All, Counters, Gauges, Histograms or TextReadouts";
                return false;
        }

        switch (request["histogram_buckets"])
        {
            case null or "" or "none" or "summary": break;
            case "cumulative": query = query with { Histograms = HistogramView.Cumulative }; break;
            case "disjoint": query = query with { Histograms = HistogramView.Disjoint }; break;
            default:
                reason = "usage: /stats?histogram_buckets=summary, cumulative or disjoint";
                return false;
        }

        return true;
    }
}
