using System.Runtime.CompilerServices;
using Lateen.Net;
using Lateen.Proxy.Forwarding;

namespace Lateen.Proxy.Tcp;

/// <summary>How a <see cref="Relay"/> came to its end.</summary>
internal enum RelayEnding : byte
{
    /// <summary>Both sides ended in good order.</summary>
    Finished,

    /// <summary>The client's connection was reset, or this side closed it.</summary>
    DownstreamFailed,

    /// <summary>The server's connection was reset, or this side closed it.</summary>
    UpstreamFailed,

    /// <summary>Nothing moved for as long as that may be.</summary>
    IdleTimeout,

    /// <summary>It lasted as long as it may.</summary>
    DurationReached,
}

/// <summary>How long a <see cref="Relay"/> may last. Milliseconds; 0 is no limit.</summary>
/// <param name="Idle">Without a byte in either direction.</param>
/// <param name="Duration">From the relay's beginning.</param>
internal readonly record struct RelayLimits(long Idle, long Duration);

/// <summary>
/// Moves bytes between two connections, both ways, unread: for TCP proxying and for connections that an upgrade has taken out of HTTP.
/// </summary>
/// <remarks>
/// <para>One reactor. Each side may end its half and go on receiving; the relay ends when both have, or when one is reset, which is passed on
/// as a reset. Bounded: what one side has sent and the other not taken fits one buffer per direction, then reading stops.</para>
/// <para>Moving bytes allocates nothing, and a relay at rest holds no buffer. The connections stay the caller's to dispose.</para>
/// </remarks>
internal sealed class Relay : ITransportObserver
{
    private readonly TransportConnection _downstream;
    private readonly TransportConnection _upstream;
    private readonly RelayLimits _limits;
    private readonly WaitableSignal _signal = new();
    private readonly ReactorTimer? _timer;
    private readonly long _startedAt;
    private RelayDirection _fromDownstream;
    private RelayDirection _fromUpstream;
    private RelayEnding _ending;
    private long _movedAt;
    private long _movedSoFar;

    public Relay(TransportConnection downstream, TransportConnection upstream, RelayLimits limits)
    {
        _downstream = downstream;
        _upstream = upstream;
        _limits = limits;
        _startedAt = _movedAt = downstream.Reactor.NowMilliseconds;
        if (limits.Idle > 0 || limits.Duration > 0)
            _timer = new ReactorTimer(downstream.Reactor, static state => ((Relay)state!)._signal.Wake(), this);
    }

    /// <summary>Octets that came from the client.</summary>
    public long BytesFromDownstream => _fromDownstream.Moved;

    /// <summary>Octets that came from the server.</summary>
    public long BytesFromUpstream => _fromUpstream.Moved;

    /// <summary>When the server's first octet moved, on the reactor's clock in microseconds; -1: none has.</summary>
    public long FirstFromUpstreamAt { get; private set; } = -1;

    /// <summary>Bytes that were read from the client before the relay began; they go first. 64 KiB at most.</summary>
    public void PreloadFromDownstream(ReadOnlySpan<byte> bytes) => _fromDownstream.Preload(_downstream.Reactor.Buffers, bytes);

    /// <summary>As <see cref="PreloadFromDownstream"/>, for bytes of the server.</summary>
    public void PreloadFromUpstream(ReadOnlySpan<byte> bytes) => _fromUpstream.Preload(_downstream.Reactor.Buffers, bytes);

    /// <summary>Relays to the end. Takes over the connections' observers.</summary>
    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder<>))]
    public async ValueTask<RelayEnding> RunAsync()
    {
        _downstream.Observer = this;
        _upstream.Observer = this;
        try
        {
            while (!Advance()) await _signal.WaitAsync();
            PassOnReset();
            return _ending;
        }
        finally
        {
            _timer?.Cancel();
            _downstream.Observer = null;
            _upstream.Observer = null;
            _fromDownstream.End(_upstream);
            _fromUpstream.End(_downstream);
        }
    }

    void ITransportObserver.OnReady(TransportConnection connection) => _signal.Wake();

    /// <returns>True when the relay is at its end.</returns>
    private bool Advance()
    {
        RelayStep up = _fromDownstream.Pump(_downstream, _upstream);
        RelayStep down = _fromUpstream.Pump(_upstream, _downstream);
        if (FirstFromUpstreamAt < 0 && _fromUpstream.Moved > 0) FirstFromUpstreamAt = _downstream.Reactor.NowMicroseconds;
        // Who has ended its half and then resets is gone, as TLS peers go that answer a close notice; all it sent has been passed on.
        if (up == RelayStep.SourceFailed || down == RelayStep.SinkFailed)
            return End(_fromDownstream.IsFinished ? RelayEnding.Finished : RelayEnding.DownstreamFailed);
        if (down == RelayStep.SourceFailed || up == RelayStep.SinkFailed)
            return End(_fromUpstream.IsFinished ? RelayEnding.Finished : RelayEnding.UpstreamFailed);
        if (up == RelayStep.Finished && down == RelayStep.Finished) return End(RelayEnding.Finished);
        return _timer is not null && IsOverdue(_timer);
    }

    private bool IsOverdue(ReactorTimer timer)
    {
        long now = timer.Reactor.NowMilliseconds;
        long moved = _fromDownstream.Moved + _fromUpstream.Moved;
        if (moved != _movedSoFar)
        {
            _movedSoFar = moved;
            _movedAt = now;
        }

        long until = long.MaxValue;
        if (_limits.Duration > 0)
        {
            until = _startedAt + _limits.Duration;
            if (now >= until) return End(RelayEnding.DurationReached);
        }

        if (_limits.Idle > 0)
        {
            if (now >= _movedAt + _limits.Idle) return End(RelayEnding.IdleTimeout);
            until = Math.Min(until, _movedAt + _limits.Idle);
        }

        timer.Arm(until - now);
        return false;
    }

    private bool End(RelayEnding ending)
    {
        _ending = ending;
        return true;
    }

    /// <summary>A side that died without an end is no end for the other either: a truncated stream must not look whole.</summary>
    private void PassOnReset()
    {
        if (_ending == RelayEnding.DownstreamFailed)
        {
            _fromDownstream.End(_upstream);
            _upstream.Abort();
        }
        else if (_ending == RelayEnding.UpstreamFailed)
        {
            _fromUpstream.End(_downstream);
            _downstream.Abort();
        }
    }
}
