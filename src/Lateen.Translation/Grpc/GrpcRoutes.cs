using System.Collections.Immutable;
using Envoy.Config.Route.V3;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Naming;
using Lateen.Translation.Routing;

namespace Lateen.Translation.Grpc;

/// <summary>
/// HTTP rules of a VirtualService as routes that gRPC clients take. They refuse a whole table over an action that they do not know, so what they
/// cannot do is either left out of a route (rewrites, header operations, mirrors) or sent where every call fails (redirects, direct responses);
/// <see cref="Notices"/> says which.
/// </summary>
internal sealed class GrpcRoutes(MeshConfig mesh, int port, DestinationPorts ports, ServedClusters served)
{
    /// <summary>The conditions that gRPC clients retry on (gRFC A44); the others of a policy have no meaning to them.</summary>
    private static readonly string[] RetryConditions = ["cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"];

    private readonly SortedSet<string> _notices = new(StringComparer.Ordinal);

    /// <summary>What the rules ask for and a gRPC client does not do, one sentence each.</summary>
    public IEnumerable<string> Notices => _notices;

    /// <summary>The routes of the branches, in order; the last one matches every call, for a client refuses a virtual host in which none can.</summary>
    public IEnumerable<Route> Of(ImmutableArray<RouteBranch> branches)
    {
        bool isWhole = false;
        foreach (var branch in branches)
        {
            foreach (var match in Matches(branch))
            {
                yield return new Route { Name = branch.Name, Match = match, Route_ = Action(branch), Metadata = Messages.Origin(ResourcePaths.VirtualService(branch.Source.Key)) };
            }

            isWhole |= branch.IsCatchAll;
        }

        if (!isWhole) yield return Nowhere();
    }

    /// <summary>The route of a service that no VirtualService speaks of.</summary>
    public Route Default(string cluster) => new()
    {
        Name = "default",
        Match = RouteMatches.All(),
        Route_ = Forwarding(new RouteAction { Cluster = served.Contains(cluster) ? cluster : ClusterNames.BlackHole }, timeout: null, retries: null),
    };

    /// <summary>Where calls end as UNAVAILABLE that no rule, or a rule that cannot be served, wants.</summary>
    private static Route Nowhere() => new() { Name = "unmatched", Match = RouteMatches.All(), Route_ = new RouteAction { Cluster = ClusterNames.BlackHole } };

    private ImmutableArray<RouteMatch> Matches(RouteBranch branch)
    {
        if (branch.Match is null) return [RouteMatches.All()];
        var matches = GrpcMatches.Of(branch.Match, out string? unsupported);
        if (unsupported is not null) Notice(branch, $"{unsupported} is not for gRPC clients without a proxy; calls go on to the next rule");
        return matches;
    }

    private RouteAction Action(RouteBranch branch)
    {
        var rule = branch.Route;
        var action = new RouteAction();
        if (rule.Redirect is not null || rule.DirectResponse is not null)
        {
            Notice(branch, $"a {(rule.Redirect is not null ? "redirect" : "direct response")} cannot be given to gRPC clients without a proxy; their calls fail as UNAVAILABLE");
            action.Cluster = ClusterNames.BlackHole;
            return action;
        }

        WriteDestinations(action, branch);
        if (LeftOut(rule) is { } leftOut) Notice(branch, $"{leftOut} of the rule have no effect on gRPC clients without a proxy");
        return Forwarding(action, rule.Timeout, rule.Retries);
    }

    private void WriteDestinations(RouteAction action, RouteBranch branch)
    {
        var rule = branch.Route;
        if (rule.Route is [var single])
        {
            action.Cluster = Cluster(single.Destination, branch);
            return;
        }

        var weighted = new WeightedCluster();
        uint total = 0;
        foreach (var destination in rule.Route.Where(destination => destination.Weight > 0))
        {
            weighted.Clusters.Add(new WeightedCluster.Types.ClusterWeight { Name = Cluster(destination.Destination, branch), Weight = (uint)destination.Weight });
            total += (uint)destination.Weight;
        }

        // Older clients take 100 for the sum when it is not said, and refuse weights that come to another.
        weighted.TotalWeight = total;
        if (total == 0) action.Cluster = ClusterNames.BlackHole;
        else action.WeightedClusters = weighted;
    }

    private string Cluster(Destination destination, RouteBranch branch)
    {
        string cluster = ClusterNames.Outbound(ports.Resolve(destination, port), destination.Subset, destination.Host);
        if (served.Contains(cluster)) return cluster;
        Notice(branch, $"{cluster} is not served to this client; calls that the rule sends there fail as UNAVAILABLE");
        return ClusterNames.BlackHole;
    }

    /// <summary>A timeout is <c>max_stream_duration</c> to gRPC (gRFC A31): it bounds the call, and a deadline that the caller sets may be shorter.</summary>
    private RouteAction Forwarding(RouteAction action, TimeSpan? timeout, HttpRetry? retries)
    {
        if (timeout is { } written && written > TimeSpan.Zero)
            action.MaxStreamDuration = new RouteAction.Types.MaxStreamDuration { MaxStreamDuration_ = Messages.Of(written) };
        if (RetryPolicies.Of(retries, mesh.DefaultHttpRetryPolicy) is not { NumRetries: > 0 } policy) return action;
        string conditions = string.Join(',', policy.RetryOn.Split(',').Intersect(RetryConditions));
        if (conditions.Length == 0) return action;
        action.RetryPolicy = new RetryPolicy { RetryOn = conditions, NumRetries = policy.NumRetries, RetryBackOff = policy.RetryBackOff };
        return action;
    }

    private static string? LeftOut(HttpRoute rule)
    {
        var parts = new List<string>();
        if (rule.Rewrite is not null) parts.Add("rewrites");
        if (rule.Headers is not null || rule.Route.Any(destination => destination.Headers is not null)) parts.Add("header operations");
        if (rule.Mirror is not null || !rule.Mirrors.IsEmpty) parts.Add("mirrors");
        if (rule.CorsPolicy is not null) parts.Add("CORS settings");
        if (rule.Fault is not null) parts.Add("faults");
        if (rule.Retries?.PerTryTimeout is not null) parts.Add("time limits per try");
        return parts.Count == 0 ? null : string.Join(", ", parts);
    }

    private void Notice(RouteBranch branch, string text) =>
        _notices.Add($"VirtualService {branch.Source.Key.Namespace}/{branch.Source.Key.Name}{(branch.Route.Name is { } rule ? $", rule {rule}" : "")}: {text}");
}
