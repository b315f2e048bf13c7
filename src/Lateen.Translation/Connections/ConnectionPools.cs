using Envoy.Config.Cluster.V3;
using Lateen.Model;
using Lateen.Model.Networking;

namespace Lateen.Translation.Connections;

/// <summary>Pool settings of a DestinationRule or a Sidecar on a cluster, for every protocol: breakers, connect timeout and keep-alive.</summary>
internal static class ConnectionPools
{
    /// <summary>Istio's "no limit": Envoy's own defaults (1024 connections, pending and requests, 3 retries) would surprise who set none.</summary>
    private const uint NoLimit = uint.MaxValue;

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
        if ((pool?.Tcp?.TcpKeepalive ?? mesh.TcpKeepalive) is { } keepalive)
            cluster.UpstreamConnectionOptions = new UpstreamConnectionOptions { TcpKeepalive = Of(keepalive) };
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
}
