namespace Lateen.Net;

/// <summary>Monotonic time of a <see cref="TimeProvider"/>, read once per turn.</summary>
internal sealed class ReactorClock
{
    private readonly TimeProvider _provider;
    private readonly long _ticksPerMicrosecond;

    internal ReactorClock(TimeProvider provider)
    {
        _provider = provider;
        _ticksPerMicrosecond = Math.Max(provider.TimestampFrequency / 1_000_000, 1);
        Refresh();
    }

    internal bool IsSystem => ReferenceEquals(_provider, TimeProvider.System);

    internal long Microseconds { get; private set; }

    internal long Milliseconds { get; private set; }

    internal void Refresh()
    {
        Microseconds = _provider.GetTimestamp() / _ticksPerMicrosecond;
        Milliseconds = Microseconds / 1000;
    }
}
