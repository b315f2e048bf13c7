using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Filters.Jwt;

/// <summary>What a route puts in the place of the filter's rules (<c>PerRouteConfig</c>): nothing at all, or a requirement by its name.</summary>
/// <param name="Name">The filter's.</param>
/// <param name="TypeUrl">Type URL of the typed configuration.</param>
/// <param name="IsDisabled">No token is looked for.</param>
/// <param name="RequirementName">In the filter's <c>requirement_map</c>; a name that is not there lets nobody pass.</param>
internal sealed record JwtRouteRule(string Name, string TypeUrl, bool IsDisabled, string RequirementName) : CompiledExtension(Name, TypeUrl);
