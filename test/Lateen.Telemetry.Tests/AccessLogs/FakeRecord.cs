using System.Text;
using System.Text.Json;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Telemetry.Tests.AccessLogs;

/// <summary>An exchange with everything known: a GET that a pooled connection served, unless a test says otherwise.</summary>
internal sealed class FakeRecord : IAccessLogRecord
{
    private readonly Dictionary<AccessLogText, byte[]> _texts = new()
    {
        [AccessLogText.Protocol] = "HTTP/1.1"u8.ToArray(),
        [AccessLogText.UpstreamProtocol] = "HTTP/1.1"u8.ToArray(),
        [AccessLogText.Method] = "GET"u8.ToArray(),
        [AccessLogText.Path] = "/reviews/7?user=jason&empty="u8.ToArray(),
        [AccessLogText.Authority] = "reviews:9080"u8.ToArray(),
        [AccessLogText.Scheme] = "http"u8.ToArray(),
        [AccessLogText.ResponseCodeDetails] = "via_upstream"u8.ToArray(),
        [AccessLogText.UpstreamCluster] = "outbound|9080||reviews.shop"u8.ToArray(),
        [AccessLogText.UpstreamClusterRaw] = "outbound|9080||reviews.shop"u8.ToArray(),
        [AccessLogText.RouteName] = "default"u8.ToArray(),
    };

    public Dictionary<string, string> RequestHeaders { get; } = new()
    {
        ["user-agent"] = "curl/8.0",
        ["x-request-id"] = "0123-4567",
        ["x-forwarded-for"] = "10.0.0.9",
    };

    public Dictionary<string, string> ResponseHeaders { get; } = new() { ["x-envoy-upstream-service-time"] = "12" };

    public Dictionary<string, string> ResponseTrailers { get; } = [];

    public Dictionary<AccessLogAddress, string> Addresses { get; } = new()
    {
        [AccessLogAddress.DownstreamRemote] = "10.0.0.9:50000",
        [AccessLogAddress.DownstreamDirectRemote] = "127.0.0.1:50001",
        [AccessLogAddress.DownstreamLocal] = "[::1]:15001",
        [AccessLogAddress.DownstreamDirectLocal] = "/run/mesh:1.sock",
        [AccessLogAddress.UpstreamHost] = "127.0.0.1:9081",
        [AccessLogAddress.UpstreamRemote] = "127.0.0.1:9081",
        [AccessLogAddress.UpstreamLocal] = "127.0.0.1:40000",
    };

    public Dictionary<AccessLogMoment, long> Moments { get; } = new()
    {
        [AccessLogMoment.DownstreamReceiveBegin] = 0,
        [AccessLogMoment.DownstreamReceiveEnd] = 1_000,
        [AccessLogMoment.UpstreamSendBegin] = 1_500,
        [AccessLogMoment.UpstreamSendEnd] = 2_000,
        [AccessLogMoment.UpstreamReceiveBegin] = 14_000,
        [AccessLogMoment.UpstreamReceiveEnd] = 15_000,
        [AccessLogMoment.DownstreamSendBegin] = 14_100,
        [AccessLogMoment.DownstreamSendEnd] = 15_400,
        [AccessLogMoment.End] = 15_900,
    };

    public Dictionary<AccessLogNumber, long> Numbers { get; } = new()
    {
        [AccessLogNumber.ResponseCode] = 200,
        [AccessLogNumber.BytesReceived] = 0,
        [AccessLogNumber.BytesSent] = 358,
        [AccessLogNumber.UpstreamAttemptCount] = 1,
        [AccessLogNumber.ConnectionId] = 77,
    };

    public (AccessLogMetadata Path, string Value, bool IsJson)? Metadata { get; set; }

    // 2026-01-02T03:04:05.678901Z, a Friday.
    public long StartMicroseconds { get; set; } = 1_767_323_045_678_901;

    public ResponseFlags Flags { get; set; }

    public FakeRecord With(AccessLogText text, string value)
    {
        _texts[text] = Encoding.Latin1.GetBytes(value);
        return this;
    }

    public long Moment(AccessLogMoment moment)
    {
        return Moments.GetValueOrDefault(moment, -1);
    }

    public long Number(AccessLogNumber number)
    {
        return Numbers.GetValueOrDefault(number, -1);
    }

    public ReadOnlySpan<byte> Text(AccessLogText text)
    {
        return _texts.GetValueOrDefault(text);
    }

    public ReadOnlySpan<byte> Address(AccessLogAddress address)
    {
        return Addresses.TryGetValue(address, out var text) ? Cached(text) : default;
    }

    public bool TryGetRequestHeader(AccessLogHeader header, out ReadOnlySpan<byte> value)
    {
        return TryGet(RequestHeaders, header, out value);
    }

    public bool TryGetResponseHeader(AccessLogHeader header, out ReadOnlySpan<byte> value)
    {
        return TryGet(ResponseHeaders, header, out value);
    }

    public bool TryGetResponseTrailer(AccessLogHeader header, out ReadOnlySpan<byte> value)
    {
        return TryGet(ResponseTrailers, header, out value);
    }

    public bool TryGetMetadata(AccessLogMetadata path, out ReadOnlySpan<byte> value, out bool isJson)
    {
        value = default;
        isJson = false;
        if (Metadata is not { } metadata || metadata.Path.Source != path.Source || metadata.Path.Filter != path.Filter
            || !metadata.Path.Path.SequenceEqual(path.Path))
        {
            return false;
        }
        value = Cached(metadata.Value);
        isJson = metadata.IsJson;
        return true;
    }

    private readonly Dictionary<string, byte[]> _bytes = [];
    private readonly Dictionary<AccessLogHeader, string> _names = [];

    private bool TryGet(Dictionary<string, string> headers, AccessLogHeader header, out ReadOnlySpan<byte> value)
    {
        if (!_names.TryGetValue(header, out var name))
            _names[header] = name = header.ToString();
        value = default;
        if (!headers.TryGetValue(name, out var text))
            return false;
        value = Cached(text);
        return true;
    }

    private byte[] Cached(string text)
    {
        if (!_bytes.TryGetValue(text, out var bytes))
            _bytes[text] = bytes = Encoding.Latin1.GetBytes(text);
        return bytes;
    }
}

internal static class Formats
{
    public static AccessLogFormat Text(string format, AccessLogContext? context = null, bool omitsEmpty = false)
    {
        var compiled = AccessLogFormat.CompileText(format, context ?? new AccessLogContext(), out var error, omitsEmpty);
        Assert.Null(error);
        return compiled!;
    }

    public static AccessLogFormat Json(string format, bool omitsEmpty = false)
    {
        using var document = JsonDocument.Parse(format);
        var compiled = AccessLogFormat.CompileJson(document.RootElement, new AccessLogContext(), out var error, omitsEmpty);
        Assert.Null(error);
        return compiled!;
    }
}
