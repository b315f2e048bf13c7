using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Lateen.Net;
using Lateen.Net.Tls;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters.Metadata;
using Lateen.Proxy.Tls;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Listeners;

/// <summary>
/// What an access log may ask about a connection that was not, or not only, HTTP: one passed on by a TCP proxy, or any connection of a
/// listener that keeps a log itself.
/// </summary>
/// <remarks>Owned by one reactor. Times are microseconds of the reactor's clock; -1: it never came to that.</remarks>
internal sealed class ConnectionRecord : IAccessLogRecord
{
    // Texts that have to be put together are valid until the next is asked for, which is all that a log line needs.
    [ThreadStatic]
    private static byte[]? _room;

    private readonly ListenerSnapshot _listener;
    private DownstreamPeer? _peer;

    public ConnectionRecord(ProxyWorker worker, TransportConnection connection, ListenerSnapshot listener)
    {
        _listener = listener;
        Id = worker.NextConnectionId();
        OpenedAt = worker.Reactor.NowMicroseconds;
        StartMicroseconds = worker.WallMicroseconds();
        Local = connection.LocalEndPoint;
        Remote = connection.RemoteEndPoint;
        DirectLocal = connection.DirectLocalEndPoint;
        DirectRemote = connection.DirectRemoteEndPoint;
    }

    public long Id { get; }

    /// <summary>When the connection was taken.</summary>
    public long OpenedAt { get; }

    /// <inheritdoc/>
    public long StartMicroseconds { get; }

    public EndPoint Local { get; private set; }

    public EndPoint Remote { get; private set; }

    public EndPoint DirectLocal { get; }

    public EndPoint DirectRemote { get; }

    public long EndedAt { get; set; } = -1;

    /// <inheritdoc/>
    public ResponseFlags Flags { get; set; }

    /// <summary>Null before one was chosen.</summary>
    public FilterChainSnapshot? FilterChain { get; set; }

    /// <summary>SNI; empty when there is none.</summary>
    public string ServerName { get; set; } = string.Empty;

    /// <summary>Why the connection ended early; empty when it did not.</summary>
    public string TerminationDetails { get; set; } = string.Empty;

    public long BytesReceived { get; set; }

    public long BytesSent { get; set; }

    public ClusterSnapshot? Cluster { get; set; }

    public EndpointSnapshot? Endpoint { get; set; }

    public EndPoint? UpstreamLocal { get; set; }

    public long UpstreamConnectionId { get; set; } = -1;

    /// <summary>Endpoints that were tried.</summary>
    public int Attempts { get; set; }

    public string UpstreamFailureReason { get; set; } = string.Empty;

    public long ConnectBeganAt { get; set; } = -1;

    public long ConnectedAt { get; set; } = -1;

    public long FirstFromUpstreamAt { get; set; } = -1;

    /// <summary>What the client's TLS handshake agreed on; null: there was none, or it failed.</summary>
    public TlsSession? Tls { get; private set; }

    /// <summary>Who the handshake proved the client to be. Asked for after the handshake, where there is one.</summary>
    public DownstreamPeer Peer => _peer ??= DownstreamPeer.Of(Tls, ServerName);

    /// <summary>What the endpoint's TLS handshake agreed on; null: there was none.</summary>
    public TlsSession? UpstreamTls { get; set; }

    /// <summary>Why the client's TLS handshake failed; empty when it did not.</summary>
    public string TransportFailureReason { get; private set; } = string.Empty;

    /// <summary>What network filters found out; null while none did.</summary>
    public DynamicMetadata? Metadata { get; set; }

    /// <summary>The client's TLS handshake is over.</summary>
    public void TakeTls(in TlsOutcome outcome)
    {
        Tls = outcome.Session;
        TransportFailureReason = outcome.Reason;
        if (outcome.Session?.ServerName is { } name) ServerName = name;
        if (outcome.Connection is null) Flags |= ResponseFlags.DownstreamProtocolError;
        if (outcome.IsTimeout) TerminationDetails = "transport socket timeout was reached";
    }

    /// <summary>A PROXY header told whose connection this is.</summary>
    public void TakeAddresses(TransportConnection connection)
    {
        Local = connection.LocalEndPoint;
        Remote = connection.RemoteEndPoint;
    }

    long IAccessLogRecord.Moment(AccessLogMoment moment) => moment switch
    {
        AccessLogMoment.DownstreamReceiveBegin => 0,
        AccessLogMoment.UpstreamConnectBegin => Since(ConnectBeganAt),
        AccessLogMoment.UpstreamConnectEnd or AccessLogMoment.UpstreamPoolReady or AccessLogMoment.UpstreamSendBegin => Since(ConnectedAt),
        AccessLogMoment.UpstreamReceiveBegin or AccessLogMoment.DownstreamSendBegin => Since(FirstFromUpstreamAt),
        AccessLogMoment.End or AccessLogMoment.DownstreamReceiveEnd or AccessLogMoment.DownstreamSendEnd => Since(EndedAt),
        _ => -1,
    };

