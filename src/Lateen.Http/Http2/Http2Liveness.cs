namespace Lateen.Http;

/// <summary>
/// The times of a connection: the acknowledgement of our SETTINGS, and PING as a sign of life. Reads no clock; whoever has one asks
/// <see cref="NextDeadline"/> and calls <see cref="Check"/> then.
/// </summary>
internal struct Http2Liveness(Http2Options options)
{
    private readonly int _settingsTimeout = options.SettingsTimeoutMilliseconds;
    private readonly Http2KeepAlive? _keepAlive = options.KeepAlive;
    private long _settingsSent = -1;
    private long _pingSent = -1;
    private long _lastReceived;
    private long _lastPing;
    private uint _pingNumber;

    /// <summary>SETTINGS of ours wait for their acknowledgement.</summary>
    internal readonly bool AwaitsSettings => _settingsSent >= 0;

    internal void OnStart(long now)
    {
        _settingsSent = now;
        _lastReceived = now;
        _lastPing = now;
    }

    internal void OnSettingsAck() => _settingsSent = -1;

    /// <summary>Anything from the peer is a sign of life, so a busy connection is not closed because its PING waits behind content.</summary>
    internal void OnReceived(long now)
    {
        _lastReceived = now;
        _pingSent = -1;
    }

    /// <summary>True when a stream is to be opened on a connection that was silent for so long that a PING should go first.</summary>
    internal readonly bool WantsPingBeforeStream(long now) =>
        _keepAlive is { IdleInterval: > 0 } && _pingSent < 0 && now - _lastReceived >= _keepAlive.IdleInterval;

    /// <summary>A PING of ours goes out; the payload is what it carries.</summary>
    internal ulong OnPing(long now)
    {
        _pingSent = now;
        _lastPing = now;
        return ++_pingNumber;
    }

    /// <summary>When <see cref="Check"/> has something to do next; <see cref="long.MaxValue"/> for never.</summary>
    internal readonly long NextDeadline
    {
        get
        {
            long next = long.MaxValue;
            if (_settingsSent >= 0 && _settingsTimeout > 0) next = _settingsSent + _settingsTimeout;
            if (_keepAlive is null) return next;
            if (_pingSent >= 0) return Math.Min(next, _pingSent + _keepAlive.Timeout);
            return _keepAlive.Interval > 0 ? Math.Min(next, _lastPing + _keepAlive.Interval) : next;
        }
    }

    /// <summary>What is due: a violation when the peer is late, and whether a PING must go.</summary>
    internal readonly Http2Violation Check(long now, out bool needsPing)
    {
        needsPing = false;
        if (_settingsSent >= 0 && _settingsTimeout > 0 && now - _settingsSent >= _settingsTimeout) return Http2Violation.SettingsTimeout;
        if (_keepAlive is null) return Http2Violation.None;
        if (_pingSent >= 0) return now - _pingSent >= _keepAlive.Timeout ? Http2Violation.KeepAliveTimeout : Http2Violation.None;
        needsPing = _keepAlive.Interval > 0 && now - _lastPing >= _keepAlive.Interval;
        return Http2Violation.None;
    }
}
