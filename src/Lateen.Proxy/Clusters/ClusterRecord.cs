using System.Net;

namespace Lateen.Proxy.Clusters;

/// <summary>
/// Everything that belongs to a cluster's name rather than to one version of it: its state, the states of its endpoints, and which version
/// runs.
/// </summary>
/// <remarks>Configuration thread only.</remarks>
internal sealed class ClusterRecord(ClusterReference reference, int reactorCount, bool isStatic)
{
    private Dictionary<EndPoint, EndpointState> _endpoints = [];
    private Dictionary<EndPoint, EndpointState> _next = [];

    public ClusterReference Reference { get; } = reference;

    public string Name => Reference.Name;

    public ClusterState State { get; } = new(reference.Name, reactorCount);

    public bool IsStatic { get; } = isStatic;

    /// <summary>The version that is published.</summary>
    public RunningCluster? Active { get; set; }

    /// <summary>A newer version that does not know its endpoints yet.</summary>
    public RunningCluster? Warming { get; set; }

    /// <summary>What <see cref="Active"/> made last.</summary>
    public ClusterSnapshot? Snapshot { get; set; }

    /// <summary>What <see cref="Active"/> knows is newer than <see cref="Snapshot"/>.</summary>
    public bool IsStale { get; set; }

    /// <summary>The control plane removed it, but a route still names it.</summary>
    public bool IsLeaving { get; set; }

    /// <summary>Endpoints that were let go since the last publication.</summary>
    public List<EndpointState> Retired { get; } = [];

    /// <summary>Starts a new set of endpoints; <see cref="EndpointOf"/> then fills it.</summary>
    public void BeginEndpoints() => _next = new Dictionary<EndPoint, EndpointState>(_endpoints.Count);

    public EndpointState EndpointOf(EndPoint address)
    {
        if (_next.TryGetValue(address, out var state)) return state;
        if (!_endpoints.Remove(address, out state)) state = new EndpointState(Name, address, reactorCount);
        _next.Add(address, state);
        return state;
    }

    /// <summary>What is in the old set and not in the new one is let go.</summary>
    public void EndEndpoints()
    {
        Retired.AddRange(_endpoints.Values);
        _endpoints = _next;
    }

    /// <summary>The cluster is gone: stops what runs and lets all endpoints go.</summary>
    public void Close()
    {
        Active?.Dispose();
        Warming?.Dispose();
        Active = Warming = null;
        Retired.AddRange(_endpoints.Values);
        _endpoints = [];
    }
}
