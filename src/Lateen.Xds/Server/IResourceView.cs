using System.Collections.Immutable;

namespace Lateen.Xds.Server;

/// <summary>All resources that one proxy should have, at one revision.</summary>
/// <remarks>
/// Immutable. A type that did not change between two revisions should return the same dictionary instance: the server then does not
/// look at it.
/// </remarks>
public interface IResourceView
{
    /// <summary>Grows with every view given to a stream; acknowledgements are reported in it.</summary>
    long Revision { get; }

    /// <summary>The resources of one type by name; empty for a type that this view does not have.</summary>
    IReadOnlyDictionary<string, XdsResource> ResourcesOf(string typeUrl);
}

/// <summary>The plain <see cref="IResourceView"/>: a dictionary per type, shared with the previous revision where nothing changed.</summary>
public sealed class ResourceView : IResourceView
{
    private static readonly ImmutableDictionary<string, XdsResource> None = ImmutableDictionary<string, XdsResource>.Empty;

    private readonly ImmutableDictionary<string, IReadOnlyDictionary<string, XdsResource>> _types;

    private ResourceView(long revision, ImmutableDictionary<string, IReadOnlyDictionary<string, XdsResource>> types)
    {
        Revision = revision;
        _types = types;
    }

    /// <summary>The view of nothing, revision 0.</summary>
    public static ResourceView Empty { get; } = new(0, ImmutableDictionary<string, IReadOnlyDictionary<string, XdsResource>>.Empty);

    public long Revision { get; }

    public IReadOnlyDictionary<string, XdsResource> ResourcesOf(string typeUrl) => _types.GetValueOrDefault(typeUrl, None);

    /// <summary>A view at <paramref name="revision"/> in which the given type is replaced and all others are shared with this one.</summary>
    /// <remarks>The dictionary becomes the view's own: do not change it afterwards.</remarks>
    public ResourceView With(long revision, string typeUrl, IReadOnlyDictionary<string, XdsResource> resources) =>
        new(revision, _types.SetItem(typeUrl, resources));

    public ResourceView With(long revision, string typeUrl, IEnumerable<XdsResource> resources) =>
        With(revision, typeUrl, resources.ToDictionary(static resource => resource.Name, StringComparer.Ordinal));

    /// <summary>The same resources at another revision: for a change that did not concern this proxy.</summary>
    public ResourceView At(long revision) => new(revision, _types);
}
