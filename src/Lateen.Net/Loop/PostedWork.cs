namespace Lateen.Net;

/// <summary>
/// The way in from other threads: a queue under a short lock, and one wake of the reactor per batch.
/// </summary>
/// <remarks>
/// Invariant, under the lock: whenever the queue holds an item, the reactor was woken after the queue was last taken. So the reactor may
/// go to sleep without looking: an item that came between its last look and its sleep has made the wake event ready.
/// </remarks>
internal sealed class PostedWork(EpollQueue epoll)
{
    private readonly Lock _gate = new();
    private WorkQueue _incoming = new();
    private WorkQueue _taken = new();
    private volatile bool _hasItems;
    private bool _isClosed;

    /// <summary>False when the reactor has ended: the work will not run.</summary>
    internal bool Enqueue(WorkItem item)
    {
        bool wake;
        lock (_gate)
        {
            if (_isClosed)
                return false;
            _incoming.Enqueue(item);
            wake = !_hasItems;
            _hasItems = true;
            // Inside the lock, so that Close cannot close the descriptor in between.
            if (wake)
                epoll.Wake();
        }

        return true;
    }

    /// <summary>Wakes the reactor without work, as the end of a fake clock's sleep does.</summary>
    internal void Nudge()
    {
        lock (_gate)
        {
            if (!_isClosed)
                epoll.Wake();
        }
    }

    /// <summary>Everything that was posted since the last call, in order; null when there is nothing. Owner thread.</summary>
    internal WorkQueue? Take()
    {
        if (!_hasItems)
            return null;
        lock (_gate)
        {
            (_incoming, _taken) = (_taken, _incoming);
            _hasItems = false;
        }

        return _taken;
    }

    internal void Close()
    {
        lock (_gate)
            _isClosed = true;
    }
}
