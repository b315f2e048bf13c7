using System.Net;
using Lateen.Http;
using Lateen.Net.Tls;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Tls;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Forwarding;

/// <summary>
/// What was decided for one exchange and what became of it: who came, which route, which endpoints were tried and how each attempt ended.
/// Access logs, response flags and statistics are made of it, and of nothing else.
/// </summary>
/// <remarks>
/// One owner, the exchange's reactor; reused for the next exchange, so whoever wants to keep something copies it. Times are monotonic
/// microseconds of the reactor's clock; -1 means that it never came to that.
/// </remarks>
public sealed class ExchangeRecord
{
    private AttemptRecord[] _attempts = new AttemptRecord[2];
    private int _attemptCount;
    private DownstreamConnection? _connection;

    internal ExchangeRecord() => Reset();

    /// <summary>The listener that took the connection.</summary>
    public string ListenerName { get; internal set; } = string.Empty;

    /// <summary>Name of the filter chain; may be empty.</summary>
    public string FilterChainName { get; internal set; } = string.Empty;

    /// <summary>Numbers the downstream connection in this process.</summary>
    public long ConnectionId { get; internal set; }

    /// <summary>Numbers the exchange in this process.</summary>
    public long ExchangeId { get; internal set; }

    /// <summary>Where the client connected to.</summary>
    public EndPoint? DownstreamLocalAddress { get; internal set; }

    /// <summary>The other end of the connection.</summary>
    public EndPoint? DownstreamDirectRemoteAddress { get; internal set; }

    /// <summary>Whose connection it is: as <see cref="DownstreamDirectRemoteAddress"/>, unless a PROXY header told of another.</summary>
    public EndPoint? DownstreamConnectionAddress { get; internal set; }

    /// <summary>The client as far as trusted proxies tell (x-forwarded-for); null: as <see cref="DownstreamConnectionAddress"/>.</summary>
    public IPAddress? DownstreamRemoteAddress { get; internal set; }

    /// <summary>When the first byte of the request came, as wall time.</summary>
    public DateTimeOffset StartTime => DateTimeOffset.UnixEpoch.AddTicks(StartUnixMicroseconds * TimeSpan.TicksPerMicrosecond);

    /// <summary>As <see cref="StartTime"/>, in microseconds since 1970.</summary>
    public long StartUnixMicroseconds { get; private set; }

    /// <summary>When the first byte of the request came.</summary>
    public long StartedAt { get; internal set; }

    /// <summary>When the request's last byte had come.</summary>
    public long RequestEndedAt { get; internal set; }

    /// <summary>When the request's first byte was sent upstream, in the last attempt.</summary>
    public long UpstreamStartedAt { get; internal set; }

    /// <summary>When the request's last byte was sent upstream, in the last attempt.</summary>
    public long UpstreamRequestEndedAt { get; internal set; }

    /// <summary>When the response's head was complete.</summary>
    public long ResponseStartedAt { get; internal set; }

    /// <summary>When the last byte of the response had come from upstream.</summary>
    public long ResponseEndedAt { get; internal set; }

    /// <summary>When the exchange ended.</summary>
    public long EndedAt { get; internal set; }

    /// <summary>Octets of the request's body, without framing.</summary>
    public long BytesReceived { get; internal set; }

    /// <summary>Octets of the response's body, without framing.</summary>
    public long BytesSent { get; internal set; }

    /// <summary>Octets of the request's head as it came.</summary>
    public long RequestHeadBytes { get; internal set; }

    /// <summary>Octets of the response's head as it was sent.</summary>
    public long ResponseHeadBytes { get; internal set; }

    /// <summary>The status that the client was sent; 0 when it was sent none.</summary>
    public int ResponseStatus { get; internal set; }

    /// <summary><c>grpc-status</c> of a gRPC response, from trailers or head; -1: none.</summary>
    public int GrpcStatus { get; internal set; }

    /// <summary>gRPC messages of the request, where a filter counts them.</summary>
    public long RequestMessages { get; internal set; }

    /// <summary>gRPC messages of the response, where a filter counts them.</summary>
    public long ResponseMessages { get; internal set; }

    public ResponseFlags Flags { get; set; }

    /// <summary>Envoy's <c>%RESPONSE_CODE_DETAILS%</c>, such as <c>via_upstream</c> or <c>route_not_found</c>; empty while unknown.</summary>
    public string ResponseDetails { get; set; } = string.Empty;

    /// <summary>Why the downstream connection was ended early; empty when it was not.</summary>
    public string ConnectionTerminationDetails { get; internal set; } = string.Empty;

    /// <summary>What the transport said of the failed upstream connection; empty when nothing failed.</summary>
    public string UpstreamTransportFailureReason { get; internal set; } = string.Empty;

    /// <summary>The failure that ended the exchange; null when a server or a route answered.</summary>
    public Failure? Failure { get; internal set; }

