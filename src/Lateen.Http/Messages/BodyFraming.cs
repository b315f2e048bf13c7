namespace Lateen.Http;

/// <summary>How the end of a message's content is found, RFC 9112 section 6.3.</summary>
public enum BodyFraming : byte
{
    /// <summary>No content follows the head, whatever Content-Length says (HEAD, 204, 304), or it is zero.</summary>
    None = 0,

    /// <summary>Content-Length octets follow.</summary>
    Length,

    /// <summary>Content of undeclared length follows, then trailers: chunks in HTTP/1.1, DATA frames up to END_STREAM in HTTP/2 (RFC 9113 section 8.1).</summary>
    Chunked,

    /// <summary>Responses only: everything until the connection closes. An abrupt end cannot be told from a complete body.</summary>
    UntilClose,

    /// <summary>After CONNECT's 2xx or a 101: the connection stops being HTTP.</summary>
    Tunnel,
}
