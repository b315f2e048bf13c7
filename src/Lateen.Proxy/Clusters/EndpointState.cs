using System.Net;

namespace Lateen.Proxy.Clusters;

/// <summary>
/// What this process knows about one endpoint of one cluster by living with it: requests in flight, connection pools, counters.
/// Keyed by cluster name and address, so it outlives every configuration swap that keeps the endpoint.
/// </summary>
/// <remarks>
/// Each reactor owns its own <see cref="EndpointSlot"/> and is the only writer of it; other threads may read the plain counters and get
/// a recent value. Removal (<see cref="IsRetired"/>) is one way: an endpoint that comes back is a new state.
/// </remarks>
public sealed class EndpointState
{
    private readonly EndpointSlot?[] _slots;
    private volatile bool _isRetired;

    internal EndpointState(string clusterName, EndPoint address, int reactorCount)
    {
        ClusterName = clusterName;
        Address = address;
        AddressText = address.ToString() ?? string.Empty;
        _slots = new EndpointSlot?[reactorCount];
    }

    public string ClusterName { get; }

    /// <summary>
    /// An <see cref="IPEndPoint"/> or a <see cref="Lateen.Net.UnixSocketEndPoint"/>; names are resolved before they come
    /// here.
    /// </summary>
    public EndPoint Address { get; }

    /// <summary><c>10.0.0.7:9080</c> or the path of a unix socket, as logs and statistics print it.</summary>
    public string AddressText { get; }

    /// <summary>The cluster no longer has this endpoint: no new request may go to it, idle connections close, busy ones finish.</summary>
    public bool IsRetired => _isRetired;

    /// <summary>Requests in flight over all reactors. For admin pages; a sum of values that move while it is taken.</summary>
    public long ActiveRequests => Sum(static slot => slot.ActiveRequests);

    /// <summary>The calling reactor's own slot, made on first use. Only the thread of that reactor may call this.</summary>
    public EndpointSlot SlotOf(int reactorIndex) => _slots[reactorIndex] ?? AddSlot(reactorIndex);

    /// <summary>The slot of a reactor as any thread may look at it; null when that reactor has not used the endpoint.</summary>
    public EndpointSlot? PeekSlot(int reactorIndex) => Volatile.Read(ref _slots[reactorIndex]);

    /// <summary>Adds up one counter over all reactors, from any thread.</summary>
    public long Sum(Func<EndpointSlot, long> counter)
    {
        var sum = 0L;
        for (var i = 0; i < _slots.Length; i++)
        {
            if (Volatile.Read(ref _slots[i]) is { } slot) sum += counter(slot);
        }

        return sum;
    }

    internal long ActiveRequestsOn(int reactorIndex) => _slots[reactorIndex] is { } slot ? slot.ActiveRequests : 0;

    internal void Retire() => _isRetired = true;

    public override string ToString() => $"{ClusterName} {AddressText}";

    private EndpointSlot AddSlot(int reactorIndex)
    {
        var slot = new EndpointSlot();
        Volatile.Write(ref _slots[reactorIndex], slot);
        return slot;
    }
}

/// <summary>One reactor's share of an <see cref="EndpointState"/>: written by that reactor only, with plain stores.</summary>
public sealed class EndpointSlot
{
    /// <summary>Requests of this reactor that were given to the endpoint and have not ended. The load balancer compares these.</summary>
    public long ActiveRequests { get; set; }

    /// <summary>Requests ever given to the endpoint.</summary>
    public long Requests { get; set; }

    /// <summary>Requests that ended with a response below 500.</summary>
    public long Successes { get; set; }

    /// <summary>Requests that ended with a response of 500 or above, or with none.</summary>
    public long Errors { get; set; }

    /// <summary>Requests that ended because of the proxy's own timeout.</summary>
    public long Timeouts { get; set; }

    /// <summary>Connections opened or being opened.</summary>
    public long ActiveConnections { get; set; }

    /// <summary>Connections ever opened.</summary>
    public long Connections { get; set; }

    /// <summary>Connections that failed before they were usable.</summary>
    public long ConnectFailures { get; set; }

    /// <summary>The connection pool that Forwarding keeps for this endpoint on this reactor.</summary>
    public object? Pool { get; set; }

    public void RequestStarted()
    {
        ActiveRequests++;
        Requests++;
    }

    /// <param name="succeeded">A response below 500 came back.</param>
    public void RequestEnded(bool succeeded)
    {
        ActiveRequests--;
        if (succeeded) Successes++;
        else Errors++;
    }
}
