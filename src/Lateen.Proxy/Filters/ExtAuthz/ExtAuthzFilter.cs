using System.Diagnostics;
using Lateen.Http;
using Lateen.Proxy.Forwarding;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>
/// <c>envoy.filters.http.ext_authz</c>: asks a service, by HTTP or gRPC, whether a request may pass, and waits for its answer. Who gives no answer
/// has said no, unless the configuration wants it otherwise.
/// </summary>
/// <param name="Name">The instance's name in the configuration.</param>
/// <param name="TypeUrl">Type URL of the typed configuration.</param>
internal sealed record ExtAuthzFilter(string Name, string TypeUrl) : HttpFilter(Name, TypeUrl)
{
    /// <summary>Envoy's response code details of a no.</summary>
    internal const string DeniedDetails = "ext_authz_denied";

    /// <summary>Envoy's response code details where there was no answer.</summary>
    internal const string ErrorDetails = "ext_authz_error";

    /// <summary>Tells the server that nobody was asked with success.</summary>
    internal static readonly HeaderName FailureModeAllowed = HeaderName.Create("x-envoy-auth-failure-mode-allowed");

    /// <summary>Tells a service whether it sees all of the content.</summary>
    internal static readonly HeaderName PartialBody = HeaderName.Create("x-envoy-auth-partial-body");

    /// <summary>Under which a service's metadata stand.</summary>
    public static ReadOnlySpan<byte> MetadataNamespace => "envoy.filters.http.ext_authz"u8;

    internal required AuthorizationService Service { get; init; }

    /// <summary>Which requests are asked about; null: all.</summary>
    internal MetadataGate? Gate { get; init; }

    /// <summary>Of a request's content, what is gathered for the service. Octets; 0: nothing.</summary>
    internal int MaxContentOctets { get; init; }

    /// <summary>The beginning of larger content will do; else it is answered with 413.</summary>
    internal bool AllowsPartialContent { get; init; }

    /// <summary>Requests pass when the service gives no answer (<c>failure_mode_allow</c>).</summary>
    internal bool AllowsOnFailure { get; init; }

    /// <summary>The server is told of that.</summary>
    internal bool TellsOfFailure { get; init; }

    /// <summary>What the client is answered when the service gives no answer.</summary>
    internal required LocalReply ErrorReply { get; init; }

    /// <summary>The route is chosen again by what the service changed.</summary>
    internal bool ClearsRouteCache { get; init; }

    internal string StatPrefix { get; init; } = string.Empty;

    internal ExtAuthzStats? Stats { get; init; }

    public override FilterStages Stages => FilterStages.Request | FilterStages.Response | FilterStages.Complete;

    internal override HttpFilter Counting(string statPrefix, StatsRegistry registry) => this with { Stats = ExtAuthzStats.Open(registry, statPrefix, StatPrefix) };

    public override FilterVerdict OnRequest(HttpExchange exchange)
    {
        ExtAuthzStats stats = Stats ?? throw new UnreachableException("a filter that runs has its counters");
        // Both are this filter's to say. A client that says the first makes the server think that it was let in by mistake; the second, that the service saw content.
        if (TellsOfFailure) exchange.Request.Headers.Remove(FailureModeAllowed);
        exchange.Request.Headers.Remove(PartialBody);
        var route = exchange.Route?.FilterConfiguration(Name) as ExtAuthzRoute;
        if (route is not { IsDisabled: true } && (Gate is null || Gate.IsOpen(exchange.Metadata)))
            return exchange.FilterState<AuthorizationCall>(this).Begin(exchange, this, route);
        exchange.Shard.Increment(stats.Disabled);
        return FilterVerdict.Continue;
    }

    public override FilterVerdict OnResume(HttpExchange exchange) => exchange.FilterState<AuthorizationCall>(this).Advance();

    public override FilterVerdict OnResponse(HttpExchange exchange)
    {
        exchange.FilterState<AuthorizationCall>(this).ApplyToResponse(exchange.Response.Headers);
        return FilterVerdict.Continue;
    }

    public override void OnComplete(HttpExchange exchange) => exchange.FilterState<AuthorizationCall>(this).End();
}
