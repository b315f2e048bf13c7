namespace Lateen.Proxy.Clusters;

/// <summary>
/// The running facts of one cluster, kept by name across configuration swaps: what is in use of its circuit-breaker budget, and a place
/// per reactor where statistics and pools may hang what belongs to them.
/// </summary>
/// <remarks>Each <see cref="ClusterSlot"/> has one writer, its reactor.</remarks>
public sealed class ClusterState
{
    private readonly ClusterSlot[] _slots;
    private object? _statistics;

    internal ClusterState(string name, int reactorCount)
    {
        Name = name;
        _slots = new ClusterSlot[reactorCount];
        for (var i = 0; i < reactorCount; i++) _slots[i] = new ClusterSlot();
    }

    public string Name { get; }

    /// <summary>Statistics that another room binds to this cluster once, so that no request looks them up by name.</summary>
    public object? Statistics => Volatile.Read(ref _statistics);

    /// <summary>What counts handshakes with the cluster's endpoints; null for a cluster that never had TLS. Bound once, before it is published to reactors or
    /// within the same moment.</summary>
    public Statistics.TlsTally? TlsTally { get; set; }

    /// <summary>Binds statistics, unless another thread was first.</summary>
    /// <returns>What is bound now.</returns>
    public object BindStatistics(object statistics) => Interlocked.CompareExchange(ref _statistics, statistics, null) ?? statistics;

    public ClusterSlot SlotOf(int reactorIndex) => _slots[reactorIndex];

    /// <summary>What all reactors use of one part of the budget; a sum of values that move while it is taken.</summary>
    public long InUse(BudgetKind kind)
    {
        var sum = 0L;
        foreach (var slot in _slots) sum += Volatile.Read(ref slot.InUse(kind));
        return sum;
    }

    /// <summary>
    /// Takes one unit of the budget for the calling reactor, unless <paramref name="limits"/> is reached.
    /// </summary>
    /// <remarks>
    /// No reactor ever writes another's count, so there is no interlocked operation: the caller adds up everybody's and then writes its
    /// own. Two reactors that do so at the same instant may both get the last unit: the limit can be exceeded by at most (reactors - 1),
    /// which Envoy's breakers allow as well. Unlimited (Istio's 2^32-1) skips the sum.
    /// </remarks>
    public bool TryAcquire(BudgetKind kind, CircuitBreakerLimits limits, int reactorIndex)
    {
        var limit = limits[kind];
        if (limit != CircuitBreakerLimits.Unlimited && InUse(kind) >= limit)
        {
            _slots[reactorIndex].Overflows(kind)++;
            return false;
        }

        _slots[reactorIndex].InUse(kind)++;
        return true;
    }

    /// <summary>Gives back what <see cref="TryAcquire"/> took, on the same reactor.</summary>
    public void Release(BudgetKind kind, int reactorIndex)
    {
        ref var used = ref _slots[reactorIndex].InUse(kind);
        System.Diagnostics.Debug.Assert(used > 0, "a budget was released more often than it was acquired");
        used--;
    }
}

/// <summary>The four things that a cluster has a limited number of (<c>CircuitBreakers.Thresholds</c>).</summary>
public enum BudgetKind
{
    Connections,
    PendingRequests,
    Requests,
    Retries,
}

/// <summary>One reactor's share of a <see cref="ClusterState"/>. Fields are written by that reactor only.</summary>
public sealed class ClusterSlot
{
    private BudgetCounts _inUse;
    private BudgetCounts _overflows;

    internal ref long InUse(BudgetKind kind) => ref _inUse[(int)kind];

    internal ref long Overflows(BudgetKind kind) => ref _overflows[(int)kind];

    [System.Runtime.CompilerServices.InlineArray(4)]
    private struct BudgetCounts
    {
        private long _first;
    }
}

/// <summary>
/// How much of each thing a cluster may use at once, from the DEFAULT-priority thresholds. Envoy's defaults are 1024 connections,
/// 1024 pending requests, 1024 requests, 3 retries; Istio sends 2^32-1, which is <see cref="Unlimited"/>.
/// </summary>
public sealed record CircuitBreakerLimits
{
    public const uint Unlimited = uint.MaxValue;

    public static readonly CircuitBreakerLimits Default = new();

    /// <summary>
    /// Connections of all pools. Count. Hit: a new connection is refused while another can serve, else the request waits.
    /// </summary>
    public uint MaxConnections { get; init; } = 1024;

    /// <summary>Requests that wait for a connection. Count. Hit: 503 with flag UO.</summary>
    public uint MaxPendingRequests { get; init; } = 1024;

    /// <summary>Requests in flight. Count. Hit: 503 with flag UO.</summary>
    public uint MaxRequests { get; init; } = 1024;

    /// <summary>Retries in flight. Count. Hit: the failure is answered instead of retried.</summary>
    public uint MaxRetries { get; init; } = 3;

    /// <summary>Remaining budget is published as gauges.</summary>
    public bool TrackRemaining { get; init; }

    public uint this[BudgetKind kind] => kind switch
    {
        BudgetKind.Connections => MaxConnections,
        BudgetKind.PendingRequests => MaxPendingRequests,
        BudgetKind.Requests => MaxRequests,
        _ => MaxRetries,
    };
}
