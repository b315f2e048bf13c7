using System.Buffers;

namespace Lateen.Http;

/// <summary>
/// Compresses heads and trailers into HEADERS frames. A head that surely fits into one span of the output is written where it will be sent; a
/// larger one goes through a borrowed buffer.
/// </summary>
internal sealed class Http2HeadWriter(Http2FrameWriter frames, HpackEncoder encoder)
{
    /// <summary>Pseudo-header fields, Content-Length and TE at their largest, without the values that lie in the head's store.</summary>
    private const int PseudoOverhead = (8 * HpackEncoder.FieldOverhead) + 64;

    /// <summary>SETTINGS_MAX_HEADER_LIST_SIZE of the peer, RFC 9113 section 6.5.2.</summary>
    internal uint MaxListOctets { get; set; } = uint.MaxValue;

    /// <summary>The scheme of every request, whatever its head says; null writes the head's.</summary>
    internal RequestScheme? Scheme { get; set; }

    /// <summary>Writes a request.</summary>
    /// <returns>False when the peer has said that it takes no such list; nothing is written then.</returns>
    internal bool TryWriteRequest(int streamId, HttpRequestHead head, bool endStream)
    {
        head.StripHopByHop();
        HeaderBlock headers = head.Headers;
        if (IsTooLarge(headers, head.Authority.Length + head.PathAndQuery.Length + 128)) return false;
        int bound = Bound(headers) + head.Authority.Length + head.PathAndQuery.Length + head.MethodText.Length + head.ConnectProtocol.Length;
        byte[]? rented = null;
        Span<byte> span = frames.ReserveHeaderBlock(bound);
        if (span.IsEmpty) span = rented = ArrayPool<byte>.Shared.Rent(bound);

        bool isExtended = !head.ConnectProtocol.IsEmpty;
        bool isPlainConnect = head.Method == RequestMethod.Connect && !isExtended;
        int at = encoder.Begin(span);
        at += encoder.WriteMethod(span[at..], head.Method, head.MethodText);
        if (!isPlainConnect)
        {
            at += HpackEncoder.WriteScheme(span[at..], Scheme ?? head.Scheme);
            at += encoder.WritePath(span[at..], head.PathAndQuery);
        }

        if (!head.Authority.IsEmpty) at += encoder.WriteAuthority(span[at..], head.Authority);
        if (isExtended) at += encoder.WriteProtocol(span[at..], head.ConnectProtocol);
        at = WriteFields(span, at, headers);
        if (head.ContentLength >= 0) at = WriteContentLength(span, at, head.ContentLength);
        if (head.AcceptsTrailers) at += encoder.WriteField(span[at..], KnownHeader.Te, default, "trailers"u8, isNeverIndexed: false);
        Send(streamId, span[..at], rented, endStream);
        return true;
    }

    /// <summary>Writes a response, interim or final.</summary>
    /// <param name="contentLength">What is declared, or -1.</param>
    /// <returns>As <see cref="TryWriteRequest"/>.</returns>
    internal bool TryWriteResponse(int streamId, HttpResponseHead head, long contentLength, bool endStream)
    {
        head.StripHopByHop();
        HeaderBlock headers = head.Headers;
        if (IsTooLarge(headers, 128)) return false;
        int bound = Bound(headers);
        byte[]? rented = null;
        Span<byte> span = frames.ReserveHeaderBlock(bound);
        if (span.IsEmpty) span = rented = ArrayPool<byte>.Shared.Rent(bound);
        int at = encoder.Begin(span);
        at += HpackEncoder.WriteStatus(span[at..], head.Status);
        at = WriteFields(span, at, headers);
        if (contentLength >= 0) at = WriteContentLength(span, at, contentLength);
        Send(streamId, span[..at], rented, endStream);
        return true;
    }

    /// <summary>Writes <c>100 Continue</c>.</summary>
    internal void WriteContinue(int streamId) => WriteStatus(streamId, 100, endStream: false);

    /// <summary>Writes a response that is nothing but its status.</summary>
    internal void WriteStatus(int streamId, int status, bool endStream)
    {
        Span<byte> span = frames.ReserveHeaderBlock(HpackEncoder.BlockOverhead + 8);
        int at = encoder.Begin(span);
        at += HpackEncoder.WriteStatus(span[at..], status);
        frames.CommitHeaderBlock(streamId, at, endStream);
    }

    /// <summary>Writes trailers, which end the stream.</summary>
    internal bool TryWriteTrailers(int streamId, HeaderBlock trailers)
    {
        if (IsTooLarge(trailers, 0)) return false;
        int bound = Bound(trailers);
        byte[]? rented = null;
        Span<byte> span = frames.ReserveHeaderBlock(bound);
        if (span.IsEmpty) span = rented = ArrayPool<byte>.Shared.Rent(bound);
        int at = encoder.Begin(span);
        at = WriteFields(span, at, trailers);
        Send(streamId, span[..at], rented, endStream: true);
        return true;
    }

    /// <summary>Names and values lie in the block's store, each in a place of its own, so its length bounds them.</summary>
    private static int Bound(HeaderBlock headers) =>
        headers.UsedBytes + (headers.Count * HpackEncoder.FieldOverhead) + HpackEncoder.BlockOverhead + PseudoOverhead;

    private bool IsTooLarge(HeaderBlock headers, int pseudoOctets)
    {
        if (MaxListOctets == uint.MaxValue) return false;
        long octets = pseudoOctets;
        for (int i = 0; i < headers.Count; i++)
        {
            HeaderField field = headers[i];
            octets += field.Name.Length + field.Value.Length + 32;
        }

        return octets > MaxListOctets;
    }

    private int WriteFields(Span<byte> span, int at, HeaderBlock headers)
    {
        for (int i = 0; i < headers.Count; i++)
        {
            HeaderField field = headers[i];
            if (HeaderBlock.IsIn((int)field.Id, HopByHop.WriterOwned, 0)) continue;
            at += encoder.WriteField(span[at..], field.Id, field.Name, field.Value, headers.IsNeverIndexedAt(i));
        }

        return at;
    }

    private int WriteContentLength(Span<byte> span, int at, long length)
    {
        Span<byte> digits = stackalloc byte[20];
        var writer = new SpanWriter(digits);
        writer.WriteDecimal(length);
        writer.TryFinish(out int count);
        return at + encoder.WriteField(span[at..], KnownHeader.ContentLength, default, digits[..count], isNeverIndexed: false);
    }

    private void Send(int streamId, ReadOnlySpan<byte> block, byte[]? rented, bool endStream)
    {
        if (rented is null)
        {
            frames.CommitHeaderBlock(streamId, block.Length, endStream);
            return;
        }

        frames.WriteHeaderBlock(streamId, block, endStream);
        ArrayPool<byte>.Shared.Return(rented);
    }
}
