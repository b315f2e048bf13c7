using System.Collections.Immutable;
using System.Globalization;
using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.TcpProxy.V3;
using Lateen.Model;
using Lateen.Model.Networking;
using Stats;

namespace Lateen.Translation.Connections;

/// <summary>A cluster that a connection may go to, and its share.</summary>
internal readonly record struct WeightedTarget(string Cluster, int Weight);

/// <summary>Filter chains that carry connections as they are: Istio's metrics, then the TCP proxy.</summary>
internal static class TcpChains
{
    private const string ProxyName = "envoy.filters.network.tcp_proxy";

    /// <param name="statPrefix">What statistics and metrics name the connections by when the targets are several; a single one goes by its cluster.</param>
    /// <param name="pool">Of the first target: it bounds how long connections idle and last.</param>
    public static FilterChain Of(ImmutableArray<WeightedTarget> targets, string statPrefix, TcpConnectionPool? pool, MeshConfig mesh)
    {
        var proxy = new TcpProxy();
        if (targets is [var single])
        {
            proxy.Cluster = single.Cluster;
            proxy.StatPrefix = single.Cluster;
        }
        else
        {
            proxy.StatPrefix = statPrefix;
            proxy.WeightedClusters = new TcpProxy.Types.WeightedCluster();
            foreach (var (cluster, weight) in targets)
                proxy.WeightedClusters.Clusters.Add(new TcpProxy.Types.WeightedCluster.Types.ClusterWeight { Name = cluster, Weight = (uint)weight });
        }

        if (pool?.IdleTimeout is { } idle) proxy.IdleTimeout = Messages.Of(idle);
        if (pool?.MaxConnectionDuration is { } duration) proxy.MaxDownstreamConnectionDuration = Messages.Of(duration);
        if (AccessLogs.Of(mesh) is { } log) proxy.AccessLog.Add(log);
        return new FilterChain
        {
            Filters =
            {
                new Filter { Name = "istio.stats", TypedConfig = Messages.Pack(new PluginConfig()) },
                new Filter { Name = ProxyName, TypedConfig = Messages.Pack(proxy) },
            },
        };
    }

    /// <summary>Restricts a chain to destinations and server names; empty lists restrict nothing.</summary>
    public static FilterChain When(FilterChain chain, ImmutableArray<string> subnets, ImmutableArray<string> serverNames)
    {
        var match = new FilterChainMatch();
        match.PrefixRanges.AddRange(subnets.Select(Range));
        match.ServerNames.AddRange(serverNames);
        if (match.PrefixRanges.Count > 0 || match.ServerNames.Count > 0) chain.FilterChainMatch = match;
        return chain;
    }

    /// <summary>An address, or a block of them (<c>10.0.0.0/8</c>); the model has checked both.</summary>
    private static CidrRange Range(string subnet)
    {
        int slash = subnet.IndexOf('/');
        string address = slash < 0 ? subnet : subnet[..slash];
        uint length = slash < 0 ? (address.Contains(':') ? 128u : 32u) : uint.Parse(subnet.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture);
        return new CidrRange { AddressPrefix = address, PrefixLen = length };
    }
}
