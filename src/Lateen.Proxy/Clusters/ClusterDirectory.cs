namespace Lateen.Proxy.Clusters;

/// <summary>
/// Gives every cluster name that the configuration mentions a small number, so that routes can name clusters that do not exist
/// yet and lookups on the request path cost one array read.
/// </summary>
/// <remarks>
/// Owned by the configuration thread. A name keeps its number for as long as a cluster or a route has it; <see cref="Sweep"/> takes back
/// the numbers of names that nobody mentions any more. That is safe while requests still run under older snapshots: each resolves its
/// references in its own snapshot.
/// </remarks>
public sealed class ClusterDirectory
{
    /// <summary>Names that may be dead before a sweep is worth its walk over all routes. Count; a name costs about 200 bytes.</summary>
    private const int DeadNamesTolerated = 1024;

    private readonly Dictionary<string, ClusterReference> _references = new(StringComparer.Ordinal);
    private readonly Stack<int> _freeSlots = new();
    private int _slots;
    private int _sweepAbove = DeadNamesTolerated;

    /// <summary>Every <see cref="ClusterReference.Slot"/> is below it.</summary>
    internal int SlotCount => _slots;

    /// <summary>There are so many names that some should be dead.</summary>
    internal bool WantsSweep => _references.Count > _sweepAbove;

    public ClusterReference Reference(string name)
    {
        if (!_references.TryGetValue(name, out var reference))
        {
            if (!_freeSlots.TryPop(out var slot)) slot = _slots++;
            reference = new ClusterReference(name, slot);
            _references.Add(name, reference);
        }

        return reference;
    }

    /// <summary>Forgets every name that is not in <paramref name="live"/>.</summary>
    internal void Sweep(HashSet<ClusterReference> live)
    {
        foreach (var reference in _references.Values.Where(reference => !live.Contains(reference)).ToList())
        {
            _references.Remove(reference.Name);
            _freeSlots.Push(reference.Slot);
        }

        _sweepAbove = (2 * _references.Count) + DeadNamesTolerated;
    }
}
