using Lateen.Http;
using Proto = Envoy.Config.Core.V3;

namespace Lateen.Proxy.Configuration;

/// <summary>Compiles an <c>Http2ProtocolOptions</c>, of a connection manager or a cluster.</summary>
internal static class Http2OptionsCompiler
{
    private const uint MaxTable = 65_536;
    private const uint MaxSigned = int.MaxValue;
    private const uint MinWindow = 65_535;

    /// <param name="options">Null: the defaults.</param>
    /// <param name="defaults">Those of the side that asks.</param>
    /// <param name="bufferLimit">Octets that may wait on a connection: what its window is where the options give none. A window has 65,535 at least.</param>
    /// <param name="path">Where the options stand.</param>
    /// <param name="errors">Gets what is out of range.</param>
    public static Http2Options Compile(Proto.Http2ProtocolOptions? options, Http2Options defaults, uint? bufferLimit, FieldPath path, ConfigurationErrors errors)
    {
        if (bufferLimit is { } limit) defaults = defaults with { InitialConnectionWindow = (int)Math.Clamp(limit, MinWindow, (uint)defaults.InitialConnectionWindow) };
        if (options is null) return defaults;
        int Of(uint? value, int otherwise, string field, uint least, uint most)
        {
            if (value is null) return otherwise;
            if (value < least || value > most) errors.Add(path.Field(field), $"must be from {least} to {most}");
            return (int)Math.Clamp(value.Value, least, most);
        }

        return defaults with
        {
            HpackTableOctets = Of(options.HpackTableSize, defaults.HpackTableOctets, "hpack_table_size", 0, MaxTable),
            MaxConcurrentStreams = Of(options.MaxConcurrentStreams, defaults.MaxConcurrentStreams, "max_concurrent_streams", 1, MaxSigned),
            InitialStreamWindow = Of(options.InitialStreamWindowSize, defaults.InitialStreamWindow, "initial_stream_window_size", MinWindow, MaxSigned),
            InitialConnectionWindow =
                Of(options.InitialConnectionWindowSize, defaults.InitialConnectionWindow, "initial_connection_window_size", MinWindow, MaxSigned),
            AllowConnect = options.AllowConnect,
            MaxOutboundFrames = Of(options.MaxOutboundFrames, defaults.MaxOutboundFrames, "max_outbound_frames", 1, MaxSigned),
            MaxOutboundControlFrames = Of(options.MaxOutboundControlFrames, defaults.MaxOutboundControlFrames, "max_outbound_control_frames", 1, MaxSigned),
            MaxConsecutiveEmptyFrames = Of(
                options.MaxConsecutiveInboundFramesWithEmptyPayload, defaults.MaxConsecutiveEmptyFrames,
                "max_consecutive_inbound_frames_with_empty_payload", 0, MaxSigned),
            MaxPriorityFramesPerStream = Of(
                options.MaxInboundPriorityFramesPerStream, defaults.MaxPriorityFramesPerStream, "max_inbound_priority_frames_per_stream", 0, MaxSigned),
            MaxWindowUpdateFramesPerDataFrame = Of(
                options.MaxInboundWindowUpdateFramesPerDataFrameSent, defaults.MaxWindowUpdateFramesPerDataFrame,
                "max_inbound_window_update_frames_per_data_frame_sent", 1, MaxSigned),
            InvalidMessages = options.OverrideStreamErrorOnInvalidHttpMessage switch
            {
                true => Http2InvalidMessageAction.ResetStream,
                false => Http2InvalidMessageAction.CloseConnection,
                null => defaults.InvalidMessages,
            },
            KeepAlive = KeepAliveOf(options.ConnectionKeepalive, path.Field("connection_keepalive"), errors),
        };
    }

    private static Http2KeepAlive? KeepAliveOf(Proto.KeepaliveSettings? settings, FieldPath path, ConfigurationErrors errors)
    {
        if (settings is null) return null;
        if (settings.Timeout is null) errors.Add(path.Field("timeout"), "is required");
        var interval = ProtoValues.Timeout(settings.Interval, null, path.Field("interval"), errors);
        var timeout = ProtoValues.Positive(settings.Timeout, TimeSpan.FromSeconds(1), path.Field("timeout"), errors);
        var idle = ProtoValues.Timeout(settings.ConnectionIdleInterval, null, path.Field("connection_idle_interval"), errors);
        if (interval is null && idle is null) errors.Add(path, "needs an interval or a connection_idle_interval");
        return new Http2KeepAlive(Milliseconds(interval), Math.Max(1, Milliseconds(timeout)), Milliseconds(idle));
    }

    private static int Milliseconds(TimeSpan? time) => time is { } value ? (int)Math.Min(Math.Ceiling(value.TotalMilliseconds), int.MaxValue) : 0;
}
