using System.Text;

namespace Lateen.Http.Tests.Http2;

/// <summary>A session that writes down what it is told, one line per event, with content of a stream joined, so that readings can be compared whole.</summary>
internal sealed class RecordingSession : IHttp2ServerSession, IHttp2ClientSession
{
    private readonly Dictionary<int, StringBuilder> _content = [];
    private readonly List<string> _lines = [];

    /// <summary>Streams by identifier, until they are released.</summary>
    public Dictionary<int, Http2Stream> Streams { get; } = [];

    public Http2Connection Connection { get; set; } = null!;

    /// <summary>Content is credited as it comes.</summary>
    public bool Consumes { get; set; } = true;

    /// <summary>Streams are released as soon as they are closed.</summary>
    public bool ReleasesClosed { get; set; }

    public Action<Http2Stream>? WhenRequest { get; set; }

    public Action<Http2Stream>? WhenWindow { get; set; }

    public Action<Http2Stream>? WhenData { get; set; }

    public IReadOnlyList<string> Lines => _lines;

    public string Log => string.Join('\n', _lines);

    public string ContentOf(int id) => _content.TryGetValue(id, out StringBuilder? text) ? text.ToString() : "";

    public HttpRequestHead OnStreamOpened(Http2Stream stream)
    {
        Streams[stream.Id] = stream;
        return new HttpRequestHead();
    }

    public void OnRequest(Http2Stream stream, bool endStream)
    {
        HttpRequestHead head = stream.Request!;
        _lines.Add($"request {stream.Id} {Exchange.Describe(head)}protocol={Reading.Text(head.ConnectProtocol)} end={endStream} {head.Rejection}");
        WhenRequest?.Invoke(stream);
    }

    public void OnInterimResponse(Http2Stream stream) => _lines.Add($"interim {stream.Id} {Exchange.Describe(stream.Response!)}");

    public void OnResponse(Http2Stream stream, bool endStream) =>
        _lines.Add($"response {stream.Id} {Exchange.Describe(stream.Response!)}end={endStream}");

    public void OnData(Http2Stream stream, ReadOnlySpan<byte> payload, bool endStream)
    {
        Assert.True(payload.Length > 0 || endStream);
        if (!_content.TryGetValue(stream.Id, out StringBuilder? text)) _content[stream.Id] = text = new StringBuilder();
        text.Append(Reading.Text(payload));
        if (Consumes) Connection.Consume(stream, payload.Length);
        if (endStream) _lines.Add($"end {stream.Id} {text.Length} {text.ToString().GetHashCode(StringComparison.Ordinal)}");
        WhenData?.Invoke(stream);
        if (endStream) ReleaseIfClosed(stream);
    }

    public void OnTrailers(Http2Stream stream)
    {
        _lines.Add($"trailers {stream.Id} {ContentOf(stream.Id).Length} {stream.Trailers}");
        ReleaseIfClosed(stream);
    }

    public void OnReset(Http2Stream stream, Http2ErrorCode error, Http2ResetOrigin origin)
    {
        Assert.True(stream.IsClosed);
        _lines.Add($"reset {stream.Id} {error} {origin} {stream.Rejection.Code}");
        ReleaseIfClosed(stream);
    }

    public void OnWindow(Http2Stream stream)
    {
        Assert.False(stream.IsClosed);
        _lines.Add($"window {stream.Id}");
        WhenWindow?.Invoke(stream);
    }

    public void OnSettings() => _lines.Add("settings");

    public void OnGoAway(Http2ErrorCode error) => _lines.Add($"goaway {error}");

    public void Release(int id)
    {
        Streams.Remove(id, out Http2Stream? stream);
        Connection.Release(stream!);
    }

    private void ReleaseIfClosed(Http2Stream stream)
    {
        if (ReleasesClosed && stream.IsClosed && Streams.Remove(stream.Id)) Connection.Release(stream);
    }
}
