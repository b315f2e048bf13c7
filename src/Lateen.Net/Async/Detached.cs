using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Lateen.Net;

/// <summary>
/// What an async method returns that runs by itself and is awaited by nobody, such as a connection's whole life. Its box goes back to the
/// pool when it ends, where a dropped <see cref="ValueTask"/> would cost one.
/// </summary>
/// <remarks>Such a method catches everything: an exception that escapes it is thrown from where it was resumed, at the turn's boundary.</remarks>
[AsyncMethodBuilder(typeof(DetachedMethodBuilder))]
internal readonly struct Detached;

/// <summary>Builder of <see cref="Detached"/> methods; see <see cref="ReactorTaskMethodBuilder"/> for the algorithm.</summary>
internal struct DetachedMethodBuilder
{
    private ReactorTaskBox<Detached>? _box;

#pragma warning disable CA1822 // The compiler asks for instance members.
    public readonly Detached Task => default;

    public static DetachedMethodBuilder Create() => default;

    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }
#pragma warning restore CA1822

    public readonly void SetResult() => _box?.Discard();

    public readonly void SetException(Exception exception)
    {
        Debug.Fail("A detached method catches everything.", exception.ToString());
        _box?.Discard();
        ExceptionDispatchInfo.Throw(exception);
    }

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.OnCompleted(Box(ref stateMachine));

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.UnsafeOnCompleted(Box(ref stateMachine));

    private Action Box<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine
    {
        if (_box is not null)
            return _box.Continuation;
        var box = ReactorTaskBox<TStateMachine, Detached>.Rent();
        _box = box;
        box.Hold(ref stateMachine);
        return box.Continuation;
    }
}
