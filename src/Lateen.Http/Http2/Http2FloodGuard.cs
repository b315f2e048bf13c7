namespace Lateen.Http;

/// <summary>
/// Counts what a peer may send in any number by the letter of RFC 9113 and must not in practice (section 10.5). One per connection; each bound is
/// a field of <see cref="Http2Options"/>, and each has its own name when it is hit.
/// </summary>
internal struct Http2FloodGuard(Http2Options options)
{
    /// <summary>Over how long SETTINGS and PING are counted, in milliseconds.</summary>
    private const long MeterPeriod = 10_000;

    private readonly Http2Options _options = options;
    private int _emptyFrames;
    private int _settingsFrames;
    private int _pingFrames;
    private long _meterStart = long.MinValue;
    private long _priorityFrames;
    private long _windowUpdates;
    private long _closed;
    private long _premature;
    private long _provoked;

    /// <summary>Streams that were opened so far, by either side.</summary>
    internal long StreamsOpened { get; set; }

    /// <summary>DATA frames that we sent.</summary>
    internal long DataFramesSent { get; set; }

    /// <summary>Header of a HEADERS, CONTINUATION, DATA or unknown frame.</summary>
    internal Http2Violation OnPayloadFrame(in Http2FrameHeader frame)
    {
        _settingsFrames = 0;
        _pingFrames = 0;
        bool ends = frame.Type is Http2FrameType.Data or Http2FrameType.Headers && frame.Has(Http2Flags.EndStream);
        if (frame.Length > 0 || ends)
        {
            _emptyFrames = 0;
            return Http2Violation.None;
        }

        return ++_emptyFrames > _options.MaxConsecutiveEmptyFrames ? Http2Violation.EmptyFramesFlood : Http2Violation.None;
    }

    internal Http2Violation OnSettings(int entries, long now)
    {
        if (entries > _options.MaxSettingsEntries) return Http2Violation.SettingsFlood;
        TurnMeter(now);
        return ++_settingsFrames > _options.MaxSettingsFrames ? Http2Violation.SettingsFlood : Http2Violation.None;
    }

    internal Http2Violation OnPing(long now)
    {
        TurnMeter(now);
        return ++_pingFrames > _options.MaxPingFrames ? Http2Violation.PingFlood : Http2Violation.None;
    }

    internal Http2Violation OnPriority() =>
        ++_priorityFrames > _options.MaxPriorityFramesPerStream * (1 + StreamsOpened) ? Http2Violation.PriorityFlood : Http2Violation.None;

    internal Http2Violation OnWindowUpdate() =>
        ++_windowUpdates > 5 + (2 * (StreamsOpened + (_options.MaxWindowUpdateFramesPerDataFrame * DataFramesSent)))
            ? Http2Violation.WindowUpdateFlood : Http2Violation.None;

    /// <summary>Any stream came to its end.</summary>
    internal void OnClosed() => _closed++;

    /// <summary>The peer reset a stream that it had opened, before its response was complete. Call it after <see cref="OnClosed"/>.</summary>
    internal Http2Violation OnPeerReset(Http2Stream stream, long now)
    {
        if (stream.IsLocalEnded || now - stream.OpenedAt >= _options.PrematureResetMilliseconds) return Http2Violation.None;
        return IsTooMany(++_premature, _options.PrematureResetStreams) ? Http2Violation.RapidResetFlood : Http2Violation.None;
    }

    /// <summary>We had to reset a stream for what the peer sent.</summary>
    internal Http2Violation OnProvokedReset() =>
        IsTooMany(++_provoked, _options.ProvokedResetStreams) ? Http2Violation.ProvokedResetFlood : Http2Violation.None;

    private readonly bool IsTooMany(long resets, int streams) => _closed < streams ? resets * 2 >= streams : resets * 2 >= _closed;

    private void TurnMeter(long now)
    {
        if (_meterStart != long.MinValue && now - _meterStart < MeterPeriod) return;
        _meterStart = now;
        _settingsFrames = 0;
        _pingFrames = 0;
    }
}
