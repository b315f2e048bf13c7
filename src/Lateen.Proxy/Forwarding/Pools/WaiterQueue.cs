namespace Lateen.Proxy.Forwarding.Pools;

/// <summary>First come, first served; anybody may leave from the middle. Bounded by the cluster's pending budget.</summary>
internal sealed class WaiterQueue
{
    private IPoolWaiter? _first;
    private IPoolWaiter? _last;

    public int Count { get; private set; }

    public void Add(IPoolWaiter waiter)
    {
        waiter.PreviousWaiter = _last;
        waiter.NextWaiter = null;
        if (_last is null) _first = waiter;
        else _last.NextWaiter = waiter;
        _last = waiter;
        Count++;
    }

    public IPoolWaiter? Take()
    {
        IPoolWaiter? waiter = _first;
        if (waiter is not null) Remove(waiter);
        return waiter;
    }

    public void Remove(IPoolWaiter waiter)
    {
        if (waiter.PreviousWaiter is null) _first = waiter.NextWaiter;
        else waiter.PreviousWaiter.NextWaiter = waiter.NextWaiter;
        if (waiter.NextWaiter is null) _last = waiter.PreviousWaiter;
        else waiter.NextWaiter.PreviousWaiter = waiter.PreviousWaiter;
        waiter.PreviousWaiter = waiter.NextWaiter = null;
        Count--;
    }
}
