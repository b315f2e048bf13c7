using System.Diagnostics;
using System.Threading.Tasks.Sources;

namespace Lateen.Proxy.Forwarding;

/// <summary>The signal of an owner that is one <c>async</c> method and awaits its news.</summary>
/// <remarks>
/// Auto-reset: news that comes while nobody waits is kept, once. The waiter continues inside <see cref="Wake"/>. Reusable, so waiting
/// allocates nothing.
/// </remarks>
internal sealed class WaitableSignal : WakeSignal, IValueTaskSource
{
    private Action<object?>? _continuation;
    private object? _state;
    private bool _isWoken;
    private short _version;

    /// <summary>True while somebody waits.</summary>
    public bool HasWaiter => _continuation is not null;

    public ValueTask WaitAsync()
    {
        if (!_isWoken) return new ValueTask(this, _version);
        _isWoken = false;
        return default;
    }

    public override void Wake()
    {
        Action<object?>? continuation = _continuation;
        if (continuation is null)
        {
            _isWoken = true;
            return;
        }

        object? state = _state;
        _continuation = null;
        _state = null;
        _version++;
        continuation(state);
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) =>
        token == _version && !_isWoken ? ValueTaskSourceStatus.Pending : ValueTaskSourceStatus.Succeeded;

    void IValueTaskSource.GetResult(short token)
    {
    }

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        Debug.Assert(_continuation is null, "an exchange has one waiter");
        _continuation = continuation;
        _state = state;
    }
}
