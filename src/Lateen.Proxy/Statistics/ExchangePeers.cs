using Lateen.Proxy.Filters;
using Lateen.Proxy.Forwarding;

namespace Lateen.Proxy.Statistics;

/// <summary>The two peers of an exchange as they told of themselves: written by <see cref="PeerMetadataFilter"/>, read by
/// <see cref="IstioStatsFilter"/>.</summary>
internal sealed class ExchangePeers
{
    // The key under which every exchange keeps its peers, whatever filters of whatever configuration wrote them.
    private static readonly HttpFilter Key = new KeyFilter();

    private long _exchangeId = -1;

    /// <summary>Who sent the request; null when it did not say.</summary>
    public MeshWorkload? Downstream { get; set; }

    /// <summary>Who answered; null when it did not say.</summary>
    public MeshWorkload? Upstream { get; set; }

    /// <summary>The client sent its id, so it wants ours.</summary>
    public bool WantsId { get; set; }

    /// <summary>The client sent its metadata, so it wants ours.</summary>
    public bool WantsMetadata { get; set; }

    /// <summary>The peers of an exchange. The object is reused, so that of an earlier exchange is emptied first.</summary>
    public static ExchangePeers Of(HttpExchange exchange)
    {
        var peers = exchange.FilterState<ExchangePeers>(Key);
        if (peers._exchangeId != exchange.Record.ExchangeId)
        {
            peers._exchangeId = exchange.Record.ExchangeId;
            peers.Downstream = peers.Upstream = null;
            peers.WantsId = peers.WantsMetadata = false;
        }

        return peers;
    }

    private sealed record KeyFilter() : HttpFilter("lateen.peers", string.Empty)
    {
        public override FilterStages Stages => FilterStages.None;
    }
}
