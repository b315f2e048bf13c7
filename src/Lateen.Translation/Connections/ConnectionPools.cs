using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Lateen.Model;
using Lateen.Model.Networking;

namespace Lateen.Translation.Connections;

/// <summary>Pool settings of a DestinationRule or a Sidecar on a cluster: breakers, timeouts, keep-alive and HTTP options.</summary>
internal static class ConnectionPools
{
    /// <summary>Istio's "no limit": Envoy's own defaults (1024 connections, pending and requests, 3 retries) would surprise who set none.</summary>
    private const uint NoLimit = uint.MaxValue;

    private const string HttpOptionsName = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

    public static void Write(Cluster cluster, ConnectionPoolSettings? pool, MeshConfig mesh)
    {
        cluster.ConnectTimeout = Messages.Of(pool?.Tcp?.ConnectTimeout ?? mesh.ConnectTimeout);
        cluster.CircuitBreakers = new CircuitBreakers
        {
            Thresholds =
            {
                new CircuitBreakers.Types.Thresholds
                {
                    MaxConnections = Limit(pool?.Tcp?.MaxConnections),
                    MaxPendingRequests = Limit(pool?.Http?.Http1MaxPendingRequests),
                    MaxRequests = Limit(pool?.Http?.Http2MaxRequests),
                    MaxRetries = Limit(pool?.Http?.MaxRetries),
                    TrackRemaining = true,
                },
            },
        };
        if (pool?.Tcp?.TcpKeepalive is { } keepalive) cluster.UpstreamConnectionOptions = new UpstreamConnectionOptions { TcpKeepalive = Of(keepalive) };
        if (HttpOptions(pool) is { } options) cluster.TypedExtensionProtocolOptions[HttpOptionsName] = Messages.Pack(options);
    }

    private static uint Limit(int? written) => written is > 0 ? (uint)written : NoLimit;

    private static Envoy.Config.Core.V3.TcpKeepalive Of(Model.Networking.TcpKeepalive keepalive)
    {
        var result = new Envoy.Config.Core.V3.TcpKeepalive();
        if (keepalive.Probes is { } probes) result.KeepaliveProbes = probes;
        if (keepalive.Time is { } time) result.KeepaliveTime = (uint)time.TotalSeconds;
        if (keepalive.Interval is { } interval) result.KeepaliveInterval = (uint)interval.TotalSeconds;
        return result;
    }

    /// <summary>Null when nothing was written, so that a cluster without a policy stays small.</summary>
    private static Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions? HttpOptions(ConnectionPoolSettings? pool)
    {
        var idle = pool?.Http?.IdleTimeout ?? pool?.Tcp?.IdleTimeout;
        var duration = pool?.Tcp?.MaxConnectionDuration;
        int requests = pool?.Http?.MaxRequestsPerConnection ?? 0;
        if (idle is null && duration is null && requests <= 0) return null;
        var common = new Envoy.Config.Core.V3.HttpProtocolOptions();
        if (idle is { } idleTimeout) common.IdleTimeout = Messages.Of(idleTimeout);
        if (duration is { } maxDuration) common.MaxConnectionDuration = Messages.Of(maxDuration);
        if (requests > 0) common.MaxRequestsPerConnection = (uint)requests;
        return new Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions
        {
            CommonHttpProtocolOptions = common,
            ExplicitHttpConfig = new Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions.Types.ExplicitHttpConfig { HttpProtocolOptions = new Http1ProtocolOptions() },
        };
    }
}
