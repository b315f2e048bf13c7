using Io.Istio.Http.PeerMetadata;
using Lateen.Http;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Forwarding;

namespace Lateen.Proxy.Statistics;

/// <summary>
/// Istio's <c>istio.metadata_exchange</c>: two proxies tell each other, in <c>x-envoy-peer-metadata</c> and
/// <c>x-envoy-peer-metadata-id</c>, which workloads they stand beside. What is read is taken out, so that no application sees it.
/// </summary>
/// <remarks>Our own values are encoded once. A peer's is decoded once per reactor.</remarks>
public sealed record PeerMetadataFilter : HttpFilter
{
    /// <summary>Type URL of <see cref="Config"/>.</summary>
    public const string ConfigType = "type.googleapis.com/io.istio.http.peer_metadata.Config";

    private readonly byte[] _ownMetadata;
    private readonly byte[] _ownId;
    private readonly PeerCache[] _caches;
    private readonly bool _readsDownstream;
    private readonly bool _readsUpstream;
    private readonly bool _tellsDownstream;
    private readonly bool _tellsUpstream;
    private readonly bool _skipsExternal;

    internal PeerMetadataFilter(string name, Config config, byte[] ownMetadata, byte[] ownId, PeerCache[] caches)
        : base(name, ConfigType)
    {
        _ownMetadata = ownMetadata;
        _ownId = ownId;
        _caches = caches;
        _readsDownstream = config.DownstreamDiscovery.Any(static method => method.IstioHeaders is not null);
        _readsUpstream = config.UpstreamDiscovery.Any(static method => method.IstioHeaders is not null);
        _tellsDownstream = config.DownstreamPropagation.Any(static method => method.IstioHeaders is not null);
        _tellsUpstream = config.UpstreamPropagation.Any(static method => method.IstioHeaders is not null);
        _skipsExternal = config.UpstreamPropagation.Any(static method => method.IstioHeaders is { SkipExternalClusters: true });
    }

    public override FilterStages Stages =>
        (_readsDownstream || _tellsUpstream ? FilterStages.Request : FilterStages.None)
        | (_readsUpstream || _tellsDownstream ? FilterStages.Response : FilterStages.None);

    public override FilterVerdict OnRequest(HttpExchange exchange)
    {
        var headers = exchange.Request.Headers;
        if (_readsDownstream)
        {
            var peers = ExchangePeers.Of(exchange);
            peers.WantsId = headers.Remove(KnownHeader.XEnvoyPeerMetadataId) > 0;
            if (headers.TryGet(KnownHeader.XEnvoyPeerMetadata, out var told))
            {
                peers.WantsMetadata = true;
                peers.Downstream = _caches[exchange.ReactorIndex].Read(told);
                headers.Remove(KnownHeader.XEnvoyPeerMetadata);
            }
        }

        if (_tellsUpstream)
        {
            // Whatever the application sent under these names is not ours to pass on, told or not.
            if (_skipsExternal && IsExternal(exchange))
            {
                headers.Remove(KnownHeader.XEnvoyPeerMetadata);
                headers.Remove(KnownHeader.XEnvoyPeerMetadataId);
            }
            else
            {
                headers.Set(KnownHeader.XEnvoyPeerMetadata, _ownMetadata);
                headers.Set(KnownHeader.XEnvoyPeerMetadataId, _ownId);
            }
        }

        return FilterVerdict.Continue;
    }

    public override FilterVerdict OnResponse(HttpExchange exchange)
    {
        var headers = exchange.Response.Headers;
        if (_readsUpstream)
        {
            if (headers.TryGet(KnownHeader.XEnvoyPeerMetadata, out var told))
            {
                ExchangePeers.Of(exchange).Upstream = _caches[exchange.ReactorIndex].Read(told);
                headers.Remove(KnownHeader.XEnvoyPeerMetadata);
            }

            headers.Remove(KnownHeader.XEnvoyPeerMetadataId);
        }

        if (_tellsDownstream)
        {
            // Only a client that told of itself is a proxy of the mesh; others are not told who serves them.
            var peers = ExchangePeers.Of(exchange);
            if (peers.WantsMetadata) headers.Set(KnownHeader.XEnvoyPeerMetadata, _ownMetadata);
            if (peers.WantsId) headers.Set(KnownHeader.XEnvoyPeerMetadataId, _ownId);
        }

        return FilterVerdict.Continue;
    }

    /// <summary>The route leads out of the mesh.</summary>
    private static bool IsExternal(HttpExchange exchange) => exchange.Record.Cluster is { Name: WellKnownClusters.Passthrough or WellKnownClusters.BlackHole };
}
