using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Lateen.Net;

/// <summary>One piece of posted work: an <see cref="Action{T}"/> or a <see cref="SendOrPostCallback"/>, and its state.</summary>
internal readonly struct WorkItem(Delegate callback, object? state)
{
    internal object? State => state;

    internal void Run()
    {
        if (callback is Action<object?> action)
        {
            action(state);
        }
        else
        {
            Debug.Assert(callback is SendOrPostCallback);
            Unsafe.As<SendOrPostCallback>(callback)(state);
        }
    }
}

/// <summary>A first-in-first-out ring that grows, and shrinks back after a burst. Not thread-safe.</summary>
internal sealed class WorkQueue
{
    private const int SmallCapacity = 64;

    /// <summary>Above this capacity an emptied ring is replaced by a small one. Count of items; 16 KiB.</summary>
    private const int MaxIdleCapacity = 1024;

    private WorkItem[] _ring = new WorkItem[SmallCapacity];
    private int _head;

    internal int Count { get; private set; }

    internal void Enqueue(WorkItem item)
    {
        if (Count == _ring.Length)
            Grow();
        _ring[(_head + Count) & (_ring.Length - 1)] = item;
        Count++;
    }

    internal WorkItem Dequeue()
    {
        ref var slot = ref _ring[_head];
        var item = slot;
        slot = default;
        _head = (_head + 1) & (_ring.Length - 1);
        Count--;
        return item;
    }

    internal void TrimIfEmpty()
    {
        if (Count == 0 && _ring.Length > MaxIdleCapacity)
        {
            _ring = new WorkItem[SmallCapacity];
            _head = 0;
        }
    }

    private void Grow()
    {
        var bigger = new WorkItem[_ring.Length * 2];
        var first = _ring.AsSpan(_head);
        first.CopyTo(bigger);
        _ring.AsSpan(0, _head).CopyTo(bigger.AsSpan(first.Length));
        _ring = bigger;
        _head = 0;
    }
}
