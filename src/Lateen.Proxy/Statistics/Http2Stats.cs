using Lateen.Http;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>
/// What HTTP/2 connections count by Envoy's names: <c>http2.*</c> for clients' connections, <c>cluster.NAME.http2.*</c> for those to a cluster.
/// </summary>
public sealed class Http2Stats : StatGroup
{
    private static readonly StatSchema<Http2Stats> Schema = new(static fields => new Http2Stats(fields));

    private Http2Stats(StatFields fields)
        : base(fields)
    {
        HeaderOverflow = fields.Counter("header_overflow");
        EmptyFramesFlood = fields.Counter("inbound_empty_frames_flood");
        PriorityFramesFlood = fields.Counter("inbound_priority_frames_flood");
        WindowUpdateFlood = fields.Counter("inbound_window_update_frames_flood");
        OutboundFlood = fields.Counter("outbound_flood");
        OutboundControlFlood = fields.Counter("outbound_control_flood");
        RapidResetFlood = fields.Counter("rapid_reset_flood");
        ProvokedResetFlood = fields.Counter("provoked_reset_flood");
        ContinuationFlood = fields.Counter("continuation_flood");
        HeaderBlockFlood = fields.Counter("header_block_flood");
        HeaderExpansionFlood = fields.Counter("header_expansion_flood");
        SettingsFlood = fields.Counter("settings_flood");
        PingFlood = fields.Counter("ping_flood");
        UnknownFramesFlood = fields.Counter("unknown_frames_flood");
        ClosedStreamFlood = fields.Counter("closed_stream_flood");
        GoAwayFlood = fields.Counter("goaway_flood");
        InitialWindowFlood = fields.Counter("initial_window_flood");
        WindowDribbleFlood = fields.Counter("window_dribble_flood");
        HeaderOverflowFlood = fields.Counter("header_overflow_flood");
        SlowReaderFlood = fields.Counter("slow_reader_flood");
        FlushTimeout = fields.Counter("tx_flush_timeout");
        MessagingError = fields.Counter("rx_messaging_error");
        ResetReceived = fields.Counter("rx_reset");
        ResetSent = fields.Counter("tx_reset");
        Trailers = fields.Counter("trailers");
        KeepAliveTimeout = fields.Counter("keepalive_timeout");
        GoAwaySent = fields.Counter("goaway_sent");
        StreamRefused = fields.Counter("stream_refused_errors");
        UnderscoreFieldsDropped = fields.Counter("dropped_headers_with_underscores");
        UnderscoreRequestsRejected = fields.Counter("requests_rejected_with_underscores_in_headers");
    }

    public Counter HeaderOverflow { get; }
    public Counter EmptyFramesFlood { get; }
    public Counter PriorityFramesFlood { get; }
    public Counter WindowUpdateFlood { get; }
    public Counter OutboundFlood { get; }
    public Counter OutboundControlFlood { get; }

    /// <summary>Clients that reset their streams as soon as they open them. This one and those up to <see cref="SlowReaderFlood"/> are bounds of our own, not Envoy's names.</summary>
    public Counter RapidResetFlood { get; }
    public Counter ProvokedResetFlood { get; }
    public Counter ContinuationFlood { get; }
    public Counter HeaderBlockFlood { get; }
    public Counter HeaderExpansionFlood { get; }
    public Counter SettingsFlood { get; }
    public Counter PingFlood { get; }
    public Counter UnknownFramesFlood { get; }
    public Counter ClosedStreamFlood { get; }
    public Counter GoAwayFlood { get; }
    public Counter InitialWindowFlood { get; }
    public Counter WindowDribbleFlood { get; }
    public Counter HeaderOverflowFlood { get; }
    public Counter SlowReaderFlood { get; }

    /// <summary>Streams whose client took nothing of what waited for it for too long.</summary>
    public Counter FlushTimeout { get; }
    public Counter MessagingError { get; }
    public Counter ResetReceived { get; }
    public Counter ResetSent { get; }
    public Counter Trailers { get; }
    public Counter KeepAliveTimeout { get; }
    public Counter GoAwaySent { get; }
    public Counter StreamRefused { get; }
    public Counter UnderscoreFieldsDropped { get; }
    public Counter UnderscoreRequestsRejected { get; }

    /// <summary>Of clients' connections.</summary>
    public static Http2Stats OpenDownstream(StatsRegistry registry) => Schema.Open(registry, new StatScope("http2.", "envoy_http2_", []));

    /// <summary>Of the connections to a cluster.</summary>
    public static Http2Stats OpenUpstream(StatsRegistry registry, string statName)
    {
        StatScope cluster = StatScope.Cluster(statName);
        return Schema.Open(registry, new StatScope($"{cluster.TextPrefix}http2.", "envoy_cluster_http2_", cluster.TagSpan.ToArray()));
    }
}

