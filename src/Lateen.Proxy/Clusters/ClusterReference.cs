namespace Lateen.Proxy.Clusters;

/// <summary>
/// A cluster's name as a route holds it, together with the slot under which every snapshot of this process files that cluster.
/// Resolving it (<see cref="Configuration.ProxySnapshot.FindCluster(ClusterReference)"/>) is one array read, so that a compiled route
/// survives any number of cluster changes without being linked again.
/// </summary>
/// <remarks>
/// Immutable. Made only by <see cref="ClusterDirectory"/>; two references of one directory are equal when their slots are.
/// </remarks>
public sealed class ClusterReference
{
    internal ClusterReference(string name, int slot)
    {
        Name = name;
        Slot = slot;
    }

    /// <summary>The cluster's name, as in <c>outbound|9080|v1|reviews.default.svc.cluster.local</c>.</summary>
    public string Name { get; }

    internal int Slot { get; }

    public override string ToString() => Name;
}
