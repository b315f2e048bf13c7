namespace Lateen.Discovery.Files;

/// <summary>
/// When a burst of changes is to be read: once nothing came for the quiet time, and at the latest the maximal delay after the first, so
/// that a file that never ceases to change is still read. Times are offsets on one monotonic clock.
/// </summary>
internal struct DebounceWindow(TimeSpan first, TimeSpan quietTime, TimeSpan maxDelay)
{
    private readonly TimeSpan _latest = first + maxDelay;
    private readonly TimeSpan _quietTime = quietTime;
    private TimeSpan _last = first;

    /// <summary>Notes a further change.</summary>
    public void Touch(TimeSpan now) => _last = now;

    /// <summary>How long still to wait; zero or less: read now.</summary>
    public readonly TimeSpan Remaining(TimeSpan now)
    {
        var quiet = _last + _quietTime;
        return (quiet < _latest ? quiet : _latest) - now;
    }
}
