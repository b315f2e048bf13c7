using Lateen.Http;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Proto = Envoy.Config.Route.V3;

namespace Lateen.Proxy.Routing;

/// <summary>Compiles a <c>RouteAction</c>.</summary>
internal sealed class ForwardActionCompiler(ClusterDirectory clusters, VirtualHostLevel host, RouteLevel route, ConfigurationErrors errors)
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(15);

    public ForwardAction? Compile(Proto.RouteAction action, Proto.RouteMatch match, FieldPath path)
    {
        ClusterReference? cluster = null;
        HeaderName? clusterHeader = null;
        WeightedClusterChoice? weighted = null;
        switch (action.ClusterSpecifierCase)
        {
            case Proto.RouteAction.ClusterSpecifierOneofCase.Cluster when action.Cluster.Length > 0:
                cluster = clusters.Reference(action.Cluster);
                break;
            case Proto.RouteAction.ClusterSpecifierOneofCase.ClusterHeader when HeaderName.TryCreate(action.ClusterHeader, out clusterHeader):
                break;
            case Proto.RouteAction.ClusterSpecifierOneofCase.WeightedClusters:
                weighted = CompileWeighted(action.WeightedClusters, path.Field("weighted_clusters"));
                break;
            default:
                errors.Add(path, "needs a cluster: cluster, cluster_header (a header name) or weighted_clusters");
                break;
        }

        if (action.Priority != Envoy.Config.Core.V3.RoutingPriority.Default) errors.Add(path.Field("priority"), "only DEFAULT is supported");
        var idle = ProtoValues.Timeout(action.IdleTimeout, null, path.Field("idle_timeout"), errors);
        var stream = action.MaxStreamDuration;
        var streamPath = path.Field("max_stream_duration");
        if (stream?.GrpcTimeoutHeaderOffset is not null) errors.Add(streamPath.Field("grpc_timeout_header_offset"), "is not supported");
        return new ForwardAction
        {
            Cluster = cluster,
            ClusterHeader = clusterHeader,
            WeightedClusters = weighted,
            ClusterNotFoundStatus = NotFoundStatus(action, path),
            Timeout = ProtoValues.Timeout(action.Timeout, DefaultTimeout, path.Field("timeout"), errors),
            IdleTimeout = idle,
            HasIdleTimeout = action.IdleTimeout is not null,
            MaxStreamDuration = ProtoValues.Timeout(stream?.MaxStreamDuration_, null, streamPath.Field("max_stream_duration"), errors),
            HasMaxStreamDuration = stream?.MaxStreamDuration_ is not null,
            MaxGrpcTimeout = ProtoValues.Duration(stream?.GrpcTimeoutHeaderMax, null, streamPath.Field("grpc_timeout_header_max"), errors),
            RetryPolicy = action.RetryPolicy is null ? host.RetryPolicy : RetryPolicyCompiler.Compile(action.RetryPolicy, path.Field("retry_policy"), errors),
            Upgrades = UpgradeRules.Compile(
                [.. action.UpgradeConfigs.Select(static one => (one.UpgradeType, one.Enabled))], path.Field("upgrade_configs"), errors),
            TerminatesConnect = TerminatesConnect(action, path),
            AppendXForwardedHost = action.AppendXForwardedHost,
            IsHostFromEndpoint = action.AutoHostRewrite is true,
            HostRewrite = CompileHostRewrite(action, path),
            PathRewrite = CompilePathRewrite(action, match, path),
        };
    }

    private bool TerminatesConnect(Proto.RouteAction action, FieldPath path)
    {
        var terminates = false;
        for (var i = 0; i < action.UpgradeConfigs.Count; i++)
        {
            var config = action.UpgradeConfigs[i];
            if (config.ConnectConfig is null) continue;
            terminates = true;
            if (!UpgradeRules.IsConnect(config.UpgradeType))
                errors.Add(path.Field("upgrade_configs").At(i).Field("connect_config"), $"goes with upgrade_type CONNECT, not '{config.UpgradeType}'");
        }

        return terminates;
    }

    private int NotFoundStatus(Proto.RouteAction action, FieldPath path)
    {
        switch (action.ClusterNotFoundResponseCode)
        {
            case Proto.RouteAction.Types.ClusterNotFoundResponseCode.ServiceUnavailable: return 503;
            case Proto.RouteAction.Types.ClusterNotFoundResponseCode.NotFound: return 404;
            case Proto.RouteAction.Types.ClusterNotFoundResponseCode.InternalServerError: return 500;
            default:
                errors.Add(path.Field("cluster_not_found_response_code"), $"{(int)action.ClusterNotFoundResponseCode} is not a known code");
                return 503;
        }
    }

    private PathRewrite? CompilePathRewrite(Proto.RouteAction action, Proto.RouteMatch match, FieldPath path)
    {
        if (action.PrefixRewrite.Length > 0 && action.RegexRewrite is not null)
        {
            errors.Add(path.Field("regex_rewrite"), "cannot stand beside prefix_rewrite");
            return null;
        }

        if (match.ConnectMatcher is not null && (action.RegexRewrite is not null || action.PrefixRewrite.Length > 0))
        {
            errors.Add(path.Field(action.RegexRewrite is not null ? "regex_rewrite" : "prefix_rewrite"), "a CONNECT has no path to rewrite (connect_matcher)");
            return null;
        }

        if (action.RegexRewrite is not null) return RewriteCompiler.Regex(action.RegexRewrite, path.Field("regex_rewrite"), errors);
        return action.PrefixRewrite.Length == 0 ? null : RewriteCompiler.Prefix(action.PrefixRewrite, match, path.Field("prefix_rewrite"), errors);
    }

    private HostRewrite? CompileHostRewrite(Proto.RouteAction action, FieldPath path)
    {
        switch (action.HostRewriteSpecifierCase)
        {
            case Proto.RouteAction.HostRewriteSpecifierOneofCase.HostRewriteLiteral:
                return RewriteCompiler.Literal(action.HostRewriteLiteral, path.Field("host_rewrite_literal"), errors);
            case Proto.RouteAction.HostRewriteSpecifierOneofCase.HostRewriteHeader:
                return RewriteCompiler.Header(action.HostRewriteHeader, path.Field("host_rewrite_header"), errors);
            case Proto.RouteAction.HostRewriteSpecifierOneofCase.HostRewritePathRegex:
                var regex = RewriteCompiler.Regex(action.HostRewritePathRegex, path.Field("host_rewrite_path_regex"), errors);
                return regex is null ? null : new PathHostRewrite(regex);
            default:
                return null;
        }
    }

    private WeightedClusterChoice? CompileWeighted(Proto.WeightedCluster weighted, FieldPath path)
    {
        var clustersPath = path.Field("clusters");
        if (weighted.Clusters.Count == 0)
        {
            errors.Add(clustersPath, "at least one cluster is required");
            return null;
        }

        var entries = new List<WeightedClusterEntry>(weighted.Clusters.Count);
        ulong sum = 0;
        for (var i = 0; i < weighted.Clusters.Count; i++)
        {
            if (CompileWeightedEntry(weighted.Clusters[i], clustersPath.At(i)) is not { } entry) continue;
            entries.Add(entry);
            sum += entry.Weight;
        }

        if (sum is 0 or > uint.MaxValue) errors.Add(clustersPath, $"the weights must add up to 1 to {uint.MaxValue}, not {sum}");
        if (weighted.TotalWeight is { } total && total != sum) errors.Add(path.Field("total_weight"), $"is {total}, but the weights add up to {sum}");
        return sum == 0 ? null : new WeightedClusterChoice([.. entries]);
    }

    private WeightedClusterEntry? CompileWeightedEntry(Proto.WeightedCluster.Types.ClusterWeight cluster, FieldPath path)
    {
        if (cluster.TypedPerFilterConfig.Count > 0) PerFilterConfig.Refuse(cluster.TypedPerFilterConfig, path, errors);
        if (cluster.Name.Length == 0)
        {
            errors.Add(path.Field("name"), "is required");
            return null;
        }

        var request = HeaderMutationCompiler.Compile(cluster.RequestHeadersToRemove, cluster.RequestHeadersToAdd, "request", path, errors);
        var response = HeaderMutationCompiler.Compile(cluster.ResponseHeadersToRemove, cluster.ResponseHeadersToAdd, "response", path, errors);
        var (table, wins) = (host.Table, host.Table.MostSpecificHeadersWin);
        return new WeightedClusterEntry
        {
            Cluster = clusters.Reference(cluster.Name),
            Weight = cluster.Weight ?? 0,
            RequestHeaders = HeaderMutationCompiler.Join(wins, request, route.RequestHeaders, host.RequestHeaders, table.RequestHeaders),
            ResponseHeaders = HeaderMutationCompiler.Join(wins, response, route.ResponseHeaders, host.ResponseHeaders, table.ResponseHeaders),
            HostRewrite = RewriteCompiler.Literal(cluster.HostRewriteLiteral, path.Field("host_rewrite_literal"), errors),
        };
    }
}
