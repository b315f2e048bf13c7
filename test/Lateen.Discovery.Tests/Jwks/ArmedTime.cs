using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Discovery.Tests.Jwks;

/// <summary>A clock that the test moves, and that tells when something has begun to wait on it: time that passes before is not waited for.</summary>
/// <param name="notCounting">Timers of this length are not told of: limits, which nobody means to reach. Nor are those that are made to be set later.</param>
internal sealed class ArmedTime(TimeSpan notCounting) : FakeTimeProvider
{
    private readonly Channel<TimeSpan> _armed = Channel.CreateUnbounded<TimeSpan>();

    /// <summary>The length of the next timer, in the order in which they were armed; waits until there is one.</summary>
    public ValueTask<TimeSpan> ArmedAsync(CancellationToken cancel) => _armed.Reader.ReadAsync(cancel);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        if (dueTime != notCounting && dueTime != Timeout.InfiniteTimeSpan) _armed.Writer.TryWrite(dueTime);
        return timer;
    }
}