    /// <summary>Name of the route; may be empty.</summary>
    public string RouteName { get; internal set; } = string.Empty;

    /// <summary>The cluster that the route led to; null when it led to none.</summary>
    public ClusterSnapshot? Cluster { get; internal set; }

    /// <summary>What was drawn among weighted clusters; null when there was no draw.</summary>
    public WeightedClusterEntry? WeightedCluster { get; internal set; }

    /// <summary>The endpoint of the last attempt; null when none was chosen.</summary>
    public EndpointSnapshot? Endpoint { get; internal set; }

    /// <summary>This side of the last attempt's connection.</summary>
    public EndPoint? UpstreamLocalAddress { get; internal set; }

    /// <summary>What the client's TLS handshake agreed on; null on a plain connection.</summary>
    public TlsSession? DownstreamTls { get; private set; }

    /// <summary>Who the handshake proved the client to be; the same object for all exchanges of a connection.</summary>
    public DownstreamPeer DownstreamPeer => _connection?.Peer ?? DownstreamPeer.Plain;

    /// <summary>What the handshake of the last attempt's connection agreed on; null on a plain one, and when there was none.</summary>
    public TlsSession? UpstreamTls { get; internal set; }

    /// <summary>Numbers the last attempt's connection in this process; 0: none.</summary>
    public long UpstreamConnectionId { get; internal set; }

    /// <summary>What the last attempt's connection speaks, of meaning when there was one; null: no HTTP, a tunnel ends at the server's port.</summary>
    public HttpProtocol? UpstreamProtocol { get; internal set; }

    /// <summary>Every attempt in order, the last one last.</summary>
    public ReadOnlySpan<AttemptRecord> Attempts => _attempts.AsSpan(0, _attemptCount);

    /// <summary>Whole milliseconds from the first byte of the request to the end of the exchange.</summary>
    public long DurationMilliseconds => EndedAt < 0 ? 0 : (EndedAt - StartedAt) / 1000;

    internal ref AttemptRecord AddAttempt(EndpointState? endpoint)
    {
        if (_attemptCount == _attempts.Length) Array.Resize(ref _attempts, _attempts.Length * 2);
        ref AttemptRecord attempt = ref _attempts[_attemptCount++];
        attempt = new AttemptRecord { Endpoint = endpoint };
        return ref attempt;
    }

    internal ref AttemptRecord LastAttempt => ref _attempts[_attemptCount - 1];

    internal void Begin(DownstreamConnection connection, HttpConnectionProfile profile, long exchangeId, long startedAt, long startUnixMicroseconds)
    {
        ListenerName = profile.Listener.Name;
        FilterChainName = profile.FilterChain.Name;
        ConnectionId = connection.Id;
        DownstreamTls = connection.Tls;
        _connection = connection;
        ExchangeId = exchangeId;
        DownstreamLocalAddress = connection.Transport.LocalEndPoint;
        DownstreamDirectRemoteAddress = connection.Transport.DirectRemoteEndPoint;
        DownstreamConnectionAddress = connection.Transport.RemoteEndPoint;
        StartedAt = startedAt;
        StartUnixMicroseconds = startUnixMicroseconds;
        RequestHeadBytes = 0;
    }

    internal void Reset()
    {
        _attempts.AsSpan(0, _attemptCount).Clear();
        _attemptCount = 0;
        ListenerName = FilterChainName = ResponseDetails = ConnectionTerminationDetails = UpstreamTransportFailureReason = string.Empty;
        RouteName = string.Empty;
        DownstreamLocalAddress = DownstreamDirectRemoteAddress = DownstreamConnectionAddress = UpstreamLocalAddress = null;
        DownstreamRemoteAddress = null;
        DownstreamTls = UpstreamTls = null;
        _connection = null;
        RequestEndedAt = UpstreamStartedAt = UpstreamRequestEndedAt = ResponseStartedAt = ResponseEndedAt = EndedAt = -1;
        RequestMessages = ResponseMessages = 0;
        BytesReceived = BytesSent = RequestHeadBytes = ResponseHeadBytes = 0;
        ResponseStatus = 0;
        GrpcStatus = -1;
        Flags = ResponseFlags.None;
        Failure = null;
        Cluster = null;
        WeightedCluster = null;
        Endpoint = null;
        UpstreamConnectionId = 0;
    }
}

/// <summary>One attempt to get a response from an endpoint.</summary>
public struct AttemptRecord
{
    /// <summary>Null: no endpoint could be chosen.</summary>
    public EndpointState? Endpoint { get; internal set; }

    /// <summary>How it failed; null when a response came.</summary>
    public Failure? Failure { get; internal set; }

    /// <summary>The response's status; 0 when none came.</summary>
    public int Status { get; internal set; }

    /// <summary>A connection from the pool was used, not a new one.</summary>
    public bool IsConnectionReused { get; internal set; }
}
