namespace Lateen.Http;

/// <summary>The protocol version of a message as received. Minor versions above 1 are read as HTTP/1.1 (RFC 9110 section 2.5).</summary>
public enum HttpProtocol : byte
{
    Http11 = 0,
    Http10,

    /// <summary>RFC 9113.</summary>
    Http2,
}
