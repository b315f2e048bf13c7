namespace Lateen.Proxy.Clusters;

/// <summary>
/// Gives every cluster name that the configuration ever mentioned a small number, so that routes can name clusters that do not exist
/// yet and lookups on the request path cost one array read.
/// </summary>
/// <remarks>
/// Owned by the configuration thread. It only grows, by one entry per distinct name; its owner starts a new one (and compiles every
/// route table again) when most of the names are dead, see <see cref="IsMostlyDead"/>.
/// </remarks>
public sealed class ClusterDirectory
{
    /// <summary>Names that may be dead before a directory is worth replacing. Count; a name costs about 200 bytes.</summary>
    private const int DeadNamesTolerated = 4096;

    private readonly Dictionary<string, ClusterReference> _references = new(StringComparer.Ordinal);

    /// <summary>Slots given out so far; every <see cref="ClusterReference.Slot"/> is below it.</summary>
    internal int Count => _references.Count;

    public ClusterReference Reference(string name)
    {
        if (!_references.TryGetValue(name, out var reference))
        {
            reference = new ClusterReference(name, _references.Count);
            _references.Add(name, reference);
        }

        return reference;
    }

    internal bool IsMostlyDead(int liveClusters) => _references.Count > DeadNamesTolerated + (2 * liveClusters);
}
