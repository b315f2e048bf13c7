using System.Runtime.CompilerServices;
using Lateen.Net;
using Lateen.Proxy.Clusters;

namespace Lateen.Proxy.Upstreams;

/// <summary>A cluster's connect timeout and keep-alive in the transport's form, made once per cluster snapshot.</summary>
internal static class UpstreamSocketOptions
{
    private static readonly ConditionalWeakTable<ClusterSnapshot, ConnectOptions> Known = [];

    public static ConnectOptions Of(ClusterSnapshot cluster) => Known.GetValue(cluster, static key => new ConnectOptions
    {
        Timeout = key.ConnectTimeout,
        KeepAlive = key.Connections.KeepAlive is { } keepAlive
            ? new KeepAliveOptions { Idle = keepAlive.Time, Interval = keepAlive.Interval, Probes = (int?)keepAlive.Probes }
            : null,
    });
}
