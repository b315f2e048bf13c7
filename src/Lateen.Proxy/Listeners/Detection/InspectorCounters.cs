using Lateen.Net.Tls;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.ProxyProtocol;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Listeners.Detection;

/// <summary>Where listener filters count, opened with the first listener that has them.</summary>
internal sealed class InspectorCounters
{
    private readonly ProxyProtocolStats? _proxy;
    private readonly TlsInspectorStats? _tls;
    private readonly HttpInspectorStats? _http;

    public InspectorCounters(ListenerFilters filters, StatsRegistry registry)
    {
        if (filters.ProxyProtocol is not null) _proxy = ProxyProtocolStats.Open(registry);
        if (filters.TlsInspector is not null) _tls = TlsInspectorStats.Open(registry);
        if (filters.HttpInspector) _http = HttpInspectorStats.Open(registry);
    }

    public void ProxyHeaderMissing(StatShard shard, bool isAllowed) => shard.Increment(isAllowed ? _proxy!.NotFoundAllowed : _proxy!.NotFoundDisallowed);

    public void ProxyHeaderFound(StatShard shard, ProxyProtocolVersion version, bool isAllowed)
    {
        if (version == ProxyProtocolVersion.V1) shard.Increment(isAllowed ? _proxy!.V1Found : _proxy!.V1Disallowed);
        else shard.Increment(isAllowed ? _proxy!.V2Found : _proxy!.V2Disallowed);
    }

    public void ProxyHeaderMalformed(StatShard shard, bool isText) => shard.Increment(isText ? _proxy!.V1Error : _proxy!.V2Error);

    public void TlsFound(StatShard shard, ClientHello hello)
    {
        shard.Increment(_tls!.TlsFound);
        shard.Increment(hello.ServerName.IsEmpty ? _tls.ServerNameNotFound : _tls.ServerNameFound);
        shard.Increment(hello.Alpn.IsEmpty ? _tls.AlpnNotFound : _tls.AlpnFound);
    }

    public void TlsNotFound(StatShard shard, bool isTooLarge)
    {
        if (_tls is null) return;
        shard.Increment(_tls.TlsNotFound);
        if (isTooLarge) shard.Increment(_tls.GreetingTooLarge);
    }

    public void Http(StatShard shard, SniffedProtocol protocol) => shard.Increment(protocol switch
    {
        SniffedProtocol.Http10 => _http!.Http10Found,
        SniffedProtocol.Http11 => _http!.Http11Found,
        SniffedProtocol.Http2 => _http!.Http2Found,
        _ => _http!.HttpNotFound,
    });
}
