using System.Collections.Immutable;
using Lateen.Proxy.Clusters;

namespace Lateen.Proxy.Configuration;

/// <summary>
/// The one place where the running configuration is published and read.
/// </summary>
/// <remarks>Written by the configuration thread with a single volatile write; read by any thread.</remarks>
public sealed class ProxySnapshotSource
{
    private ProxySnapshot _current = ProxySnapshot.Empty;

    /// <summary>Take it once per request (or per connection, for the listener's part) and pass it down.</summary>
    public ProxySnapshot Current => Volatile.Read(ref _current);

    /// <summary>
    /// Raised on the configuration thread after a swap: the new snapshot is already what <see cref="Current"/> gives. Observers post to
    /// their reactors and return; they must not throw.
    /// </summary>
    public event Action<SnapshotChange>? Published;

    internal void Publish(SnapshotChange change)
    {
        Volatile.Write(ref _current, change.Current);
        Published?.Invoke(change);
    }
}

/// <summary>What one swap changed, for those who own sockets and pools.</summary>
public sealed class SnapshotChange
{
    public required ProxySnapshot Previous { get; init; }

    public required ProxySnapshot Current { get; init; }

    /// <summary>To be bound and opened.</summary>
    public ImmutableArray<ListenerSnapshot> AddedListeners { get; init; } = [];

    /// <summary>
    /// Same name, new contents. When <see cref="ListenerSnapshot.BindsLike"/> holds between the two, the socket stays and new connections
    /// use the new one; otherwise the new one is opened before the old one drains.
    /// </summary>
    public ImmutableArray<ListenerSnapshot> ChangedListeners { get; init; } = [];

    /// <summary>To be drained and closed.</summary>
    public ImmutableArray<ListenerSnapshot> RemovedListeners { get; init; } = [];

    /// <summary>
    /// Endpoints whose idle connections are to be closed; requests in flight finish. <see cref="EndpointState.IsRetired"/> is already
    /// true.
    /// </summary>
    public ImmutableArray<EndpointState> RetiredEndpoints { get; init; } = [];

    /// <summary>Clusters that are gone; their endpoints are among <see cref="RetiredEndpoints"/>.</summary>
    public ImmutableArray<ClusterState> RemovedClusters { get; init; } = [];
}
