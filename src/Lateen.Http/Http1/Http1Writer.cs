namespace Lateen.Http;

/// <summary>How a request goes to an upstream.</summary>
[Flags]
public enum RequestWriteOptions : byte
{
    None = 0,

    /// <summary>Tell the upstream that no request follows: <c>Connection: close</c>.</summary>
    Close = 1,

    /// <summary>Pass the client's upgrade on: <c>Connection: upgrade</c> and its <see cref="HttpRequestHead.Upgrade"/>.</summary>
    ForwardUpgrade = 2,

    /// <summary>Write the target in absolute-form, for an upstream that is itself a proxy (RFC 9112 section 3.2.2).</summary>
    AbsoluteForm = 4,
}

/// <summary>
/// Writes HTTP/1.1 messages into a caller's span. Each method writes all or nothing: false means that the span is too small, and nothing
/// in it counts. Fields come out in order with their case; framing and connection fields are made from the head's properties, never copied,
/// so what was declared is what is sent. Stateless; safe from any thread.
/// </summary>
public static class Http1Writer
{
    /// <summary>Octets that suffice for <see cref="TryWriteChunkPrefix"/> of any length.</summary>
    public const int MaxChunkPrefixOctets = 18;

    /// <summary><c>HTTP/1.1 100 Continue</c>, whole.</summary>
    public static ReadOnlySpan<byte> Continue => "HTTP/1.1 100 Continue\r\n\r\n"u8;

    /// <summary>What follows the content of each chunk.</summary>
    public static ReadOnlySpan<byte> ChunkSuffix => "\r\n"u8;

    /// <summary>The end of chunked content without trailers.</summary>
    public static ReadOnlySpan<byte> LastChunk => "0\r\n\r\n"u8;

    /// <summary>Writes a request head. Strips hop-by-hop fields first, if nobody has. The version is ours, 1.1 (RFC 9112 section 2.3).</summary>
    public static bool TryWriteRequest(HttpRequestHead head, RequestWriteOptions options, Span<byte> destination, out int written) =>
        throw new NotSupportedException();

    /// <summary>Writes a response head by its plan. Strips hop-by-hop fields first, if nobody has. A 101 is sent with its Upgrade.</summary>
    public static bool TryWriteResponse(HttpResponseHead head, in ResponsePlan plan, Span<byte> destination, out int written) =>
        throw new NotSupportedException();

    /// <summary>Writes an interim head (1xx), which has neither framing nor connection fields.</summary>
    public static bool TryWriteInterim(HttpResponseHead head, Span<byte> destination, out int written) => throw new NotSupportedException();

    /// <summary>Writes a chunk's size line. Follow it with that many octets and <see cref="ChunkSuffix"/>. The length must be above 0: 0 ends the content.</summary>
    public static bool TryWriteChunkPrefix(long length, Span<byte> destination, out int written) => throw new NotSupportedException();

    /// <summary>Writes a whole chunk: size line, payload, line end.</summary>
    public static bool TryWriteChunk(ReadOnlySpan<byte> payload, Span<byte> destination, out int written) => throw new NotSupportedException();

    /// <summary>Writes the last chunk and the trailer section, if there are trailers.</summary>
    public static bool TryWriteLastChunk(HeaderBlock? trailers, Span<byte> destination, out int written) => throw new NotSupportedException();
}
