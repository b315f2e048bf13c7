namespace Lateen.Xds.Server;

/// <summary>Acts once when the certificate of a stream's peer has ended, if it has not been disposed of before.</summary>
/// <remarks>Disposing waits for what is under way: once it is done, nothing touches the call any more.</remarks>
internal sealed class PeerExpiry : IAsyncDisposable
{
    /// <summary>The clock is looked at this often: timers stand still while a machine sleeps, certificates do not, and no timer goes beyond 49 days.</summary>
    private static readonly TimeSpan Glance = TimeSpan.FromMinutes(5);

    private readonly DateTimeOffset _until;
    private readonly TimeProvider _time;
    private readonly Action _expire;
    private readonly ITimer _timer;

    public PeerExpiry(DateTimeOffset until, TimeProvider time, Action expire)
    {
        _until = until;
        _time = time;
        _expire = expire;
        _timer = time.CreateTimer(static expiry => ((PeerExpiry)expiry!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Look();
    }

    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    private void Look()
    {
        var left = _until - _time.GetUtcNow();
        if (left <= TimeSpan.Zero) _expire();
        // False once it is disposed of.
        else _timer.Change(left < Glance ? left : Glance, Timeout.InfiniteTimeSpan);
    }
}
