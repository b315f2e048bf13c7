using System.Collections.Immutable;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>What a route changes of the filter (<c>ExtAuthzPerRoute</c>).</summary>
/// <param name="Name">The filter's.</param>
/// <param name="TypeUrl">Type URL of the typed configuration.</param>
internal sealed record ExtAuthzRoute(string Name, string TypeUrl) : CompiledExtension(Name, TypeUrl)
{
    /// <summary>Nobody is asked.</summary>
    public bool IsDisabled { get; init; }

    /// <summary>What a gRPC service is told beside the request.</summary>
    public ImmutableArray<(string Key, string Value)> ContextExtensions { get; init; } = [];

    /// <summary>Of a request's content, what is gathered for the service; null: what the filter says. Octets; 0: nothing.</summary>
    public int? MaxContentOctets { get; init; }

    /// <summary>Counts beside <see cref="MaxContentOctets"/>.</summary>
    public bool AllowsPartialContent { get; init; }
}
