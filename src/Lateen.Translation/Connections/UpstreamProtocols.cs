using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Lateen.Model;
using Lateen.Model.Networking;
using HttpProtocolOptions = Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions;

namespace Lateen.Translation.Connections;

/// <summary>Which HTTP a cluster is spoken to in.</summary>
internal enum UpstreamHttp
{
    Http1,
    Http2,

    /// <summary>What the client spoke to the proxy.</summary>
    AsDownstream,

    /// <summary>What ALPN agrees on.</summary>
    Negotiated,
}

/// <summary>
/// Chooses and writes the HTTP of a cluster: what the port declares, what the pool's policies ask, and what TLS lets the endpoint choose.
/// </summary>
internal static class UpstreamProtocols
{
    private const string OptionsName = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

    /// <summary>
    /// A declared protocol wins over nothing, a written policy over both. A port that declares nothing is spoken to as its client speaks, for the proxy
    /// knows what it saw and not what the application understands. Plain HTTP over TLS is left to ALPN, which costs no round trip.
    /// </summary>
    public static UpstreamHttp Choose(PortProtocol protocol, HttpConnectionPool? pool, bool isTls, MeshConfig mesh)
    {
        if (pool?.UseClientProtocol == true) return UpstreamHttp.AsDownstream;
        var policy = pool?.H2UpgradePolicy ?? H2UpgradePolicy.Default;
        // A rule that says UPGRADE means it whatever the port says; the mesh's wish touches declared HTTP alone.
        if (protocol.IsHttp2() || policy == H2UpgradePolicy.Upgrade) return UpstreamHttp.Http2;
        if (protocol == PortProtocol.Unsupported) return UpstreamHttp.AsDownstream;
        if (!protocol.IsHttp() || policy == H2UpgradePolicy.DoNotUpgrade) return UpstreamHttp.Http1;
        if (mesh.UpgradesToHttp2) return UpstreamHttp.Http2;
        return isTls ? UpstreamHttp.Negotiated : UpstreamHttp.Http1;
    }

    /// <summary>What the TLS handshake offers; empty offers nothing.</summary>
    public static ReadOnlySpan<string> Alpn(UpstreamHttp http) => http switch
    {
        UpstreamHttp.Http2 => Http2Only,
        UpstreamHttp.Negotiated => Both,
        _ => [],
    };

    /// <param name="followsHost">The server name and the name to verify come from each request's Host (Istio's choice where the rule names none).</param>
    public static void Write(Cluster cluster, ConnectionPoolSettings? pool, UpstreamHttp http, UpstreamHttpProtocolOptions? followsHost)
    {
        var common = Common(pool);
        // Plain HTTP/1.1 without a policy is what a proxy does anyway, so that a cluster without a policy stays small.
        if (http == UpstreamHttp.Http1 && common is null && followsHost is null) return;
        var options = new HttpProtocolOptions { CommonHttpProtocolOptions = common, UpstreamHttpProtocolOptions = followsHost };
        switch (http)
        {
            case UpstreamHttp.Http1:
                options.ExplicitHttpConfig = new HttpProtocolOptions.Types.ExplicitHttpConfig { HttpProtocolOptions = new Http1ProtocolOptions() };
                break;
            case UpstreamHttp.Http2:
                options.ExplicitHttpConfig = new HttpProtocolOptions.Types.ExplicitHttpConfig { Http2ProtocolOptions = Http2(pool?.Http) };
                break;
            case UpstreamHttp.AsDownstream:
                options.UseDownstreamProtocolConfig = new HttpProtocolOptions.Types.UseDownstreamHttpConfig
                {
                    HttpProtocolOptions = new Http1ProtocolOptions(),
                    Http2ProtocolOptions = Http2(pool?.Http),
                };
                break;
            case UpstreamHttp.Negotiated:
                options.AutoConfig = new HttpProtocolOptions.Types.AutoHttpConfig
                {
                    HttpProtocolOptions = new Http1ProtocolOptions(),
                    Http2ProtocolOptions = Http2(pool?.Http),
                };
                break;
        }

        cluster.TypedExtensionProtocolOptions[OptionsName] = Messages.Pack(options);
    }

    private static readonly string[] Http2Only = ["h2"];

    private static readonly string[] Both = ["h2", "http/1.1"];

    private static Http2ProtocolOptions Http2(HttpConnectionPool? pool)
    {
        var options = new Http2ProtocolOptions { AllowConnect = true };
        if (pool?.MaxConcurrentStreams is > 0 and var streams) options.MaxConcurrentStreams = (uint)streams;
        if (pool?.Http2KeepAlive is { } keepalive)
        {
            options.ConnectionKeepalive = new KeepaliveSettings { Interval = Messages.Of(keepalive.Interval), Timeout = Messages.Of(keepalive.Timeout) };
        }

        return options;
    }

    /// <summary>Null when nothing was written.</summary>
    private static Envoy.Config.Core.V3.HttpProtocolOptions? Common(ConnectionPoolSettings? pool)
    {
        var idle = pool?.Http?.IdleTimeout ?? pool?.Tcp?.IdleTimeout;
        var duration = pool?.Tcp?.MaxConnectionDuration;
        int requests = pool?.Http?.MaxRequestsPerConnection ?? 0;
        if (idle is null && duration is null && requests <= 0) return null;
        var common = new Envoy.Config.Core.V3.HttpProtocolOptions();
        if (idle is { } idleTimeout) common.IdleTimeout = Messages.Of(idleTimeout);
        if (duration is { } maxDuration) common.MaxConnectionDuration = Messages.Of(maxDuration);
        if (requests > 0) common.MaxRequestsPerConnection = (uint)requests;
        return common;
    }
}
