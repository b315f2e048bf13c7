using System.Collections.Immutable;
using Lateen.Model;

namespace Lateen.ControlPlane.Store;

/// <summary>Where a resource came from.</summary>
public enum ResourceLayer
{
    /// <summary>A configuration source, such as a directory of files.</summary>
    Source = 0,

    /// <summary>The API. It stands above the sources: what is applied hides a file's resource of the same name until it is deleted again.</summary>
    Applied = 1,
}

/// <summary>A resource in the store.</summary>
/// <param name="Revision">The revision that gave it its present content.</param>
public sealed record StoredResource(Resource Resource, ResourceLayer Layer, long Revision);

/// <summary>What a commit did to one resource.</summary>
public enum ChangeKind
{
    Created = 0,
    Configured = 1,
    Unchanged = 2,
    Deleted = 3,
}

/// <summary>One resource in a commit: what it was and what it is. Null where there was or is none.</summary>
public sealed record StoreChange(ResourceKey Key, ChangeKind Kind, Resource? Before, Resource? After);

/// <summary>
/// The store at one revision: every resource that is served, each key once. Immutable; revisions share what did not change.
/// </summary>
/// <param name="Origin"><c>api</c>, or the name of the source that changed.</param>
/// <param name="Changes">What this revision changed; without those that came out as they were.</param>
public sealed record StoreRevision(
    long Number, DateTimeOffset Time, string Origin, ImmutableSortedDictionary<ResourceKey, StoredResource> Resources, ImmutableArray<StoreChange> Changes)
{
    /// <summary>The store before anything was written.</summary>
    public static StoreRevision Initial(DateTimeOffset time) =>
        new(0, time, "start", ImmutableSortedDictionary<ResourceKey, StoredResource>.Empty, []);
}
