using System.Text;

namespace Lateen.Http;

/// <summary>
/// A response head: read from an upstream by <see cref="Http1ResponseParser"/> or <see cref="Http2ClientConnection"/>, or made by the
/// proxy, and written to the client by <see cref="Http1Writer"/> or <see cref="Http2ServerConnection"/>. Reused like <see cref="HttpRequestHead"/>, and under the same rules of ownership.
/// </summary>
public sealed class HttpResponseHead
{
    internal int ScanPosition;
    internal int LineStart;
    internal int FieldLines;
    internal bool StartLineDone;
    internal bool IsStripped;
    internal ByteRange ReasonRange;
    internal ByteRange UpgradeRange;

    /// <summary>The fields, in message order.</summary>
    public HeaderBlock Headers { get; } = new();

    /// <summary>The version in which the upstream answered.</summary>
    public HttpProtocol Protocol { get; internal set; }

    /// <summary>The status code, 100 to 599.</summary>
    public int Status { get; private set; }

    /// <summary>The reason phrase as received. For logs: the writer sends the registered phrase of the status, as Envoy does.</summary>
    public ReadOnlySpan<byte> ReasonPhrase => Headers.Slice(ReasonRange);

    /// <summary>True for 1xx other than 101: another head follows on this exchange (RFC 9110 section 15.2).</summary>
    public bool IsInterim => Status is >= 100 and < 200 and not 101;

    /// <summary>How the content that follows is delimited; depends on the request's method (RFC 9112 section 6.3).</summary>
    public BodyFraming Framing { get; internal set; }

    /// <summary>The declared Content-Length, or -1. In an answer to HEAD, or a 304, it describes content that does not follow.</summary>
    public long ContentLength { get; internal set; } = -1;

    /// <summary>True when content follows the head.</summary>
    public bool HasBody => Framing is BodyFraming.Length or BodyFraming.Chunked or BodyFraming.UntilClose;

    /// <summary>The upstream will take another request on this connection after this response.</summary>
    public bool KeepAlive { get; internal set; }

    /// <summary>The value of Upgrade when Connection nominates it (101, 426); else empty.</summary>
    public ReadOnlySpan<byte> Upgrade => Headers.Slice(UpgradeRange);

    /// <summary>Why the response was refused; <see cref="HttpRejectionCode.None"/> if it was not.</summary>
    public HttpRejection Rejection { get; internal set; }

    /// <summary>Octets of the head on the wire.</summary>
    public int WireOctets { get; internal set; }

    /// <summary>Sets the status, for a response that the proxy makes itself or changes.</summary>
    public void SetStatus(int status)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(status, 100);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(status, 599);
        Status = status;
    }

    /// <summary>Declares the framing of the content, for a response that the proxy makes itself or changes.</summary>
    public void SetBody(BodyFraming framing, long contentLength = -1)
    {
        Framing = framing;
        ContentLength = contentLength;
    }

    /// <summary>Names the protocols that a 101 or 426 of our own offers, such as <c>websocket</c>.</summary>
    public void SetUpgrade(ReadOnlySpan<byte> protocols)
    {
        if (!Grammar.IsFieldValue(protocols)) throw new ArgumentException("not a list of protocols", nameof(protocols));
        UpgradeRange = Headers.Append(protocols);
    }

    /// <summary>
    /// Removes what concerns the upstream's hop alone, as <see cref="HttpRequestHead.StripHopByHop"/>. Proxy-Authenticate stays, as in Envoy.
    /// Does nothing the second time.
    /// </summary>
    public void StripHopByHop()
    {
        if (IsStripped) return;
        IsStripped = true;
        HopByHop.Strip(Headers);
    }

    /// <summary>Forgets the response, keeps at most <see cref="HeaderBlock.RetainedBytes"/> of store, and is ready for the next.</summary>
    public void Reset()
    {
        Headers.Reset();
        ScanPosition = 0;
        LineStart = 0;
        FieldLines = 0;
        StartLineDone = false;
        IsStripped = false;
        ReasonRange = default;
        UpgradeRange = default;
        Protocol = HttpProtocol.Http11;
        Status = 0;
        Framing = BodyFraming.None;
        ContentLength = -1;
        KeepAlive = false;
        Rejection = default;
        WireOctets = 0;
    }

    public override string ToString() => $"{Status} {Encoding.Latin1.GetString(ReasonPhrase)}";
}
