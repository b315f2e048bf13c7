using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Forwarding;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>
/// Istio's <c>istio.stats</c>: counts each exchange in <c>istio_requests_total</c> and its three histograms, with the labels that Istio's
/// dashboards and Kiali read. The sending side reports as <c>source</c>, the serving side as <c>destination</c>.
/// </summary>
/// <remarks>
/// Labels are made once per combination and reactor; after that an exchange costs one lookup by the objects involved. Those objects
/// belong to a snapshot, so a reactor forgets its combinations when it sees the next one; the series themselves stay.
/// </remarks>
public sealed record IstioStatsFilter : HttpFilter
{
    /// <summary>Type URL of <see cref="Stats.PluginConfig"/>.</summary>
    public const string ConfigType = "type.googleapis.com/stats.PluginConfig";

    private readonly SeriesFamily<IstioSeries> _family;
    private readonly SeriesFamily<IstioMessageSeries> _messages;
    private readonly MeshWorkload _own;
    private readonly bool _usesHostHeader;
    private readonly ReactorPart[] _parts;

    internal IstioStatsFilter(string name, Stats.PluginConfig config, MeshWorkload own, SeriesFamily<IstioSeries> family, SeriesFamily<IstioMessageSeries> messages, int reactorCount)
        : base(name, ConfigType)
    {
        _family = family;
        _messages = messages;
        _own = own;
        _usesHostHeader = !config.DisableHostHeaderFallback;
        _parts = new ReactorPart[reactorCount];
        for (var i = 0; i < reactorCount; i++) _parts[i] = new ReactorPart();
    }

    public override FilterStages Stages => FilterStages.Complete;

    public override void OnComplete(HttpExchange exchange)
    {
        var part = _parts[exchange.ReactorIndex];
        if (!ReferenceEquals(part.Snapshot, exchange.Snapshot))
        {
            part.Snapshot = exchange.Snapshot;
            part.Series.Clear();
            part.Messages.Clear();
        }

        var record = exchange.Record;
        var peers = ExchangePeers.Of(exchange);
        var isSource = exchange.Listener.Direction != TrafficDirection.Inbound;
        var key = new IstioSeriesKey(
            record.Cluster,
            isSource ? record.Endpoint?.Workload : null,
            isSource ? peers.Upstream : peers.Downstream,
            _usesHostHeader && record.Cluster?.Service is null ? part.Hosts.Intern(exchange.Request.Authority) : null,
            record.ResponseStatus,
            exchange.IsGrpc ? record.GrpcStatus : -1,
            record.Flags,
            exchange.IsGrpc,
            ConnectionPrincipals.Of(isSource ? record.UpstreamTls : record.DownstreamTls));
        if (!part.Series.TryGet(key, out var series))
        {
            series = _family.Open(StatScope.Labels("istiocustom.", Describe(key, isSource, record).ToTags()));
            part.Series.Add(key, series);
        }

        var shard = exchange.Shard;
        shard.Increment(series.Requests);
        shard.Record(series.Duration, record.DurationMilliseconds);
        shard.Record(series.RequestBytes, record.BytesReceived);
        shard.Record(series.ResponseBytes, record.BytesSent);
        if (!exchange.IsGrpc || (record.RequestMessages | record.ResponseMessages) == 0) return;
        if (!part.Messages.TryGet(key, out var messages))
        {
            messages = _messages.Open(StatScope.Labels("istiocustom.", Describe(key, isSource, record).ToTags()));
            part.Messages.Add(key, messages);
        }

        shard.Add(messages.Requests, record.RequestMessages);
        shard.Add(messages.Responses, record.ResponseMessages);
    }

    private IstioLabels Describe(in IstioSeriesKey key, bool isSource, ExchangeRecord record)
    {
        var peer = (MeshWorkload?)key.Peer
            ?? (isSource && record.Endpoint?.Workload is { } workload ? MeshWorkload.Of(workload) : MeshWorkload.Unknown);
        var destination = isSource ? peer : _own;
        var (service, name, serviceNamespace) = Service(key.Host ?? string.Empty, record.Cluster);
        return new IstioLabels
        {
            IsSource = isSource,
            Source = isSource ? _own : peer,
            Destination = destination,
            Principals = key.Principals,
            DestinationService = service,
            DestinationServiceName = name,
            DestinationServiceNamespace = serviceNamespace.Length > 0 ? serviceNamespace : destination.Namespace,
            ResponseCode = key.Status,
            GrpcStatus = key.GrpcStatus,
            Flags = key.Flags,
            IsGrpc = key.IsGrpc,
        };
    }

    /// <summary>The service: as the control plane named it, else as Istio's cluster names hold it, else what the client asked for.</summary>
    internal static (string Host, string Name, string Namespace) Service(string host, ClusterSnapshot? cluster)
    {
        if (cluster is null) return (host, string.Empty, string.Empty);
        if (cluster.Service is { } service) return (service.Host, service.Name, service.Namespace);
        if (WellKnownClusters.IsOne(cluster.Name)) return (host, cluster.Name, string.Empty);

        // DIRECTION|PORT|SUBSET|HOST
        var lastBar = cluster.Name.LastIndexOf('|');
        if (lastBar < 0 || lastBar + 1 == cluster.Name.Length) return (host, host, string.Empty);
        var named = cluster.Name[(lastBar + 1)..];
        var parts = named.Split('.');
        return parts is [var shortName, var inNamespace, "svc", ..] ? (named, shortName, inNamespace) : (named, named, string.Empty);
    }

    private sealed class ReactorPart
    {
        public ProxySnapshot? Snapshot { get; set; }

        public SeriesCache<IstioSeriesKey, IstioSeries> Series { get; } = new();

        public SeriesCache<IstioSeriesKey, IstioMessageSeries> Messages { get; } = new();

        public HostNames Hosts { get; } = new();
    }
}
