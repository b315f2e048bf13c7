using System.Globalization;
using System.Net;
using System.Text;
using Lateen.Http;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Admin;

/// <summary>One request to the admin pages and its response, for access logs.</summary>
internal sealed class AdminExchange(HttpRequestHead request, AdminResponse response, EndPoint? client, EndPoint? server, TimeProvider time, DateTimeOffset begin, long started)
    : IAccessLogRecord
{
    private readonly long _length = (long)time.GetElapsedTime(started).TotalMicroseconds;
    private readonly byte[] _client = TextOf(client);
    private readonly byte[] _server = TextOf(server);

    public long StartMicroseconds { get; } = (begin.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerMicrosecond;

    public ResponseFlags Flags => ResponseFlags.None;

    public long Moment(AccessLogMoment moment) => moment switch
    {
        AccessLogMoment.DownstreamReceiveBegin or AccessLogMoment.DownstreamReceiveEnd => 0,
        AccessLogMoment.DownstreamSendEnd or AccessLogMoment.End => _length,
        _ => -1,
    };

    public long Number(AccessLogNumber number) => number switch
    {
        AccessLogNumber.ResponseCode => response.Status,
        AccessLogNumber.BytesReceived => 0,
        AccessLogNumber.BytesSent => response.IsHead ? 0 : response.BodyOctets,
        _ => -1,
    };

    public ReadOnlySpan<byte> Text(AccessLogText text) => text switch
    {
        AccessLogText.Protocol => request.Protocol == HttpProtocol.Http10 ? "HTTP/1.0"u8 : "HTTP/1.1"u8,
        AccessLogText.Method => request.MethodText,
        AccessLogText.Path => request.PathAndQuery,
        AccessLogText.Authority => request.Authority,
        AccessLogText.Scheme => "http"u8,
        AccessLogText.ResponseCodeDetails => "admin_filter_response"u8,
        _ => default,
    };

    public ReadOnlySpan<byte> Address(AccessLogAddress address) => address switch
    {
        AccessLogAddress.DownstreamRemote or AccessLogAddress.DownstreamDirectRemote => _client,
        AccessLogAddress.DownstreamLocal or AccessLogAddress.DownstreamDirectLocal => _server,
        _ => default,
    };

    public bool TryGetRequestHeader(AccessLogHeader header, out ReadOnlySpan<byte> value) =>
        header.KnownId > 0 ? request.Headers.TryGet((KnownHeader)header.KnownId, out value) : request.Headers.TryGet(header.Name, out value);

    public bool TryGetResponseHeader(AccessLogHeader header, out ReadOnlySpan<byte> value)
    {
        value = default;
        return false;
    }

    private static byte[] TextOf(EndPoint? address) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{address}"));
}
