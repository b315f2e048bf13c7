namespace Lateen.Http;

/// <summary>
/// Reads HTTP/1.1 response heads (RFC 9112 sections 2 to 6) into a <see cref="HttpResponseHead"/>. Immutable and shared by all connections of
/// a cluster: the progress of a head is kept in the head.
/// </summary>
public sealed class Http1ResponseParser
{
    private readonly Http1Limits _limits;

    /// <summary>A parser with a cluster's limits.</summary>
    public Http1ResponseParser(Http1Limits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        _limits = limits;
    }

    /// <summary>Goes on reading a head. After an interim one (<see cref="HttpResponseHead.IsInterim"/>) reset the head and call again.</summary>
    /// <param name="head">Reset before the first piece of each response head, the same object until it is complete.</param>
    /// <param name="method">The method of the request that this answers; HEAD and CONNECT change the framing.</param>
    /// <param name="input">The next bytes from the connection.</param>
    /// <param name="consumed">As in <see cref="Http1RequestParser.Parse"/>.</param>
    /// <returns>The same for the same bytes, however they are cut into pieces.</returns>
    public ParseStatus Parse(HttpResponseHead head, RequestMethod method, ReadOnlySpan<byte> input, out int consumed)
    {
        ArgumentNullException.ThrowIfNull(head);
        HeaderBlock headers = head.Headers;
        int carried = headers.UsedBytes;
        ReadOnlySpan<byte> text = input;
        if (carried > 0)
        {
            headers.Append(input[..Math.Min(input.Length, _limits.MaxHeadOctets + 1 - carried)]);
            text = headers.Store;
        }

        consumed = 0;
        HttpRejectionCode code = ReadLines(head, text, out bool isComplete);
        if (code != HttpRejectionCode.None) return Reject(head, code);
        if (!isComplete)
        {
            if (carried == 0) headers.Append(input);
            consumed = input.Length;
            return ParseStatus.NeedMore;
        }

        int end = head.LineStart;
        if (carried == 0) headers.Append(input[..end]);
        else headers.TruncateStore(end);
        consumed = end - carried;
        head.WireOctets = end;
        code = Complete(head, method);
        return code == HttpRejectionCode.None ? ParseStatus.Complete : Reject(head, code);
    }

    private static ParseStatus Reject(HttpResponseHead head, HttpRejectionCode code)
    {
        head.Rejection = new HttpRejection(code, ofResponse: true);
        return ParseStatus.Rejected;
    }

    private HttpRejectionCode ReadLines(HttpResponseHead head, ReadOnlySpan<byte> text, out bool isComplete)
    {
        isComplete = false;
        while (true)
        {
            int start = head.LineStart;
            switch (HeadScanner.Next(text, ref head.ScanPosition, start, _limits.MaxHeadOctets, int.MaxValue, out int end))
            {
                case LineStatus.NeedMore: return HttpRejectionCode.None;
                case LineStatus.HeadTooLarge:
                    return head.StartLineDone ? HttpRejectionCode.FieldsTooLarge : HttpRejectionCode.StatusLineTooLong;
                case LineStatus.BareLineFeed: return HttpRejectionCode.BareLineFeed;
            }

            head.LineStart = head.ScanPosition;
            ReadOnlySpan<byte> line = text[start..end];
            HttpRejectionCode code;
            if (!head.StartLineDone)
            {
                code = ReadStatusLine(head, line, start);
            }
            else if (line.Length == 0)
            {
                isComplete = true;
                return HttpRejectionCode.None;
            }
            else
            {
                code = ReadField(head, line, start);
            }

            if (code != HttpRejectionCode.None) return code;
        }
    }

    /// <summary>
    /// <c>HTTP-version SP status-code SP [ reason-phrase ]</c>, RFC 9112 section 4. The second space may be missing with the phrase: many
    /// servers leave it out, and nothing can be read wrongly for it.
    /// </summary>
    private static HttpRejectionCode ReadStatusLine(HttpResponseHead head, ReadOnlySpan<byte> line, int start)
    {
        const int StatusStart = VersionGrammar.Octets + 1;
        const int StatusEnd = StatusStart + 3;
        head.StartLineDone = true;
        if (line.Contains((byte)'\r')) return HttpRejectionCode.BareCarriageReturn;
        if (line.Length < StatusEnd || line[VersionGrammar.Octets] != ' ') return HttpRejectionCode.StatusLineMalformed;
        HttpRejectionCode code = VersionGrammar.Read(line[..VersionGrammar.Octets], out HttpProtocol protocol);
        if (code != HttpRejectionCode.None) return code;
        int status = 0;
        foreach (byte b in line[StatusStart..StatusEnd])
        {
            if (!char.IsAsciiDigit((char)b)) return HttpRejectionCode.StatusLineMalformed;
            status = (status * 10) + (b - '0');
        }

        if (line.Length > StatusEnd)
        {
            if (line[StatusEnd] != ' ') return HttpRejectionCode.StatusLineMalformed;
            if (!Grammar.IsFieldValue(line[(StatusEnd + 1)..])) return HttpRejectionCode.ControlByteInField;
            head.ReasonRange = new ByteRange(start + StatusEnd + 1, line.Length - StatusEnd - 1);
        }

        if (status is < 100 or > 599) return HttpRejectionCode.StatusCodeInvalid;
        head.Protocol = protocol;
        head.SetStatus(status);
        return HttpRejectionCode.None;
    }

