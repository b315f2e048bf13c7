namespace Lateen.Http;

/// <summary>
/// Counts what a peer may send in any number by the letter of RFC 9113 and must not in practice (section 10.5). One per connection; each bound is
/// a field of <see cref="Http2Options"/>, and each has its own name when it is hit.
/// </summary>
internal struct Http2FloodGuard(Http2Options options)
{
    /// <summary>Over how long is counted what comes in any number over the life of an honest connection, in milliseconds.</summary>
    private const long MeterPeriod = 10_000;

    /// <summary>A DATA frame below it is a crumb, if the window left room for no more. Octets.</summary>
    private const int CrumbOctets = 256;

    /// <summary>A connection that carries much, perhaps for many clients, may carry some heads that are too large.</summary>
    private const int ExchangedPerOverflow = 16;

    private readonly Http2Options _options = options;
    private int _emptyFrames;
    private int _settingsFrames;
    private int _windowChanges;
    private int _headerOverflows;
    private long _pingFrames;
    private long _unknownFrames;
    private long _meterStart = long.MinValue;
    private long _exchangedAtStart;
    private int _goAways;
    private long _closedStreamFrames;
    private long _dataFramesReceived;
    private long _crumbs;
    private long _priorityFrames;
    private long _windowUpdates;
    private long _closed;
    private long _premature;
    private long _provoked;

    /// <summary>Streams that were opened so far, by either side.</summary>
    internal long StreamsOpened { get; set; }

    /// <summary>DATA frames that we sent.</summary>
    internal long DataFramesSent { get; private set; }

    /// <summary>Octets of content that we sent.</summary>
    internal long OctetsSent { get; private set; }

    /// <summary>What was exchanged in the period, as the measure of what may come beside it: nobody gets further by PINGs than by requests and content.</summary>
    private readonly long Exchanged => TotalExchanged - _exchangedAtStart;

    private readonly long TotalExchanged => StreamsOpened + DataFramesSent + _dataFramesReceived;

    /// <summary>We sent a DATA frame.</summary>
    /// <param name="isWindowUsedUp">Its stream or the connection can send nothing after it.</param>
    internal void OnDataSent(int octets, bool isWindowUsedUp)
    {
        DataFramesSent++;
        OctetsSent += octets;
        if (isWindowUsedUp && octets is > 0 and < CrumbOctets) _crumbs++;
    }

    /// <summary>A HEADERS, CONTINUATION or DATA frame.</summary>
    /// <param name="octets">Of payload. Padding is none: a frame that has nothing else is as empty as one without it.</param>
    internal Http2Violation OnPayloadFrame(in Http2FrameHeader frame, int octets)
    {
        if (frame.Type == Http2FrameType.Data && octets > 0) _dataFramesReceived++;
        bool ends = frame.Type is Http2FrameType.Data or Http2FrameType.Headers && frame.Has(Http2Flags.EndStream);
        if (octets == 0 && !ends) return OnEmptyFrame();
        _emptyFrames = 0;
        return Http2Violation.None;
    }

    /// <summary>Header of a frame whose type we do not know. It is no progress: nothing that is counted begins anew with it.</summary>
    internal Http2Violation OnUnknownFrame(in Http2FrameHeader frame, long now)
    {
        if (frame.Length == 0) return OnEmptyFrame();
        TurnMeter(now);
        return ++_unknownFrames > _options.MaxUnknownFrames + Exchanged ? Http2Violation.UnknownFramesFlood : Http2Violation.None;
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
        return ++_pingFrames > _options.MaxPingFrames + Exchanged ? Http2Violation.PingFlood : Http2Violation.None;
    }

    /// <summary>SETTINGS_INITIAL_WINDOW_SIZE has another value.</summary>
    internal Http2Violation OnInitialWindowChange(long now)
    {
        TurnMeter(now);
        return ++_windowChanges > _options.MaxInitialWindowChanges ? Http2Violation.InitialWindowFlood : Http2Violation.None;
    }

    /// <summary>A field section was larger than the limit.</summary>
    internal Http2Violation OnHeaderOverflow(long now)
    {
        TurnMeter(now);
        return ++_headerOverflows > _options.MaxHeaderOverflows + (Exchanged / ExchangedPerOverflow) ? Http2Violation.HeaderOverflowFlood : Http2Violation.None;
    }

    internal Http2Violation OnGoAway() => ++_goAways > _options.MaxGoAwayFrames ? Http2Violation.GoAwayFlood : Http2Violation.None;

    /// <summary>RST_STREAM or HEADERS on a stream that is closed, or that we have said we ignore.</summary>
    internal Http2Violation OnClosedStreamFrame() =>
        ++_closedStreamFrames > _options.MaxClosedStreamFrames + (2 * StreamsOpened) ? Http2Violation.ClosedStreamFlood : Http2Violation.None;

    internal Http2Violation OnPriority() =>
        ++_priorityFrames > _options.MaxPriorityFramesPerStream * (1 + StreamsOpened) ? Http2Violation.PriorityFlood : Http2Violation.None;

    internal Http2Violation OnWindowUpdate()
    {
        if (++_windowUpdates > 5 + (2 * (StreamsOpened + (_options.MaxWindowUpdateFramesPerDataFrame * DataFramesSent))))
            return Http2Violation.WindowUpdateFlood;
        // Each crumb earns its sender more WINDOW_UPDATE frames, so that the bound above never ends a dribble.
        return _crumbs > _options.MaxWindowCrumbs + StreamsOpened + (OctetsSent / 1024) ? Http2Violation.WindowDribbleFlood : Http2Violation.None;
    }

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
        _exchangedAtStart = TotalExchanged;
        _settingsFrames = _windowChanges = _headerOverflows = 0;
        _pingFrames = _unknownFrames = 0;
    }

    private Http2Violation OnEmptyFrame() =>
        ++_emptyFrames > _options.MaxConsecutiveEmptyFrames ? Http2Violation.EmptyFramesFlood : Http2Violation.None;
}
