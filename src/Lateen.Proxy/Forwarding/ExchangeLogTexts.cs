using System.Net;
using System.Text;
using Lateen.Http;
using Lateen.Net.Tls;
using Lateen.Proxy.Filters.Metadata;
using Lateen.Proxy.Tls;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Forwarding;

/// <summary>The texts that an access log may ask of an exchange. One per exchange: it keeps room for those that have to be put together.</summary>
internal sealed class ExchangeLogTexts
{
    private const int InitialBytes = 256;

    private byte[] _room = new byte[InitialBytes];

    public ReadOnlySpan<byte> Text(HttpExchange exchange, AccessLogText text)
    {
        ExchangeRecord record = exchange.Record;
        HttpRequestHead request = exchange.Request;
        switch (text)
        {
            case AccessLogText.Protocol: return TextOf(request.Protocol);
            case AccessLogText.UpstreamProtocol: return record.UpstreamConnectionId > 0 && record.UpstreamProtocol is { } upstream ? TextOf(upstream) : default;
            case AccessLogText.Method: return request.MethodText;
            case AccessLogText.Path: return request.PathAndQuery;
            case AccessLogText.Authority: return request.Authority;
            case AccessLogText.Scheme: return request.Scheme == RequestScheme.Https ? "https"u8 : "http"u8;
            case AccessLogText.ResponseCodeDetails: return Utf8(record.ResponseDetails);
            case AccessLogText.ConnectionTerminationDetails: return Utf8(record.ConnectionTerminationDetails);
            case AccessLogText.UpstreamTransportFailureReason: return Utf8(record.UpstreamTransportFailureReason);
            case AccessLogText.UpstreamHostName: return record.Endpoint is { } endpoint ? Utf8(endpoint.Hostname.Length > 0 ? endpoint.Hostname : endpoint.State.AddressText) : default;
            case AccessLogText.UpstreamCluster: return record.Cluster is { } cluster ? Utf8(cluster.StatName) : default;
            case AccessLogText.UpstreamClusterRaw: return record.Cluster is { } raw ? Utf8(raw.Name) : default;
            case AccessLogText.RequestedServerName: return record.DownstreamTls?.ServerName is { } server ? Utf8(server) : default;
            case AccessLogText.RouteName: return Utf8(record.RouteName);
            case AccessLogText.FilterChainName: return Utf8(record.FilterChainName);
            case AccessLogText.StreamId: return Number(record.ExchangeId);
            default: return default;
        }
    }

    public ReadOnlySpan<byte> Address(HttpExchange exchange, AccessLogAddress address)
    {
        ExchangeRecord record = exchange.Record;
        switch (address)
        {
            case AccessLogAddress.DownstreamRemote:
                // An address that only a header told has no port; Envoy prints 0.
                return record.DownstreamRemoteAddress is { } told ? Format(told, 0) : Format(record.DownstreamConnectionAddress);
            case AccessLogAddress.DownstreamDirectRemote: return Format(record.DownstreamDirectRemoteAddress);
            case AccessLogAddress.DownstreamLocal or AccessLogAddress.DownstreamDirectLocal: return Format(record.DownstreamLocalAddress);
            case AccessLogAddress.UpstreamLocal: return Format(record.UpstreamLocalAddress);
            case AccessLogAddress.UpstreamRemote or AccessLogAddress.UpstreamHost:
                return record.Endpoint is { } endpoint ? Utf8(endpoint.State.AddressText) : default;
            default: return default;
        }
    }

    private static ReadOnlySpan<byte> TextOf(HttpProtocol protocol) => protocol switch
    {
        HttpProtocol.Http2 => "HTTP/2"u8,
        HttpProtocol.Http10 => "HTTP/1.0"u8,
        _ => "HTTP/1.1"u8,
    };

    public ReadOnlySpan<byte> Tls(ExchangeRecord record, AccessLogTlsSide side, AccessLogTlsText text) => TlsLogTexts.Text(SessionOf(record, side), text, ref _room);

    public static long TlsMicroseconds(ExchangeRecord record, AccessLogTlsSide side, AccessLogTlsMoment moment) =>
        TlsLogTexts.Microseconds(SessionOf(record, side), moment);

    public bool TryGetMetadata(DynamicMetadata metadata, AccessLogMetadata place, out ReadOnlySpan<byte> value, out bool isJson)
    {
        value = default;
        isJson = false;
        MetadataValue found = MetadataText.Find(metadata, place);
        if (found.IsMissing) return false;
        value = MetadataText.Print(found, ref _room, out isJson);
        return true;
    }

    private static TlsSession? SessionOf(ExchangeRecord record, AccessLogTlsSide side) =>
        side == AccessLogTlsSide.Downstream ? record.DownstreamTls : record.UpstreamTls;

    private ReadOnlySpan<byte> Utf8(string text)
    {
        int bytes = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (bytes > _room.Length) _room = new byte[bytes];
        return _room.AsSpan(0, Encoding.UTF8.GetBytes(text, _room));
    }

    private ReadOnlySpan<byte> Number(long value)
    {
        value.TryFormat(_room, out int written);
        return _room.AsSpan(0, written);
    }

    private ReadOnlySpan<byte> Format(EndPoint? address) => address switch
    {
        null => default,
        IPEndPoint ip => Format(ip.Address, ip.Port),
        _ => Utf8(address.ToString() ?? string.Empty),
    };

    private ReadOnlySpan<byte> Format(IPAddress address, int port)
    {
        bool isV6 = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        int length = 0;
        if (isV6) _room[length++] = (byte)'[';
        address.TryFormat(_room.AsSpan(length), out int written);
        length += written;
        if (isV6) _room[length++] = (byte)']';
        _room[length++] = (byte)':';
        port.TryFormat(_room.AsSpan(length), out written);
        return _room.AsSpan(0, length + written);
    }
}
