using System.Globalization;
using System.Text;

namespace Lateen.ControlPlane.Metrics;

/// <summary>
/// The control plane's own figures, under the names that dashboards made for Istio's pilot draw. Increments are interlocked: they come from request
/// threads and from the worker, a few per change, never per request of the mesh.
/// </summary>
public sealed class ControlPlaneMetrics
{
    /// <summary>Bounds of the histograms of seconds, from half a millisecond (one proxy, one changed route) to half a minute.</summary>
    private static readonly double[] SecondBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3, 5, 10, 30];

    private readonly SortedDictionary<string, Series> _pushes = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, Series> _rejects = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private long _pushTriggers;
    private long _inboundUpdates;
    private long _rejectedChanges;
    private long _connections;
    private readonly Histogram _convergence = new(SecondBounds);
    private readonly Histogram _translation = new(SecondBounds);

    /// <summary>What the certificate service does.</summary>
    public CertificateMetrics Certificates { get; } = new();

    /// <summary>Proxies connected now.</summary>
    public void ConnectionOpened() => Interlocked.Increment(ref _connections);

    public void ConnectionClosed() => Interlocked.Decrement(ref _connections);

    /// <summary>A source or the API changed the store.</summary>
    public void UpdateReceived() => Interlocked.Increment(ref _inboundUpdates);

    /// <summary>The store's change set the worker going.</summary>
    public void PushTriggered() => Interlocked.Increment(ref _pushTriggers);

    /// <summary>A change was refused as a whole, or a resource of a source was.</summary>
    public void ChangeRejected() => Interlocked.Increment(ref _rejectedChanges);

    /// <summary>Responses left for one proxy.</summary>
    /// <param name="type">cds, eds, lds or rds.</param>
    public void Pushed(string type, long responses) => Count(_pushes, type, responses);

    /// <summary>A proxy refused a response.</summary>
    public void Rejected(string type) => Count(_rejects, type, 1);

    /// <summary>The time from a store change to its acknowledgement by a proxy.</summary>
    public void Converged(TimeSpan elapsed) => _convergence.Observe(elapsed.TotalSeconds);

    /// <summary>The time that one round of translation took for all proxies.</summary>
    public void Translated(TimeSpan elapsed) => _translation.Observe(elapsed.TotalSeconds);

    private void Count(SortedDictionary<string, Series> family, string type, long times)
    {
        lock (_gate)
        {
            if (!family.TryGetValue(type, out var series)) family[type] = series = new Series();
            series.Value += times;
        }
    }

    /// <summary>The whole page in Prometheus' text form.</summary>
    /// <param name="gauges">Figures that are read rather than counted, such as the number of services.</param>
    public string Render(IEnumerable<(string Name, string Meaning, double Value)> gauges)
    {
        var page = new StringBuilder();
        Single(page, "pilot_xds", "gauge", "Proxies connected over xDS", Interlocked.Read(ref _connections));
        Single(page, "pilot_push_triggers", "counter", "Store changes that set translation going", Interlocked.Read(ref _pushTriggers));
        Single(page, "pilot_inbound_updates", "counter", "Changes received from sources and the API", Interlocked.Read(ref _inboundUpdates));
        Single(page, "pilot_total_rejected_configs", "counter", "Resources and changes that were refused", Interlocked.Read(ref _rejectedChanges));
        foreach (var (name, meaning, value) in gauges) Single(page, name, "gauge", meaning, value);
        lock (_gate)
        {
            Single(page, "pilot_total_xds_rejects", "counter", "Responses that proxies refused", _rejects.Values.Sum(series => series.Value));
            foreach (var (type, series) in _rejects) Single(page, $"pilot_xds_{type}_reject", "counter", $"Refused {type} responses", series.Value);
            Head(page, "pilot_xds_pushes", "counter", "Responses sent to proxies");
            foreach (var (type, series) in _pushes) page.Append("pilot_xds_pushes{type=\"").Append(type).Append("\"} ").Append(series.Value).Append('\n');
        }

        Certificates.Render(page);
        _convergence.Render(page, "pilot_proxy_convergence_time", "Seconds from a store change to its acknowledgement by a proxy");
        _translation.Render(page, "pilot_xds_push_time", "Seconds that a round of translation took for all proxies");
        return page.ToString();
    }

    internal static void Head(StringBuilder page, string name, string kind, string meaning) =>
        page.Append("# HELP ").Append(name).Append(' ').Append(meaning).Append("\n# TYPE ").Append(name).Append(' ').Append(kind).Append('\n');

    internal static void Single(StringBuilder page, string name, string kind, string meaning, double value)
    {
        Head(page, name, kind, meaning);
        page.Append(name).Append(' ').Append(value.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    private sealed class Series
    {
        public long Value;
    }

    private sealed class Histogram(double[] bounds)
    {
        private readonly long[] _buckets = new long[bounds.Length + 1];
        private readonly Lock _gate = new();
        private double _sum;

        public void Observe(double value)
        {
            int bucket = Array.FindIndex(bounds, bound => value <= bound);
            lock (_gate)
            {
                _buckets[bucket < 0 ? bounds.Length : bucket]++;
                _sum += value;
            }
        }

        public void Render(StringBuilder page, string name, string meaning)
        {
            Head(page, name, "histogram", meaning);
            lock (_gate)
            {
                long total = 0;
                for (int i = 0; i < _buckets.Length; i++)
                {
                    total += _buckets[i];
                    string bound = i < bounds.Length ? bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
                    page.Append(name).Append("_bucket{le=\"").Append(bound).Append("\"} ").Append(total).Append('\n');
                }

                page.Append(name).Append("_sum ").Append(_sum.ToString(CultureInfo.InvariantCulture)).Append('\n');
                page.Append(name).Append("_count ").Append(total).Append('\n');
            }
        }
    }
}