/// <summary>Brings what a connection's state machine has counted to where its reactor counts.</summary>
/// <remarks>Owner thread only. The state machine's numbers only grow; what was brought already is remembered.</remarks>
internal sealed class Http2Tally(Http2Counters counters, StatShard shard, Http2Stats stats)
{
    /// <summary>Milliseconds between two looks at a connection that lives on.</summary>
    private const long Period = 1000;

    private static readonly Http2Violation[] Violations =
    [
        Http2Violation.EmptyFramesFlood, Http2Violation.PriorityFlood, Http2Violation.WindowUpdateFlood, Http2Violation.OutboundFlood,
        Http2Violation.OutboundControlFlood, Http2Violation.RapidResetFlood, Http2Violation.ProvokedResetFlood, Http2Violation.ContinuationFlood,
        Http2Violation.HeaderBlockFlood, Http2Violation.HeaderExpansionFlood, Http2Violation.SettingsFlood, Http2Violation.PingFlood,
        Http2Violation.UnknownFramesFlood, Http2Violation.ClosedStreamFlood, Http2Violation.GoAwayFlood, Http2Violation.InitialWindowFlood, Http2Violation.WindowDribbleFlood, Http2Violation.HeaderOverflowFlood,
        Http2Violation.SlowReaderFlood, Http2Violation.KeepAliveTimeout, Http2Violation.StreamRefused,
    ];

    private Seen _seen;
    private long _lookedAt;

    public void Fold(long now)
    {
        if (now - _lookedAt < Period) return;
        _lookedAt = now;
        FoldAll();
    }

    public void FoldAll()
    {
        Bring(stats.ResetReceived, counters.ResetsReceived, ref _seen.ResetsReceived);
        Bring(stats.ResetSent, counters.ResetsSent, ref _seen.ResetsSent);
        Bring(stats.GoAwaySent, counters.GoAwaysSent, ref _seen.GoAwaysSent);
        Bring(stats.MessagingError, counters.MessagingErrors, ref _seen.MessagingErrors);
        Bring(stats.HeaderOverflow, counters.HeaderOverflows, ref _seen.HeaderOverflows);
        Bring(stats.UnderscoreFieldsDropped, counters.UnderscoreFieldsDropped, ref _seen.UnderscoreFieldsDropped);
        Bring(stats.UnderscoreRequestsRejected, counters.UnderscoreRequestsRejected, ref _seen.UnderscoreRequestsRejected);
        Bring(stats.Trailers, counters.Trailers, ref _seen.Trailers);
        for (var i = 0; i < Violations.Length; i++)
        {
            Bring(CounterOf(Violations[i]), counters.Of(Violations[i]), ref _seen.Violations[i]);
        }
    }

    private Counter CounterOf(Http2Violation violation) => violation switch
    {
        Http2Violation.EmptyFramesFlood => stats.EmptyFramesFlood,
        Http2Violation.PriorityFlood => stats.PriorityFramesFlood,
        Http2Violation.WindowUpdateFlood => stats.WindowUpdateFlood,
        Http2Violation.OutboundFlood => stats.OutboundFlood,
        Http2Violation.OutboundControlFlood => stats.OutboundControlFlood,
        Http2Violation.RapidResetFlood => stats.RapidResetFlood,
        Http2Violation.ProvokedResetFlood => stats.ProvokedResetFlood,
        Http2Violation.ContinuationFlood => stats.ContinuationFlood,
        Http2Violation.HeaderBlockFlood => stats.HeaderBlockFlood,
        Http2Violation.HeaderExpansionFlood => stats.HeaderExpansionFlood,
        Http2Violation.SettingsFlood => stats.SettingsFlood,
        Http2Violation.PingFlood => stats.PingFlood,
        Http2Violation.UnknownFramesFlood => stats.UnknownFramesFlood,
        Http2Violation.ClosedStreamFlood => stats.ClosedStreamFlood,
        Http2Violation.GoAwayFlood => stats.GoAwayFlood,
        Http2Violation.InitialWindowFlood => stats.InitialWindowFlood,
        Http2Violation.WindowDribbleFlood => stats.WindowDribbleFlood,
        Http2Violation.HeaderOverflowFlood => stats.HeaderOverflowFlood,
        Http2Violation.SlowReaderFlood => stats.SlowReaderFlood,
        Http2Violation.KeepAliveTimeout => stats.KeepAliveTimeout,
        _ => stats.StreamRefused,
    };

    private void Bring(Counter to, long now, ref long seen)
    {
        if (now == seen) return;
        shard.Add(to, now - seen);
        seen = now;
    }

    private struct Seen
    {
        public long ResetsReceived;
        public long ResetsSent;
        public long GoAwaysSent;
        public long MessagingErrors;
        public long HeaderOverflows;
        public long UnderscoreFieldsDropped;
        public long UnderscoreRequestsRejected;
        public long Trailers;
        public ViolationCounts Violations;
    }

    [System.Runtime.CompilerServices.InlineArray(21)]
    private struct ViolationCounts
    {
        private long _first;
    }
}
