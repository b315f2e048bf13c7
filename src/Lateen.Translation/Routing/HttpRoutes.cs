using System.Text;
using Envoy.Config.Core.V3;
using Envoy.Config.Route.V3;
using Envoy.Type.Matcher.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Naming;
using RouteAction = Envoy.Config.Route.V3.RouteAction;

namespace Lateen.Translation.Routing;

/// <summary>HTTP rules of VirtualServices as Envoy routes: one route per branch, in the order in which they are tried.</summary>
/// <param name="listenerPort">The port of destinations that neither say one nor have only one.</param>
internal sealed class HttpRoutes(MeshConfig mesh, int listenerPort, DestinationPorts ports)
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    public IEnumerable<Route> Of(IEnumerable<RouteBranch> branches) =>
        branches.Where(branch => branch.Match is null || RouteMatches.IsSupported(branch.Match)).Select(Translate);

    /// <summary>The route of a host that no VirtualService speaks of.</summary>
    public Route Default(string cluster, string operation) => new()
    {
        Name = "default",
        Match = RouteMatches.All(),
        Route_ = Forwarding(new RouteAction { Cluster = cluster }, timeout: null, retries: null),
        Decorator = new Decorator { Operation = operation },
    };

    private Route Translate(RouteBranch branch)
    {
        var (source, rule, match) = branch;
        var route = new Route
        {
            Name = branch.Name,
            Match = match is null ? RouteMatches.All() : RouteMatches.Of(match),
            Metadata = Messages.Istio(new Struct { Fields = { ["config"] = Value.ForString(ResourcePaths.VirtualService(source.Key)) } }),
        };
        if (match?.StatPrefix is { } statPrefix) route.StatPrefix = statPrefix;
        var headers = new HeaderRules().Include(rule.Headers);
        if (rule.Redirect is { } redirect) WriteRedirect(route, redirect);
        else if (rule.DirectResponse is { } direct) route.DirectResponse = DirectResponse(direct.Status, direct.Body);
        else WriteForwarding(route, rule, headers);
        headers.WriteTo(route.RequestHeadersToAdd, route.RequestHeadersToRemove, route.ResponseHeadersToAdd, route.ResponseHeadersToRemove);
        return route;
    }

    private void WriteForwarding(Route route, HttpRoute rule, HeaderRules headers)
    {
        var action = new RouteAction();
        if (rule.Route is [var single])
        {
            headers.Include(single.Headers);
            action.Cluster = Cluster(single.Destination);
        }
        else action.WeightedClusters = Weighted(rule);

        route.Route_ = Forwarding(action, rule.Timeout, rule.Retries);
        if (rule.Rewrite is { } rewrite) WriteRewrite(action, rewrite);
        if ((rule.Rewrite?.Authority ?? headers.Authority) is { } authority) action.HostRewriteLiteral = authority;
        if (rule.Route is [var first, ..])
            route.Decorator = new Decorator { Operation = $"{first.Destination.Host}:{ports.Resolve(first.Destination, listenerPort)}/*" };
    }

    private string Cluster(Destination destination) =>
        ClusterNames.Outbound(ports.Resolve(destination, listenerPort), destination.Subset, destination.Host);

    /// <summary>Weights are relative and need not sum to 100; a weight of zero among several takes the destination out.</summary>
    private WeightedCluster Weighted(HttpRoute rule)
    {
        var weighted = new WeightedCluster();
        foreach (var destination in rule.Route.Where(destination => destination.Weight > 0))
        {
            var cluster = new WeightedCluster.Types.ClusterWeight { Name = Cluster(destination.Destination), Weight = (uint)destination.Weight };
            var headers = new HeaderRules().Include(destination.Headers);
            headers.WriteTo(cluster.RequestHeadersToAdd, cluster.RequestHeadersToRemove, cluster.ResponseHeadersToAdd, cluster.ResponseHeadersToRemove);
            if (headers.Authority is { } authority) cluster.HostRewriteLiteral = authority;
            weighted.Clusters.Add(cluster);
        }

        return weighted;
    }

    private RouteAction Forwarding(RouteAction action, TimeSpan? timeout, HttpRetry? retries)
    {
        // Istio has no timeout unless one is written; Envoy's own default would be 15 s, so "none" has to be said.
        action.Timeout = timeout is { } written ? Messages.Of(written) : Messages.Zero;
        action.MaxStreamDuration = GrpcDeadlines.OfClient();
        if (RetryPolicies.Of(retries, mesh.DefaultHttpRetryPolicy) is { } policy) action.RetryPolicy = policy;
        return action;
    }

    private static void WriteRewrite(RouteAction action, HttpRewrite rewrite)
    {
        if (rewrite.UriRegexRewrite is { } regex)
        {
            action.RegexRewrite = new RegexMatchAndSubstitute { Pattern = new RegexMatcher { Regex = regex.Match }, Substitution = regex.Rewrite };
        }
        else if (rewrite.Uri is { } uri)
        {
            // Envoy's prefix_rewrite swaps the matched prefix, or the whole path when the match was exact or a regex: Istio's very rule.
            action.PrefixRewrite = uri;
        }
    }

    private void WriteRedirect(Route route, HttpRedirect redirect)
    {
        if (Code(redirect.RedirectCode ?? 301) is not { } code)
        {
            route.DirectResponse = DirectResponse(redirect.RedirectCode!.Value, body: null);
            return;
        }

        var action = new RedirectAction { ResponseCode = code };
        if (redirect.Authority is { } authority) action.HostRedirect = authority;
        if (redirect.Uri is { } uri) action.PathRedirect = uri;
        else if (redirect.PrefixRewrite is { } prefix) action.PrefixRewrite = prefix;
        if (redirect.Scheme is { } scheme) action.SchemeRedirect = scheme;
        int port = redirect.Port ?? (redirect.DerivePort == RedirectPortSelection.FromRequestPort ? listenerPort : 0);
        bool isDefault = (redirect.Scheme, port) is ("http", 80) or ("https", 443);
        if (port > 0 && !isDefault) action.PortRedirect = (uint)port;
        route.Redirect = action;
    }

    /// <summary>Only these five are redirects to Envoy. Another 3xx that a rule names is answered as it is, without a location.</summary>
    private static RedirectAction.Types.RedirectResponseCode? Code(int status) => status switch
    {
        301 => RedirectAction.Types.RedirectResponseCode.MovedPermanently,
        302 => RedirectAction.Types.RedirectResponseCode.Found,
        303 => RedirectAction.Types.RedirectResponseCode.SeeOther,
        307 => RedirectAction.Types.RedirectResponseCode.TemporaryRedirect,
        308 => RedirectAction.Types.RedirectResponseCode.PermanentRedirect,
        _ => null,
    };

    private static DirectResponseAction DirectResponse(int status, System.Collections.Immutable.ImmutableArray<byte>? body)
    {
        var action = new DirectResponseAction { Status = (uint)status };
        if (body is not { } octets) return action;
        try
        {
            action.Body = new DataSource { InlineString = StrictUtf8.GetString(octets.AsSpan()) };
        }
        catch (DecoderFallbackException)
        {
            action.Body = new DataSource { InlineBytes = ByteString.CopyFrom(octets.AsSpan()) };
        }

        return action;
    }
}
