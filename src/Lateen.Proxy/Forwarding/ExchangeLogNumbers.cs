using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Forwarding;

/// <summary>The numbers that an access log may ask of an exchange, from its record.</summary>
internal static class ExchangeLogNumbers
{
    private const long Unknown = -1;

    /// <summary>Microseconds after the start; -1 when it did not happen.</summary>
    public static long Moment(ExchangeRecord record, AccessLogMoment moment)
    {
        long at = moment switch
        {
            AccessLogMoment.DownstreamReceiveBegin => record.StartedAt,
            AccessLogMoment.DownstreamReceiveEnd => record.RequestEndedAt,
            AccessLogMoment.UpstreamSendBegin => record.UpstreamStartedAt,
            AccessLogMoment.UpstreamPoolReady => record.UpstreamStartedAt,
            AccessLogMoment.UpstreamSendEnd => record.UpstreamRequestEndedAt,
            AccessLogMoment.UpstreamReceiveBegin => record.ResponseStartedAt,
            AccessLogMoment.UpstreamReceiveEnd => record.ResponseEndedAt,
            AccessLogMoment.DownstreamSendBegin => record.ResponseStatus > 0 ? Math.Max(record.ResponseStartedAt, record.StartedAt) : Unknown,
            AccessLogMoment.DownstreamSendEnd or AccessLogMoment.End => record.EndedAt,
            _ => Unknown,
        };
        return at < 0 ? Unknown : at - record.StartedAt;
    }

    public static long Number(ExchangeRecord record, AccessLogNumber number) => number switch
    {
        AccessLogNumber.ResponseCode => record.ResponseStatus,
        AccessLogNumber.BytesReceived => record.BytesReceived,
        AccessLogNumber.BytesSent => record.BytesSent,
        AccessLogNumber.RequestHeadersBytes or AccessLogNumber.DownstreamHeaderBytesReceived => record.RequestHeadBytes,
        AccessLogNumber.ResponseHeadersBytes or AccessLogNumber.DownstreamHeaderBytesSent => record.ResponseHeadBytes,
        AccessLogNumber.DownstreamWireBytesReceived => record.RequestHeadBytes + record.BytesReceived,
        AccessLogNumber.DownstreamWireBytesSent => record.ResponseHeadBytes + record.BytesSent,
        AccessLogNumber.UpstreamAttemptCount => record.Attempts.Length,
        AccessLogNumber.ConnectionId => record.ConnectionId,
        AccessLogNumber.UpstreamConnectionId => record.UpstreamConnectionId > 0 ? record.UpstreamConnectionId : Unknown,
        _ => Unknown,
    };
}
