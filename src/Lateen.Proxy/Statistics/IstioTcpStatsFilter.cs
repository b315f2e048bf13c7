using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Listeners;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>
/// Istio's <c>istio.stats</c> as a network filter: counts connections and bytes of a TCP proxy under the labels of Istio's dashboards. The
/// sending side reports as <c>source</c>, the serving side as <c>destination</c>.
/// </summary>
/// <remarks>
/// Labels are decided when the upstream is known, once per connection. Nothing in TCP tells who the client is, so the serving side knows
/// its source by nothing but what TLS tells.
/// </remarks>
internal sealed record IstioTcpStatsFilter : NetworkFilter
{
    private readonly SeriesFamily<IstioTcpSeries> _family;
    private readonly MeshWorkload _own;
    private readonly ReactorPart[] _parts;

    internal IstioTcpStatsFilter(string name, MeshWorkload own, SeriesFamily<IstioTcpSeries> family, int reactorCount)
        : base(name, IstioStatsFilter.ConfigType)
    {
        _family = family;
        _own = own;
        _parts = new ReactorPart[reactorCount];
        for (var i = 0; i < reactorCount; i++) _parts[i] = new ReactorPart();
    }

    /// <summary>Where a connection counts.</summary>
    internal IstioTcpSeries SeriesOf(ProxyWorker worker, ListenerSnapshot listener, ConnectionRecord record)
    {
        var part = _parts[worker.Index];
        var snapshot = worker.Snapshots.Current;
        if (!ReferenceEquals(part.Snapshot, snapshot))
        {
            part.Snapshot = snapshot;
            part.Series.Clear();
        }

        var isSource = listener.Direction != TrafficDirection.Inbound;
        var workload = isSource ? record.Endpoint?.Workload : null;
        var principals = ConnectionPrincipals.Of(isSource ? record.UpstreamTls : record.Tls);
        var key = new IstioSeriesKey(record.Cluster, workload, null, null, isSource ? 1 : 0, -1, record.Flags, false, principals);
        if (part.Series.TryGet(key, out var series)) return series;
        series = _family.Open(StatScope.Labels("istiocustom.", Describe(isSource, workload, record, principals).ToTags()));
        part.Series.Add(key, series);
        return series;
    }

    private IstioLabels Describe(bool isSource, WorkloadIdentity? workload, ConnectionRecord record, ConnectionPrincipals principals)
    {
        var peer = workload is null ? MeshWorkload.Unknown : MeshWorkload.Of(workload);
        var destination = isSource ? peer : _own;
        var (service, name, serviceNamespace) = IstioStatsFilter.Service(string.Empty, record.Cluster);
        return new IstioLabels
        {
            IsSource = isSource,
            Source = isSource ? _own : peer,
            Destination = destination,
            Principals = principals,
            DestinationService = service,
            DestinationServiceName = name,
            DestinationServiceNamespace = serviceNamespace.Length > 0 ? serviceNamespace : destination.Namespace,
            ResponseCode = IstioLabels.NoResponseCode,
            GrpcStatus = -1,
            Flags = record.Flags,
            IsGrpc = false,
        };
    }

    private sealed class ReactorPart
    {
        public ProxySnapshot? Snapshot { get; set; }

        public SeriesCache<IstioSeriesKey, IstioTcpSeries> Series { get; } = new();
    }
}
