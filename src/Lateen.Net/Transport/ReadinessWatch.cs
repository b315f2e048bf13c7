namespace Lateen.Net;

/// <summary>The one watch of a connection: what WatchIdle or WatchPeerClosed left to be called, once.</summary>
/// <remarks>Owner thread only.</remarks>
internal struct ReadinessWatch
{
    private Action<object?>? _callback;
    private object? _state;
    private bool _isOfPeerOnly;

    internal readonly bool IsSet => _callback is not null;

    /// <param name="callback">Called with <paramref name="state"/> by <see cref="Fire"/>.</param>
    /// <param name="peerOnly">Bytes that arrive are not what is watched for.</param>
    internal void Set(Action<object?> callback, object? state, bool peerOnly)
    {
        ArgumentNullException.ThrowIfNull(callback);
        if (IsSet)
            throw new InvalidOperationException("A connection has one watch at a time; Unwatch comes first.");
        _callback = callback;
        _state = state;
        _isOfPeerOnly = peerOnly;
    }

    internal void Clear() => this = default;

    /// <summary>True when it is time to <see cref="Fire"/>.</summary>
    internal readonly bool IsDue(bool isReadable, bool isPeerClosed) => IsSet && (_isOfPeerOnly ? isPeerClosed : isReadable);

    /// <summary>Calls back, and watches no more from before the call on: the callback may watch anew.</summary>
    internal void Fire()
    {
        var (callback, state) = (_callback!, _state);
        Clear();
        callback(state);
    }
}