    long IAccessLogRecord.Number(AccessLogNumber number) => number switch
    {
        AccessLogNumber.ResponseCode => 0,
        AccessLogNumber.BytesReceived or AccessLogNumber.DownstreamWireBytesReceived => BytesReceived,
        AccessLogNumber.BytesSent or AccessLogNumber.DownstreamWireBytesSent => BytesSent,
        AccessLogNumber.UpstreamWireBytesSent => UpstreamConnectionId >= 0 ? BytesReceived : 0,
        AccessLogNumber.UpstreamWireBytesReceived => UpstreamConnectionId >= 0 ? BytesSent : 0,
        AccessLogNumber.UpstreamAttemptCount => Attempts,
        AccessLogNumber.ConnectionId => Id,
        AccessLogNumber.UpstreamConnectionId => UpstreamConnectionId,
        _ => -1,
    };

    ReadOnlySpan<byte> IAccessLogRecord.Text(AccessLogText text) => text switch
    {
        AccessLogText.ConnectionTerminationDetails => Utf8(TerminationDetails),
        AccessLogText.DownstreamTransportFailureReason => Utf8(TransportFailureReason),
        AccessLogText.UpstreamTransportFailureReason => Utf8(UpstreamFailureReason),
        AccessLogText.UpstreamHostName when Endpoint is { } endpoint => Utf8(endpoint.Hostname.Length > 0 ? endpoint.Hostname : endpoint.State.AddressText),
        AccessLogText.UpstreamCluster when Cluster is { } cluster => Utf8(cluster.StatName),
        AccessLogText.UpstreamClusterRaw when Cluster is { } cluster => Utf8(cluster.Name),
        AccessLogText.RequestedServerName => Utf8(ServerName),
        AccessLogText.FilterChainName => Utf8(FilterChain?.Name ?? string.Empty),
        AccessLogText.StreamId => Number(Id),
        _ => default,
    };

    ReadOnlySpan<byte> IAccessLogRecord.Address(AccessLogAddress address) => address switch
    {
        AccessLogAddress.DownstreamRemote => Text(Remote),
        AccessLogAddress.DownstreamDirectRemote => Text(DirectRemote),
        AccessLogAddress.DownstreamLocal => Text(Local),
        AccessLogAddress.DownstreamDirectLocal => Text(DirectLocal),
        AccessLogAddress.UpstreamLocal => Text(UpstreamLocal),
        AccessLogAddress.UpstreamHost or AccessLogAddress.UpstreamRemote when Endpoint is { } endpoint => Utf8(endpoint.State.AddressText),
        _ => default,
    };

    ReadOnlySpan<byte> IAccessLogRecord.Tls(AccessLogTlsSide side, AccessLogTlsText text)
    {
        byte[] room = Room(256);
        ReadOnlySpan<byte> found = TlsLogTexts.Text(side == AccessLogTlsSide.Downstream ? Tls : UpstreamTls, text, ref room);
        _room = room;
        return found;
    }

    long IAccessLogRecord.TlsMicroseconds(AccessLogTlsSide side, AccessLogTlsMoment moment) =>
        TlsLogTexts.Microseconds(side == AccessLogTlsSide.Downstream ? Tls : UpstreamTls, moment);

    bool IAccessLogRecord.TryGetMetadata(AccessLogMetadata path, out ReadOnlySpan<byte> value, out bool isJson)
    {
        value = default;
        isJson = false;
        if (Metadata is not { } metadata || MetadataText.Find(metadata, path) is not { IsMissing: false } found) return false;
        byte[] room = Room(256);
        value = MetadataText.Print(found, ref room, out isJson);
        _room = room;
        return true;
    }

    bool IAccessLogRecord.TryGetRequestHeader(AccessLogHeader header, out ReadOnlySpan<byte> value)
    {
        value = default;
        return false;
    }

    bool IAccessLogRecord.TryGetResponseHeader(AccessLogHeader header, out ReadOnlySpan<byte> value)
    {
        value = default;
        return false;
    }

    public override string ToString() => $"connection {Id} of listener {_listener.Name}";

    private static byte[] Room(int octets)
    {
        if (_room is null || _room.Length < octets) _room = new byte[Math.Max(octets, 256)];
        return _room;
    }

    private static ReadOnlySpan<byte> Utf8(string text)
    {
        if (text.Length == 0) return default;
        byte[] room = Room(Encoding.UTF8.GetMaxByteCount(text.Length));
        return room.AsSpan(0, Encoding.UTF8.GetBytes(text, room));
    }

    private static ReadOnlySpan<byte> Number(long value)
    {
        byte[] room = Room(24);
        Utf8Formatter.TryFormat(value, room, out int written);
        return room.AsSpan(0, written);
    }

    private static ReadOnlySpan<byte> Text(EndPoint? end)
    {
        if (end is not IPEndPoint ip) return Utf8(end?.ToString() ?? string.Empty);
        byte[] room = Room(64);
        bool isV6 = ip.AddressFamily == AddressFamily.InterNetworkV6;
        int length = 0;
        if (isV6) room[length++] = (byte)'[';
        ip.Address.TryFormat(room.AsSpan(length), out int written);
        length += written;
        if (isV6) room[length++] = (byte)']';
        room[length++] = (byte)':';
        ip.Port.TryFormat(room.AsSpan(length), out written);
        return room.AsSpan(0, length + written);
    }

    private long Since(long moment) => moment < 0 ? -1 : moment - OpenedAt;
}
