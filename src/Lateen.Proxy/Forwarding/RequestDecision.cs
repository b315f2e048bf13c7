using System.Diagnostics;
using Lateen.Http;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Forwarding;

/// <summary>
/// What shall become of a request, decided from its head: exactly one of a forward, an answer of our own, and a failure. The canonical head is
/// made final on the way: authority, who the client is, what it may claim, route, filters.
/// </summary>
internal readonly struct RequestDecision
{
    /// <summary>Of the redirect to a normalised path, as Envoy answers.</summary>
    private const int PathRedirectStatus = 307;

    /// <summary>Of the redirect to https.</summary>
    private const int TlsRedirectStatus = 301;

    private RequestDecision(ForwardAction? forward = null, LocalReply? reply = null, RedirectAction? redirect = null, Failure? failure = null)
    {
        Forward = forward;
        Reply = reply;
        Redirect = redirect;
        Failure = failure;
    }

    /// <summary>It goes to a cluster.</summary>
    public ForwardAction? Forward { get; }

    /// <summary>It is answered here.</summary>
    public LocalReply? Reply { get; }

    /// <summary>Says where to, when <see cref="Reply"/> is a redirect of a rule; null: to the request's own path as it was normalised.</summary>
    public RedirectAction? Redirect { get; }

    /// <summary>It fails, and the map says how.</summary>
    public Failure? Failure { get; }

    /// <summary>Decides. The configuration is read here, once for the whole exchange.</summary>
    public static RequestDecision Of(HttpExchange exchange, DownstreamConnection connection)
    {
        HttpConnectionProfile profile = connection.Profile;
        ProxyWorker worker = connection.Worker;
        HttpRequestHead request = exchange.Request;
        RequestAuthority.Apply(request, profile.Manager, connection.Transport.LocalEndPoint);
        RequestHeaderPolicy.Apply(exchange, connection);
        if (request.WantsPathRedirect)
        {
            worker.Shard.Increment(profile.Stats.RequestRedirectedWithNormalizedPath);
            return new RequestDecision(reply: LocalReplies.Redirect(PathRedirectStatus));
        }

        exchange.Snapshot = worker.Snapshots.Current;
        RouteTable? routes = exchange.Snapshot.RoutesOf(exchange.ConnectionManager);
        exchange.Route = routes?.Match(request, worker.Random);
        exchange.Record.RouteName = exchange.Route?.Name ?? string.Empty;
        if (request.Scheme == RequestScheme.Http && WantsTls(exchange, routes))
        {
            worker.Shard.Increment(profile.Stats.Redirect);
            return new RequestDecision(reply: LocalReplies.Redirect(TlsRedirectStatus), redirect: RedirectAction.ToHttps);
        }

        foreach (HttpFilter filter in profile.RequestFilters)
        {
            FilterVerdict verdict = filter.OnRequest(exchange);
            if (verdict.Kind == FilterVerdictKind.Continue) continue;
            return verdict.Kind == FilterVerdictKind.Respond
                ? new RequestDecision(reply: verdict.Reply)
                : new RequestDecision(failure: new Failure(FailureSide.Policy, FailurePhase.ResponseBody, FailureCause.Denied));
        }

        return OfRoute(exchange.Route, profile.Stats, worker.Shard);
    }

    /// <summary>What the router filter does: answers, or forwards.</summary>
    private static RequestDecision OfRoute(RouteEntry? route, HttpConnectionManagerStats stats, StatShard shard)
    {
        switch (route?.Action)
        {
            case ForwardAction forward:
                return new RequestDecision(forward);
            case DirectResponseAction direct:
                shard.Increment(stats.DirectResponse);
                return new RequestDecision(reply: LocalReplies.Of(direct));
            case RedirectAction redirect:
                shard.Increment(stats.Redirect);
                return new RequestDecision(reply: LocalReplies.Redirect(redirect.Status), redirect: redirect);
            case null:
                shard.Increment(stats.NoRoute);
                return new RequestDecision(failure: Forwarding.Failure.Config(FailureCause.NoRoute));
            default:
                throw new UnreachableException("a route action that the router does not know");
        }
    }

    /// <summary>The virtual host takes plain requests only to send them to https (<c>require_tls</c>), whether or not a route matches.</summary>
    private static bool WantsTls(HttpExchange exchange, RouteTable? routes)
    {
        VirtualHostEntry? host = exchange.Route?.VirtualHost ?? routes?.FindVirtualHost(exchange.Request);
        return host?.RequireTls switch
        {
            TlsRequirement.All => true,
            TlsRequirement.ExternalOnly => !exchange.IsInternal,
            _ => false,
        };
    }
}
