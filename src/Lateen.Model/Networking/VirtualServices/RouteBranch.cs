using System.Collections.Immutable;

namespace Lateen.Model.Networking;

/// <summary>Who is being configured, as far as the matches of a VirtualService ask.</summary>
/// <param name="Gateways">What the proxy serves as: <c>mesh</c> for a sidecar, <c>namespace/name</c> of its Gateways otherwise.</param>
public readonly record struct RouteAudience(string Namespace, StringMap<string> Labels, ImmutableArray<string> Gateways, int Port);

/// <summary>One HTTP rule under one of its alternative matches: each becomes a route of its own in the proxy.</summary>
/// <param name="Match">Null: every request.</param>
public sealed record RouteBranch(BoundVirtualService Source, HttpRoute Route, HttpMatchRequest? Match)
{
    /// <summary>True when nothing after it in the same VirtualService can be reached: prefix <c>/</c> or regex <c>.*</c> and no other
    /// condition on the request.</summary>
    public bool IsCatchAll =>
        Match is null
        || (Match.Uri is null or { Kind: StringMatchKind.Prefix, Value: "/" or "" } or { Kind: StringMatchKind.Regex, Value: ".*" or "*" }
            && Match.Headers.Count == 0 && Match.WithoutHeaders.Count == 0 && Match.QueryParams.Count == 0
            && Match.Method is null && Match.Scheme is null && Match.Authority is null);

    /// <summary>Name for logs and metrics: <c>route.match</c>, the one that exists, or empty.</summary>
    public string Name => (Route.Name, Match?.Name) switch
    {
        ({ } route, { } match) => $"{route}.{match}",
        ({ } route, null) => route,
        (null, { } match) => match,
        _ => "",
    };
}

/// <summary>The order in which the HTTP rules of VirtualServices are tried. Pure.</summary>
public static class RouteOrder
{
    /// <summary>
    /// The branches of one VirtualService that concern an audience, in written order, up to and including the first that matches every
    /// request.
    /// </summary>
    public static ImmutableArray<RouteBranch> Of(BoundVirtualService virtualService, RouteAudience audience)
    {
        ArgumentNullException.ThrowIfNull(virtualService);
        var branches = ImmutableArray.CreateBuilder<RouteBranch>();
        foreach (var route in virtualService.Http)
        {
            if (route.Match.IsEmpty)
            {
                branches.Add(new RouteBranch(virtualService, route, null));
                return branches.ToImmutable();
            }

            foreach (var match in route.Match)
            {
                if (!Concerns(match.Port, match.Gateways, match.SourceLabels, match.SourceNamespace, audience)) continue;
                var branch = new RouteBranch(virtualService, route, match);
                branches.Add(branch);
                if (branch.IsCatchAll) return branches.ToImmutable();
            }
        }

        return branches.ToImmutable();
    }

    /// <summary>
    /// The branches of all VirtualServices that serve one host of a gateway: the oldest VirtualService first, catch-alls after everything
    /// else in their relative order (so only the first of them counts).
    /// </summary>
    /// <param name="oldestFirst">In the order of <see cref="Resource.CompareByAge"/>.</param>
    public static ImmutableArray<RouteBranch> Merge(IEnumerable<BoundVirtualService> oldestFirst, RouteAudience audience)
    {
        ArgumentNullException.ThrowIfNull(oldestFirst);
        var specific = ImmutableArray.CreateBuilder<RouteBranch>();
        var catchAlls = new List<RouteBranch>();
        foreach (var virtualService in oldestFirst)
            foreach (var branch in Of(virtualService, audience))
            {
                if (branch.IsCatchAll) catchAlls.Add(branch);
                else specific.Add(branch);
            }

        specific.AddRange(catchAlls);
        return specific.ToImmutable();
    }

    /// <summary>
    /// True when a match may apply to the audience at all. A match that names gateways asks for nothing but membership: its source labels
    /// and namespace are not consulted (Istio's rule).
    /// </summary>
    public static bool Concerns(
        int? port, ImmutableArray<string> gateways, StringMap<string> sourceLabels, string? sourceNamespace, RouteAudience audience)
    {
        if (port is { } number && number != audience.Port) return false;
        if (!gateways.IsEmpty) return gateways.Any(audience.Gateways.Contains);
        return (sourceNamespace is null || sourceNamespace == audience.Namespace) && sourceLabels.Selects(audience.Labels);
    }
}
