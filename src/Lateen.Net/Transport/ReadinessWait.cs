using System.Threading.Tasks.Sources;

namespace Lateen.Net;

/// <summary>
/// One direction's wait of a connection, used over and over: what ReadableAsync and WritableAsync hand out when they have to wait.
/// </summary>
/// <remarks>
/// Owner thread only. The version moves on when the result is taken, so a task that is awaited twice is refused. The continuation runs
/// inline in <see cref="Complete"/>, which the reactor calls from the top of its turn only.
/// </remarks>
internal sealed class ReadinessWait : IValueTaskSource<bool>
{
    private Action<object?>? _continuation;
    private object? _state;
    private short _version;
    private Phase _phase;
    private bool _result;

    private enum Phase : byte
    {
        Idle,
        Armed,
        Completed,
    }

    internal bool IsArmed => _phase == Phase.Armed;

    /// <summary>The wait is to end with false on the next turn, though the connection is alive.</summary>
    internal bool IsInterrupted { get; set; }

    internal ValueTask<bool> Arm()
    {
        if (_phase != Phase.Idle)
            throw new InvalidOperationException("A wait of this direction is pending already; a connection has one reader and one writer.");
        _phase = Phase.Armed;
        return new ValueTask<bool>(this, _version);
    }

    internal void Complete(bool result)
    {
        _result = result;
        _phase = Phase.Completed;
        IsInterrupted = false;
        var continuation = _continuation;
        if (continuation is null)
            return;
        var state = _state;
        _continuation = null;
        _state = null;
        continuation(state);
    }

    public ValueTaskSourceStatus GetStatus(short token)
    {
        Verify(token);
        return _phase == Phase.Completed ? ValueTaskSourceStatus.Succeeded : ValueTaskSourceStatus.Pending;
    }

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        Verify(token);
        if (_continuation is not null)
            throw new InvalidOperationException("The wait is awaited twice at the same time; a ValueTask has one awaiter.");
        if (_phase == Phase.Completed)
        {
            Reactor.Current?.Post(continuation, state);
            return;
        }

        _continuation = continuation;
        _state = state;
    }

    public bool GetResult(short token)
    {
        Verify(token);
        if (_phase != Phase.Completed)
            throw new InvalidOperationException("The wait has not ended; a ValueTask is awaited, not polled.");
        _phase = Phase.Idle;
        _version++;
        return _result;
    }

    private void Verify(short token)
    {
        if (token != _version)
            throw new InvalidOperationException("The wait was awaited before; await a ValueTask once.");
    }
}
