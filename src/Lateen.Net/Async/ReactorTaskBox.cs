using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;

namespace Lateen.Net;

/// <summary>Limits of the pools of suspended async calls.</summary>
internal static class ReactorTaskBox
{
    /// <summary>Boxes kept per async method and thread. Count. Hit: the box goes to the collector. 1,024 boxes of some 300 bytes are 300 KB.</summary>
    internal const int MaxPooledPerThread = 1024;
}

/// <summary>
/// A suspended call of an async method: the completion that its caller awaits. <see cref="ReactorTaskMethodBuilder"/> tells the algorithm.
/// </summary>
/// <remarks>One thread from suspension to result; not one interlocked operation, therefore.</remarks>
internal abstract class ReactorTaskBox<TResult> : IValueTaskSource<TResult>, IValueTaskSource
{
    private Action<object?>? _continuation;
    private object? _continuationState;
    private ExceptionDispatchInfo? _error;
    private TResult? _result;
    private bool _isCompleted;
    private int _ownerThread;

    protected ReactorTaskBox() => Continuation = MoveNext;

    /// <summary>Resumes the state machine; the one delegate that the box ever needs.</summary>
    internal Action Continuation { get; }

    internal short Version { get; private set; }

    public ValueTaskSourceStatus GetStatus(short token)
    {
        Verify(token);
        if (!_isCompleted)
            return ValueTaskSourceStatus.Pending;
        if (_error is null)
            return ValueTaskSourceStatus.Succeeded;
        return _error.SourceException is OperationCanceledException ? ValueTaskSourceStatus.Canceled : ValueTaskSourceStatus.Faulted;
    }

    /// <remarks>The flags are not looked at: the awaiting method runs on this thread, and the execution context does not flow.</remarks>
    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        Verify(token);
        VerifyThread();
        if (_continuation is not null)
            throw new InvalidOperationException("The task is awaited twice at the same time; a ValueTask has one awaiter.");
        if (_isCompleted)
        {
            // Only code that asks for a callback without looking at IsCompleted comes here; it does not expect to be called inside its call.
            ThreadPoolOrReactor(continuation, state);
            return;
        }

        _continuationState = state;
        _continuation = continuation;
    }

    TResult IValueTaskSource<TResult>.GetResult(short token) => TakeResult(token);

    void IValueTaskSource.GetResult(short token) => TakeResult(token);

    internal void SetResult(TResult result)
    {
        _result = result;
        Complete();
    }

    internal void SetException(ExceptionDispatchInfo error)
    {
        _error = error;
        Complete();
    }

    /// <summary>Ends a call that nobody awaits.</summary>
    internal void Discard()
    {
        Version++;
        ReturnToPool();
    }

    protected abstract void MoveNext();

    /// <summary>Clears the state machine and offers the box to the next call.</summary>
    protected abstract void ReturnToPool();

    [Conditional("DEBUG")]
    protected void NoteThread() => _ownerThread = Environment.CurrentManagedThreadId;

    private static void ThreadPoolOrReactor(Action<object?> continuation, object? state)
    {
        if (Reactor.Current is { } reactor)
            reactor.Post(continuation, state);
        else
            ThreadPool.UnsafeQueueUserWorkItem(continuation, state, preferLocal: true);
    }

    private TResult TakeResult(short token)
    {
        Verify(token);
        VerifyThread();
        if (!_isCompleted)
            throw new InvalidOperationException("The result was asked for before the task completed; a ValueTask is awaited, not polled.");
        var error = _error;
        var result = _result!;
        _error = null;
        _result = default;
        _continuation = null;
        _continuationState = null;
        _isCompleted = false;
        Version++;
        ReturnToPool();
        error?.Throw();
        return result;
    }

    private void Complete()
    {
        VerifyThread();
        _isCompleted = true;
        var continuation = _continuation;
        if (continuation is null)
            return;
        // Kept non-null until the result is taken: a second awaiter is told so. The box may be another call's when this returns.
        continuation(_continuationState);
    }

    private void Verify(short token)
    {
        if (token != Version)
            ThrowStale();
    }

    [Conditional("DEBUG")]
    private void VerifyThread()
    {
        if (_ownerThread != Environment.CurrentManagedThreadId)
        {
            throw new InvalidOperationException(
                "A reactor's async method was awaited or completed on another thread; bridge with Reactor.InvokeAsync.");
        }
    }

    private static void ThrowStale()
    {
        throw new InvalidOperationException("The task was already awaited: its box belongs to another call now. Await a ValueTask once.");
    }
}

/// <summary>A box for one async method's state machine, and that method's pool on each thread.</summary>
internal sealed class ReactorTaskBox<TStateMachine, TResult> : ReactorTaskBox<TResult>
    where TStateMachine : IAsyncStateMachine
{
    [ThreadStatic]
    private static Pool? _pool;

    private ReactorTaskBox<TStateMachine, TResult>? _nextFree;
    private TStateMachine? _stateMachine;

    internal static ReactorTaskBox<TStateMachine, TResult> Rent()
    {
        var pool = _pool ??= new Pool();
        var box = pool.Head;
        if (box is null)
        {
            box = new ReactorTaskBox<TStateMachine, TResult>();
        }
        else
        {
            pool.Head = box._nextFree;
            pool.Count--;
            box._nextFree = null;
        }

        box.NoteThread();
        return box;
    }

    internal void Hold(ref TStateMachine stateMachine) => _stateMachine = stateMachine;

    protected override void MoveNext() => _stateMachine!.MoveNext();

    protected override void ReturnToPool()
    {
        _stateMachine = default;
        var pool = _pool ??= new Pool();
        if (pool.Count >= ReactorTaskBox.MaxPooledPerThread)
            return;
        _nextFree = pool.Head;
        pool.Head = this;
        pool.Count++;
    }

    private sealed class Pool
    {
        internal ReactorTaskBox<TStateMachine, TResult>? Head;
        internal int Count;
    }
}
