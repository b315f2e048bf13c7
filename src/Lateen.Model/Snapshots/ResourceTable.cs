using System.Collections.Immutable;

namespace Lateen.Model;

/// <summary>The resources of one kind, in order of namespace and name.</summary>
internal sealed class ResourceTable
{
    public static readonly ResourceTable Empty = new([]);

    public ResourceTable(ImmutableArray<Resource> inOrder) => All = inOrder;

    public ImmutableArray<Resource> All { get; }

    public Resource? Find(ResourceKey key)
    {
        int low = 0, high = All.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var order = All[middle].Key.CompareTo(key);
            if (order == 0) return All[middle];
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        return null;
    }

    /// <summary>The resources of one table that another has anew, and those new ones; null when a resource came or went, or more than <paramref name="limit"/> differ.</summary>
    public static List<(Resource Before, Resource After)>? Replacements(ResourceTable before, ResourceTable after, int limit)
    {
        if (before.All.Length != after.All.Length) return null;
        var replacements = new List<(Resource Before, Resource After)>();
        for (int i = 0; i < before.All.Length; i++)
        {
            var (old, now) = (before.All[i], after.All[i]);
            if (ReferenceEquals(old, now)) continue;
            if (old.Key != now.Key || replacements.Count == limit) return null;
            replacements.Add((old, now));
        }

        return replacements;
    }

    /// <summary>Resources that are in one table and not, as the same object, in the other: what was added, removed or replaced.</summary>
    public static IEnumerable<Resource> Difference(ResourceTable before, ResourceTable after)
    {
        int i = 0, j = 0;
        while (i < before.All.Length || j < after.All.Length)
        {
            var order = i == before.All.Length ? 1 : j == after.All.Length ? -1 : before.All[i].Key.CompareTo(after.All[j].Key);
            if (order < 0) yield return before.All[i++];
            else if (order > 0) yield return after.All[j++];
            else
            {
                if (!ReferenceEquals(before.All[i], after.All[j]))
                {
                    yield return before.All[i];
                    yield return after.All[j];
                }

                i++;
                j++;
            }
        }
    }
}
