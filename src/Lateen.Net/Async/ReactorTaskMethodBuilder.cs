using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

// The compiler asks for these members by name, as instance and static members of a generic type.
#pragma warning disable CA1000, CA1822

namespace Lateen.Net;

/// <summary>
/// Builds <see cref="ValueTask"/>-returning async methods that allocate nothing in steady state on a reactor. Use it as
/// <c>[AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]</c> on the method.
/// </summary>
/// <remarks>
/// <para>Problem. An async method that suspends needs a heap object for its state. The default builder allocates one per suspension of a
/// call. The framework's pooling builder keeps one per thread and one per core of each method, which is enough for a thread pool, where a
/// method rarely has many suspended calls; a reactor has hundreds of connections suspended in the same method on one thread.</para>
/// <para>Choice. Each state machine type has, per thread, a stack of boxes, linked through the boxes themselves. A call that completes
/// without suspending never touches it: its result travels inside the <see cref="ValueTask"/>. The first suspension pops a box (or makes
/// one), moves the state machine into it and hands the awaiter the box's one <see cref="Action"/>, made with the box and kept with it.
/// Completion resumes the awaiting method inline. When that method takes the result, the box is cleared, gets the next version number and
/// is pushed back. After the peak of concurrent calls was reached once, nothing is allocated. A stack keeps at most
/// <see cref="ReactorTaskBox.MaxPooledPerThread"/> boxes; what a burst needed beyond that goes to the collector.</para>
/// <para>Versions. A <see cref="ValueTask"/> carries the version that its box had; awaiting it a second time, or keeping it after its await,
/// meets a newer version and throws <see cref="InvalidOperationException"/>, in Release too. (The number has 16 bits: a stale task is
/// believed only after exactly 65,536 reuses.)</para>
/// <para>Order matters at the end: the box signals completion as the last act of the state machine, whose frame is then still on the
/// stack while the awaiting method already runs, returns the box and may rent it again for another call. That is sound, since the
/// compiler emits nothing after SetResult but the return.</para>
/// <para>What is given up. The execution context is neither captured nor restored: an AsyncLocal set by a method is seen by its caller
/// afterwards, and after an await on a foreign thread's work the method sees the reactor's own. A method must be awaited on the thread where
/// it suspended: caught in Debug. <see cref="Reactor.InvokeAsync(Func{ValueTask})"/> is the bridge for others. A result that nobody awaits
/// costs its box, no more.</para>
/// </remarks>
public struct ReactorTaskMethodBuilder
{
    private ReactorTaskMethodBuilder<VoidResult> _inner;

    /// <summary>What the compiler returns to the caller.</summary>
    public readonly ValueTask Task => _inner.VoidTask;

    public static ReactorTaskMethodBuilder Create() => default;

    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    /// <summary>Part of the compiler's pattern for boxes that it makes itself; not used.</summary>
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    public void SetResult() => _inner.SetResult(default);

    public void SetException(Exception exception) => _inner.SetException(exception);

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => _inner.AwaitOnCompleted(ref awaiter, ref stateMachine);

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => _inner.AwaitUnsafeOnCompleted(ref awaiter, ref stateMachine);

    internal readonly struct VoidResult;
}

/// <summary>
/// As <see cref="ReactorTaskMethodBuilder"/>, for methods that return <see cref="ValueTask{TResult}"/>:
/// <c>[AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder&lt;&gt;))]</c>.
/// </summary>
/// <typeparam name="TResult">The method's result.</typeparam>
public struct ReactorTaskMethodBuilder<TResult>
{
    private ReactorTaskBox<TResult>? _box;
    private Exception? _exception;
    private TResult? _result;

    /// <summary>What the compiler returns to the caller.</summary>
    public readonly ValueTask<TResult> Task
    {
        get
        {
            if (_box is not null)
                return new ValueTask<TResult>(_box, _box.Version);
            return _exception is null ? new ValueTask<TResult>(_result!) : Faulted(_exception);
        }
    }

    internal readonly ValueTask VoidTask
    {
        get
        {
            if (_box is not null)
                return new ValueTask(_box, _box.Version);
            return _exception is null ? default : new ValueTask(Faulted(_exception).AsTask());
        }
    }

    public static ReactorTaskMethodBuilder<TResult> Create() => default;

    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    /// <summary>Part of the compiler's pattern for boxes that it makes itself; not used.</summary>
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    public void SetResult(TResult result)
    {
        if (_box is null)
            _result = result;
        else
            _box.SetResult(result);
    }

    public void SetException(Exception exception)
    {
        if (_box is null)
            _exception = exception;
        else
            _box.SetException(ExceptionDispatchInfo.Capture(exception));
    }

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.OnCompleted(Box(ref stateMachine));

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.UnsafeOnCompleted(Box(ref stateMachine));

    private static ValueTask<TResult> Faulted(Exception exception)
    {
        return exception is OperationCanceledException canceled && canceled.CancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<TResult>(canceled.CancellationToken)
            : ValueTask.FromException<TResult>(exception);
    }

    private Action Box<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine
    {
        // This builder is a field of the state machine. Order matters: the box is noted here before the state machine is copied into it,
        // so that the copy, which is the one that runs from now on, knows its box too.
        if (_box is not null)
            return _box.Continuation;
        var box = ReactorTaskBox<TStateMachine, TResult>.Rent();
        _box = box;
        box.Hold(ref stateMachine);
        return box.Continuation;
    }
}
