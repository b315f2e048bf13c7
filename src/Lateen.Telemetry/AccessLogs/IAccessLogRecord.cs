namespace Lateen.Telemetry.AccessLogs;

/// <summary>What the log may ask about one finished exchange. The engine implements it on its exchange, so that writing a line copies
/// and allocates nothing; everything that a proxy may not know has a default that reads as missing (<c>-</c> in text, null in JSON).
/// </summary>
/// <remarks>Called on the thread that owns the exchange, while the exchange and its buffers are still valid; spans are not kept.
/// </remarks>
public interface IAccessLogRecord
{
    /// <summary>When the first octet of the request came, microseconds since 1970, UTC.</summary>
    long StartMicroseconds { get; }

    /// <summary>Why the response is what it is.</summary>
    ResponseFlags Flags { get; }

    /// <summary>When something happened, in microseconds after the start of the request; -1 when it did not.</summary>
    long Moment(AccessLogMoment moment);

    /// <summary>A number; -1 when it is not known.</summary>
    long Number(AccessLogNumber number);

    /// <summary>A text; empty when it is not known.</summary>
    ReadOnlySpan<byte> Text(AccessLogText text);

    /// <summary>An address as <c>1.2.3.4:80</c>, <c>[::1]:80</c> or a path; empty when it is not known.</summary>
    ReadOnlySpan<byte> Address(AccessLogAddress address);

    /// <summary>Something about a TLS connection; empty when it is not known.</summary>
    ReadOnlySpan<byte> Tls(AccessLogTlsSide side, AccessLogTlsText text) => default;

    /// <summary>When a certificate begins or ends to be valid, microseconds since 1970, UTC; <see cref="long.MinValue"/> when it is not known.
    /// </summary>
    long TlsMicroseconds(AccessLogTlsSide side, AccessLogTlsMoment moment) => long.MinValue;

    /// <summary>The first value of a request header, as it was received or as filters left it; pseudo-headers are asked as
    /// <see cref="AccessLogText"/>.</summary>
    bool TryGetRequestHeader(AccessLogHeader header, out ReadOnlySpan<byte> value);

    /// <summary>The first value of a response header, as sent downstream.</summary>
    bool TryGetResponseHeader(AccessLogHeader header, out ReadOnlySpan<byte> value);

    /// <summary>The first value of a response trailer.</summary>
    bool TryGetResponseTrailer(AccessLogHeader header, out ReadOnlySpan<byte> value)
    {
        value = default;
        return false;
    }

    /// <summary>A value of metadata or filter state, as text; <paramref name="isJson"/> when it is a JSON document (a struct, a list, a
    /// number) rather than plain text.</summary>
    bool TryGetMetadata(AccessLogMetadata path, out ReadOnlySpan<byte> value, out bool isJson)
    {
        value = default;
        isJson = false;
        return false;
    }
}

/// <summary>The moments of an exchange; Envoy's time points (<c>DS_RX_END</c>) in words.</summary>
public enum AccessLogMoment
{
    /// <summary>First octet of the request: 0 by definition.</summary>
    DownstreamReceiveBegin,

    /// <summary>Last octet of the request received.</summary>
    DownstreamReceiveEnd,

    /// <summary>First octet of the request sent upstream (last attempt).</summary>
    UpstreamSendBegin,

    /// <summary>Last octet of the request sent upstream.</summary>
    UpstreamSendEnd,

    /// <summary>First octet of the response received from upstream.</summary>
    UpstreamReceiveBegin,

    /// <summary>Last octet of the response received from upstream.</summary>
    UpstreamReceiveEnd,

    /// <summary>First octet of the response sent downstream.</summary>
    DownstreamSendBegin,

    /// <summary>Last octet of the response sent downstream.</summary>
    DownstreamSendEnd,

    /// <summary>Connecting upstream began; missing when a pooled connection was used.</summary>
    UpstreamConnectBegin,

    /// <summary>Connecting upstream was done.</summary>
    UpstreamConnectEnd,

    /// <summary>The TLS handshake upstream was done.</summary>
    UpstreamHandshakeEnd,

    /// <summary>The pool had a connection for the request.</summary>
    UpstreamPoolReady,

    /// <summary>The TLS handshake downstream took this long; it lies before the request, so it is a length and not a moment.</summary>
    DownstreamHandshakeLength,

    /// <summary>The exchange was over; what <c>DURATION</c> prints.</summary>
    End,
}

/// <summary>The numbers of an exchange. Octets where the name says so.</summary>
public enum AccessLogNumber
{
    /// <summary>Status sent downstream; 0 when the client left before there was one.</summary>
    ResponseCode,
    /// <summary>Body octets received from downstream.</summary>
    BytesReceived,
    /// <summary>Body octets sent downstream.</summary>
    BytesSent,
    RequestHeadersBytes,
    ResponseHeadersBytes,
    ResponseTrailersBytes,
    UpstreamWireBytesSent,
    UpstreamWireBytesReceived,
    UpstreamHeaderBytesSent,
    UpstreamHeaderBytesReceived,
    DownstreamWireBytesSent,
    DownstreamWireBytesReceived,
    DownstreamHeaderBytesSent,
    DownstreamHeaderBytesReceived,
    /// <summary>Attempts made upstream; 0 when none was.</summary>
    UpstreamAttemptCount,
    ConnectionId,
    UpstreamConnectionId,
}

/// <summary>The texts of an exchange.</summary>
public enum AccessLogText
{
    /// <summary><c>HTTP/1.1</c></summary>
    Protocol,
    UpstreamProtocol,
    Method,
    /// <summary>Path with query, as forwarded.</summary>
    Path,
    Authority,
    Scheme,
    /// <summary>Where in the proxy the status came from: <c>via_upstream</c>, <c>route_not_found</c>.</summary>
    ResponseCodeDetails,
    ConnectionTerminationDetails,
    UpstreamTransportFailureReason,
    /// <summary>Why the TLS handshake with the client failed.</summary>
    DownstreamTransportFailureReason,
    /// <summary>The host name of the endpoint, else its address.</summary>
    UpstreamHostName,
    /// <summary>The name that the cluster has for observers (<c>alt_stat_name</c>).</summary>
    UpstreamCluster,
    /// <summary>The name that the cluster has in the configuration.</summary>
    UpstreamClusterRaw,
    /// <summary>SNI.</summary>
    RequestedServerName,
    RouteName,
    VirtualClusterName,
    FilterChainName,
    TraceId,
    SpanId,
    /// <summary>An id of the exchange, unique in the process.</summary>
    StreamId,
    LocalReplyBody,
}

/// <summary>The addresses of an exchange.</summary>
public enum AccessLogAddress
{
    /// <summary>Who the client is, forwarding headers considered.</summary>
    DownstreamRemote,
    /// <summary>Who connected to us.</summary>
    DownstreamDirectRemote,
    /// <summary>Where it connected to, after restoration of the original destination.</summary>
    DownstreamLocal,
    /// <summary>Where it connected to, physically.</summary>
    DownstreamDirectLocal,
    /// <summary>The endpoint that served the request; missing when no connection to it was made.</summary>
    UpstreamRemote,
    /// <summary>Our side of that connection.</summary>
    UpstreamLocal,
    /// <summary>The endpoint that was chosen.</summary>
    UpstreamHost,
}
