using System.Collections.Immutable;
using Lateen.Xds;

namespace Lateen.Translation;

/// <summary>
/// Everything that one proxy is to hold, in the order in which it was made: the same inputs give the same list. Immutable. Between two translations,
/// resources that did not change are the same objects.
/// </summary>
/// <param name="Notices">What the configuration asks for and this release does not do for this proxy, one sentence each.</param>
public sealed record ProxyResources(
    ImmutableArray<XdsResource> Clusters,
    ImmutableArray<XdsResource> Endpoints,
    ImmutableArray<XdsResource> Listeners,
    ImmutableArray<XdsResource> Routes,
    ImmutableArray<string> Notices)
{
    /// <summary>The secrets that the rest of this configuration names, for a proxy that asks for one by name (SDS). They hold private keys.</summary>
    public ImmutableArray<XdsResource> Secrets { get; init; } = [];

    /// <summary>Nothing at all: what a gateway holds that no Gateway selects.</summary>
    public static readonly ProxyResources Empty = new([], [], [], [], []);
}
