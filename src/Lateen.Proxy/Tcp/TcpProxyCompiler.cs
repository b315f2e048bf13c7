using System.Collections.Immutable;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Proto = Envoy.Extensions.Filters.Network.TcpProxy.V3;

namespace Lateen.Proxy.Tcp;

/// <summary>Compiles a <c>TcpProxy</c>.</summary>
internal sealed class TcpProxyCompiler(ExtensionCatalog extensions, ClusterDirectory clusters, ConfigurationErrors errors)
{
    public const string MessageName = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";

    private static readonly TimeSpan DefaultIdleTimeout = TimeSpan.FromHours(1);

    public TcpProxySnapshot? Compile(Any packed, FieldPath path)
    {
        Proto.TcpProxy proxy;
        try
        {
            proxy = Proto.TcpProxy.Parser.ParseFrom(packed.Value);
        }
        catch (InvalidProtocolBufferException fault)
        {
            errors.Add(path, $"is not a valid message: {fault.Message}");
            return null;
        }

        var errorsBefore = errors.Count;
        if (proxy.StatPrefix.Length == 0) errors.Add(path.Field("stat_prefix"), "is required");
        if (proxy.MaxConnectAttempts is 0) errors.Add(path.Field("max_connect_attempts"), "must be greater than 0");
        var compiled = new TcpProxySnapshot
        {
            StatPrefix = proxy.StatPrefix,
            Clusters = ClustersOf(proxy, path),
            IsWeighted = proxy.WeightedClusters is not null,
            IdleTimeout = ProtoValues.Timeout(proxy.IdleTimeout, DefaultIdleTimeout, path.Field("idle_timeout"), errors),
            MaxConnectionDuration = ProtoValues.Timeout(
                proxy.MaxDownstreamConnectionDuration, null, path.Field("max_downstream_connection_duration"), errors),
            MaxConnectAttempts = proxy.MaxConnectAttempts ?? 1,
            AccessLogs = AccessLogCompiler.Compile(proxy.AccessLog, extensions, path.Field("access_log"), errors),
        };
        return errors.Count > errorsBefore ? null : compiled;
    }

    private ImmutableArray<TcpClusterShare> ClustersOf(Proto.TcpProxy proxy, FieldPath path)
    {
        switch (proxy.ClusterSpecifierCase)
        {
            case Proto.TcpProxy.ClusterSpecifierOneofCase.Cluster:
                if (proxy.Cluster.Length == 0) errors.Add(path.Field("cluster"), "is required");
                return [new TcpClusterShare(clusters.Reference(proxy.Cluster), 1)];
            case Proto.TcpProxy.ClusterSpecifierOneofCase.WeightedClusters:
                return SharesOf(proxy.WeightedClusters, path.Field("weighted_clusters").Field("clusters"));
            default:
                errors.Add(path, "needs a destination: cluster or weighted_clusters");
                return [];
        }
    }

    private ImmutableArray<TcpClusterShare> SharesOf(Proto.TcpProxy.Types.WeightedCluster weighted, FieldPath path)
    {
        if (weighted.Clusters.Count == 0) errors.Add(path, "at least one cluster is required");
        var shares = ImmutableArray.CreateBuilder<TcpClusterShare>(weighted.Clusters.Count);
        ulong sum = 0;
        for (var i = 0; i < weighted.Clusters.Count; i++)
        {
            var one = weighted.Clusters[i];
            if (one.Name.Length == 0) errors.Add(path.At(i).Field("name"), "is required");
            if (one.Weight == 0) errors.Add(path.At(i).Field("weight"), "must be greater than 0");
            sum += one.Weight;
            shares.Add(new TcpClusterShare(clusters.Reference(one.Name), one.Weight));
        }

        if (sum > uint.MaxValue) errors.Add(path, $"the weights add up to {sum}, more than {uint.MaxValue}");
        return shares.DrainToImmutable();
    }
}
