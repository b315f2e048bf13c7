using System.Diagnostics;
using Lateen.Http;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Forwarding;

/// <summary>
/// What shall become of a request, decided from its head: exactly one of a forward, an answer of our own, a failure, and not yet. The canonical
/// head is made final on the way: authority, who the client is, what it may claim, route, filters.
/// </summary>
internal readonly struct RequestDecision
{
    /// <summary>Of the redirect to a normalised path, as Envoy answers.</summary>
    private const int PathRedirectStatus = 307;

    /// <summary>Of the redirect to https.</summary>
    private const int TlsRedirectStatus = 301;

    private RequestDecision(ForwardAction? forward = null, LocalReply? reply = null, RedirectAction? redirect = null, Failure? failure = null, bool isPending = false)
    {
        IsPending = isPending;
        Forward = forward;
        Reply = reply;
        Redirect = redirect;
        Failure = failure;
    }

    /// <summary>A filter waits: ask again by <see cref="Resume"/> when the exchange is woken.</summary>
    public bool IsPending { get; }

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
        HttpConnectionProfile profile = exchange.Profile;
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
        ChooseRoute(exchange, routes, worker);
        if (request.Scheme == RequestScheme.Http && WantsTls(exchange, routes))
        {
            worker.Shard.Increment(profile.Stats.Redirect);
            return new RequestDecision(reply: LocalReplies.Redirect(TlsRedirectStatus), redirect: RedirectAction.ToHttps);
        }

        exchange.FilterPosition = 0;
        return OfFilters(exchange, connection, isResumed: false);
    }

    /// <summary>Goes on at the filter that waits; the filters before it are not asked again.</summary>
    public static RequestDecision Resume(HttpExchange exchange, DownstreamConnection connection) => OfFilters(exchange, connection, isResumed: true);

    /// <summary>Asks one filter after the other; the router's decision is the last.</summary>
    /// <param name="isResumed">The first one asked has seen the request.</param>
    private static RequestDecision OfFilters(HttpExchange exchange, DownstreamConnection connection, bool isResumed)
    {
        HttpConnectionProfile profile = exchange.Profile;
        HttpFilter[] filters = profile.RequestFilters;
        for (; exchange.FilterPosition < filters.Length; exchange.FilterPosition++)
        {
            HttpFilter filter = filters[exchange.FilterPosition];
            FilterVerdict verdict = isResumed ? filter.OnResume(exchange) : filter.OnRequest(exchange);
            isResumed = false;
            switch (verdict.Kind)
            {
                case FilterVerdictKind.Continue:
                    if (exchange.IsRouteStale) ChooseRoute(exchange, exchange.Snapshot.RoutesOf(exchange.ConnectionManager), connection.Worker);
                    continue;
                case FilterVerdictKind.Wait:
                    return new RequestDecision(isPending: true);
                case FilterVerdictKind.Respond:
                    return new RequestDecision(reply: verdict.Reply);
                default:
                    return new RequestDecision(failure: new Failure(FailureSide.Policy, FailurePhase.ResponseBody, FailureCause.Denied));
            }
        }

        return OfRoute(exchange.Route, profile.Stats, connection.Worker.Shard);
    }

    /// <summary>Matches the request as it is now. The configuration stays the one that the exchange began with.</summary>
    private static void ChooseRoute(HttpExchange exchange, RouteTable? routes, ProxyWorker worker)
    {
        exchange.IsRouteStale = false;
        exchange.Route = routes?.Match(exchange.Request, worker.Random);
        exchange.Record.RouteName = exchange.Route?.Name ?? string.Empty;
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