    private HttpRejectionCode ReadField(HttpResponseHead head, ReadOnlySpan<byte> line, int start)
    {
        if (head.FieldLines == _limits.MaxFields) return HttpRejectionCode.TooManyFields;
        HttpRejectionCode code = FieldLine.Read(line, head.FieldLines == 0, isResponse: true, out int nameLength, out ByteRange value);
        if (code != HttpRejectionCode.None) return code;
        head.FieldLines++;
        return head.Headers.IndexLine(line, start, nameLength, value) ? HttpRejectionCode.None : HttpRejectionCode.FieldsTooLarge;
    }

    private HttpRejectionCode Complete(HttpResponseHead head, RequestMethod method)
    {
        var options = ConnectionOptions.None;
        if (head.Headers.Contains(KnownHeader.Connection))
        {
            HttpRejectionCode code = FramingFields.ReadConnection(head.Headers, _limits.MaxConnectionOptions, isResponse: true, out options);
            if (code != HttpRejectionCode.None) return code;
        }

        head.KeepAlive = head.Protocol == HttpProtocol.Http11
            ? (options & ConnectionOptions.Close) == 0
            : (options & (ConnectionOptions.Close | ConnectionOptions.KeepAlive)) == ConnectionOptions.KeepAlive;
        if ((options & ConnectionOptions.Upgrade) != 0)
        {
            HttpRejectionCode code = FramingFields.ReadUpgrade(head.Headers, out head.UpgradeRange);
            if (code != HttpRejectionCode.None) return code;
        }

        return HasNoContent(head.Status, method) ? ReadWithoutContent(head, method) : ReadFraming(head);
    }

    /// <summary>RFC 9112 section 6.3, rules 1 and 2: these end with the head whatever their fields say.</summary>
    private static bool HasNoContent(int status, RequestMethod method) =>
        status is < 200 or 204 or 304 || method == RequestMethod.Head || (method == RequestMethod.Connect && status is >= 200 and < 300);

    private static HttpRejectionCode ReadWithoutContent(HttpResponseHead head, RequestMethod method)
    {
        HeaderBlock headers = head.Headers;
        if (head.Status == 101 || (method == RequestMethod.Connect && head.Status is >= 200 and < 300))
        {
            head.Framing = BodyFraming.Tunnel;
            head.KeepAlive = false;
            return HttpRejectionCode.None;
        }

        if (head.Status < 200) return HttpRejectionCode.None;
        if (headers.Contains(KnownHeader.TransferEncoding))
        {
            // What follows on this connection depends on whether the upstream believes its own field, so nothing may follow.
            if (head.Status == 204) head.KeepAlive = false;
            return headers.Contains(KnownHeader.ContentLength) ? HttpRejectionCode.BothFramings : HttpRejectionCode.None;
        }

        HttpRejectionCode code = FramingFields.ReadContentLength(headers, out long length);
        if (code != HttpRejectionCode.None) return code;
        if (head.Status != 204) head.ContentLength = length;
        else if (length > 0) head.KeepAlive = false;
        return HttpRejectionCode.None;
    }

    private static HttpRejectionCode ReadFraming(HttpResponseHead head)
    {
        HeaderBlock headers = head.Headers;
        bool hasLength = headers.Contains(KnownHeader.ContentLength);
        if (headers.Contains(KnownHeader.TransferEncoding))
        {
            if (hasLength) return HttpRejectionCode.BothFramings;
            if (head.Protocol == HttpProtocol.Http10) return HttpRejectionCode.TransferEncodingInHttp10;
            HttpRejectionCode code = FramingFields.ReadTransferEncoding(headers);
            if (code == HttpRejectionCode.None) head.Framing = BodyFraming.Chunked;
            return code;
        }

        if (!hasLength)
        {
            head.Framing = BodyFraming.UntilClose;
            head.KeepAlive = false;
            return HttpRejectionCode.None;
        }

        HttpRejectionCode malformed = FramingFields.ReadContentLength(headers, out long length);
        if (malformed != HttpRejectionCode.None) return malformed;
        head.ContentLength = length;
        head.Framing = length > 0 ? BodyFraming.Length : BodyFraming.None;
        return HttpRejectionCode.None;
    }
}
