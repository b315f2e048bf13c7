namespace Lateen.Http;

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
    public static bool TryWriteRequest(HttpRequestHead head, RequestWriteOptions options, Span<byte> destination, out int written)
    {
        ArgumentNullException.ThrowIfNull(head);
        head.StripHopByHop();
        var writer = new SpanWriter(destination);
        writer.Write(head.MethodText);
        writer.Write((byte)' ');
        WriteTarget(ref writer, head, (options & RequestWriteOptions.AbsoluteForm) != 0);

        // Host first, as RFC 9110 section 7.2 recommends: it decides where the rest goes.
        writer.Write(" HTTP/1.1\r\nhost: "u8);
        writer.Write(head.Authority);
        writer.Write("\r\n"u8);
        writer.WriteFields(head.Headers, HopByHop.WriterOwned);
        if (head.Framing == BodyFraming.Chunked) writer.Write("transfer-encoding: chunked\r\n"u8);
        else if (head.ContentLength >= 0) WriteContentLength(ref writer, head.ContentLength);
        WriteConnection(ref writer, head, options);
        writer.Write("\r\n"u8);
        return writer.TryFinish(out written);
    }

    /// <summary>Writes a response head by its plan. Strips hop-by-hop fields first, if nobody has. A 101 or 426 is sent with its Upgrade.</summary>
    public static bool TryWriteResponse(HttpResponseHead head, in ResponsePlan plan, Span<byte> destination, out int written)
    {
        ArgumentNullException.ThrowIfNull(head);
        head.StripHopByHop();
        var writer = new SpanWriter(destination);
        writer.Write(StatusLines.For(head.Status));
        writer.WriteFields(head.Headers, HopByHop.WriterOwned);
        if (plan.Framing == BodyFraming.Chunked) writer.Write("transfer-encoding: chunked\r\n"u8);
        else if (plan.ContentLength >= 0) WriteContentLength(ref writer, plan.ContentLength);

        bool sendsUpgrade = head.Status is 101 or 426 && head.Upgrade.Length > 0;
        if (sendsUpgrade)
        {
            writer.Write("upgrade: "u8);
            writer.Write(head.Upgrade);
            writer.Write(plan.KeepAlive || head.Status == 101 ? "\r\nconnection: upgrade\r\n"u8 : "\r\nconnection: upgrade, close\r\n"u8);
        }
        else if (!plan.KeepAlive)
        {
            if (plan.Framing != BodyFraming.Tunnel) writer.Write("connection: close\r\n"u8);
        }
        else if (plan.ClientProtocol == HttpProtocol.Http10)
        {
            writer.Write("connection: keep-alive\r\n"u8);
        }

        writer.Write("\r\n"u8);
        return writer.TryFinish(out written);
    }

    /// <summary>Writes an interim head (1xx), which has neither framing nor connection fields.</summary>
    public static bool TryWriteInterim(HttpResponseHead head, Span<byte> destination, out int written)
    {
        ArgumentNullException.ThrowIfNull(head);
        head.StripHopByHop();
        var writer = new SpanWriter(destination);
        writer.Write(StatusLines.For(head.Status));
        writer.WriteFields(head.Headers, HopByHop.WriterOwned);
        writer.Write("\r\n"u8);
        return writer.TryFinish(out written);
    }

    /// <summary>Writes a chunk's size line. Follow it with that many octets and <see cref="ChunkSuffix"/>. The length must be above 0: 0 ends the content.</summary>
    public static bool TryWriteChunkPrefix(long length, Span<byte> destination, out int written)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        var writer = new SpanWriter(destination);
        writer.WriteHexadecimal(length);
        writer.Write("\r\n"u8);
        return writer.TryFinish(out written);
    }

    /// <summary>Writes a whole chunk: size line, payload, line end. The payload must not be empty.</summary>
    public static bool TryWriteChunk(ReadOnlySpan<byte> payload, Span<byte> destination, out int written)
    {
        ArgumentOutOfRangeException.ThrowIfZero(payload.Length, nameof(payload));
        var writer = new SpanWriter(destination);
        writer.WriteHexadecimal(payload.Length);
        writer.Write("\r\n"u8);
        writer.Write(payload);
        writer.Write("\r\n"u8);
        return writer.TryFinish(out written);
    }

    /// <summary>Writes the last chunk and the trailer section, if there are trailers.</summary>
    public static bool TryWriteLastChunk(HeaderBlock? trailers, Span<byte> destination, out int written)
    {
        var writer = new SpanWriter(destination);
        writer.Write("0\r\n"u8);
        if (trailers is not null) writer.WriteFields(trailers, HopByHop.WriterOwned);
        writer.Write("\r\n"u8);
        return writer.TryFinish(out written);
    }

    private static void WriteTarget(ref SpanWriter writer, HttpRequestHead head, bool absolute)
    {
        if (head.Method == RequestMethod.Connect)
        {
            writer.Write(head.Authority);
            return;
        }

        ReadOnlySpan<byte> pathAndQuery = head.PathAndQuery;
        if (absolute)
        {
            writer.Write(head.Scheme == RequestScheme.Https ? "https://"u8 : "http://"u8);
            writer.Write(head.Authority);
            if (pathAndQuery is [(byte)'*']) return; // An empty path stands for * there (RFC 9112 section 3.2.4).
        }

        writer.Write(pathAndQuery);
    }

    private static void WriteContentLength(ref SpanWriter writer, long length)
    {
        writer.Write("content-length: "u8);
        writer.WriteDecimal(length);
        writer.Write("\r\n"u8);
    }

    /// <summary>TE and Upgrade are only meant for the next hop if Connection names them (RFC 9110 sections 10.1.4 and 7.8).</summary>
    private static void WriteConnection(ref SpanWriter writer, HttpRequestHead head, RequestWriteOptions options)
    {
        bool upgrades = (options & RequestWriteOptions.ForwardUpgrade) != 0 && head.Upgrade.Length > 0;
        bool closes = (options & RequestWriteOptions.Close) != 0;
        if (head.AcceptsTrailers) writer.Write("te: trailers\r\n"u8);
        if (upgrades)
        {
            writer.Write("upgrade: "u8);
            writer.Write(head.Upgrade);
            writer.Write("\r\n"u8);
        }

        if (!head.AcceptsTrailers && !upgrades && !closes) return;
        writer.Write("connection: "u8);
        if (head.AcceptsTrailers) writer.Write(upgrades || closes ? "te, "u8 : "te"u8);
        if (upgrades) writer.Write(closes ? "upgrade, "u8 : "upgrade"u8);
        if (closes) writer.Write("close"u8);
        writer.Write("\r\n"u8);
    }
}
