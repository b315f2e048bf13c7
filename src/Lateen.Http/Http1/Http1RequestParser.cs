namespace Lateen.Http;

/// <summary>
/// Reads HTTP/1.1 request heads (RFC 9112 sections 2 to 6) from whatever pieces the transport delivers, into a <see cref="HttpRequestHead"/>.
/// Immutable and shared by all connections of a listener: the progress of a head is kept in the head.
/// </summary>
/// <remarks>
/// A head that arrives whole, the usual case, is parsed where it lies and copied once. One that comes in pieces is gathered in the head,
/// and the search for its lines goes on where it stopped, so that a peer who sends one octet at a time costs no more than another.
/// </remarks>
public sealed class Http1RequestParser
{
    /// <summary>Empty lines before a request that are skipped: RFC 9112 section 2.2 asks for at least one. More is not a client's mistake.</summary>
    private const int MaxLeadingEmptyLines = 4;

    private readonly Http1RequestOptions _options;
    private readonly RequestCanonicalizer _canonicalizer;
    private readonly int _maxHead;
    private readonly int _maxRequestLine;
    private readonly int _maxFields;
    private readonly UnderscoreAction _underscores;

    /// <summary>A parser with a listener's options.</summary>
    public Http1RequestParser(Http1RequestOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _canonicalizer = new RequestCanonicalizer(options);
        _maxHead = options.Limits.MaxHeadOctets;
        _maxRequestLine = options.Limits.MaxMethodOctets + options.Limits.MaxTargetOctets + " HTTP/1.1\r".Length + 1;
        _maxFields = options.Limits.MaxFields;
        _underscores = options.Underscores;
    }

    /// <summary>Goes on reading a head.</summary>
    /// <param name="head">Reset before the first piece of each request, the same object until it is complete.</param>
    /// <param name="input">The next bytes from the connection.</param>
    /// <param name="consumed">
    /// How many of them belong to the head. <see cref="ParseStatus.NeedMore"/>: all, copied into the head, so the read buffer may go
    /// back to its pool. <see cref="ParseStatus.Complete"/>: up to the empty line; content or a pipelined request follows it.
    /// <see cref="ParseStatus.Rejected"/>: none that matter.
    /// </param>
    /// <returns>The same for the same bytes, however they are cut into pieces.</returns>
    public ParseStatus Parse(HttpRequestHead head, ReadOnlySpan<byte> input, out int consumed)
    {
        ArgumentNullException.ThrowIfNull(head);
        HeaderBlock headers = head.Headers;
        int carried = headers.UsedBytes;
        ReadOnlySpan<byte> text = input;
        if (carried > 0)
        {
            headers.Append(input[..Math.Min(input.Length, _maxHead + 1 - carried)]);
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
        code = _canonicalizer.Complete(head);
        return code == HttpRejectionCode.None ? ParseStatus.Complete : Reject(head, code);
    }

    private static ParseStatus Reject(HttpRequestHead head, HttpRejectionCode code)
    {
        head.Rejection = new HttpRejection(code, ofResponse: false);
        return ParseStatus.Rejected;
    }

    private HttpRejectionCode ReadLines(HttpRequestHead head, ReadOnlySpan<byte> text, out bool isComplete)
    {
        isComplete = false;
        while (true)
        {
            int start = head.LineStart;
            int maxLine = head.StartLineDone ? int.MaxValue : _maxRequestLine;
            switch (HeadScanner.Next(text, ref head.ScanPosition, start, _maxHead, maxLine, out int end))
            {
                case LineStatus.NeedMore: return HttpRejectionCode.None;
                case LineStatus.LineTooLong: return WhatIsTooLong(text.Slice(start, maxLine));
                case LineStatus.HeadTooLarge: return HttpRejectionCode.FieldsTooLarge;
                case LineStatus.BareLineFeed: return HttpRejectionCode.BareLineFeed;
            }

            head.LineStart = head.ScanPosition;
            ReadOnlySpan<byte> line = text[start..end];
            HttpRejectionCode code;
            if (!head.StartLineDone)
            {
                if (line.Length > 0) code = ReadRequestLine(head, line, start);
                else code = ++head.LeadingEmptyLines > MaxLeadingEmptyLines ? HttpRejectionCode.RequestLineMalformed : HttpRejectionCode.None;
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

    /// <summary><c>method SP request-target SP HTTP-version</c>, single spaces, RFC 9112 section 3. The target's form is read when the head is complete.</summary>
    private HttpRejectionCode ReadRequestLine(HttpRequestHead head, ReadOnlySpan<byte> line, int start)
    {
        head.StartLineDone = true;
        int methodEnd = line.IndexOf((byte)' ');
        if (methodEnd < 0) return MalformedLine(line);
        ReadOnlySpan<byte> method = line[..methodEnd];
        if (!Grammar.IsToken(method)) return method.Contains((byte)'\r') ? HttpRejectionCode.BareCarriageReturn : HttpRejectionCode.MethodMalformed;
        if (methodEnd > _options.Limits.MaxMethodOctets) return HttpRejectionCode.MethodTooLong;

        int targetStart = methodEnd + 1;
        int targetLength = line[targetStart..].IndexOf((byte)' ');
        if (targetLength <= 0) return MalformedLine(line);
        ReadOnlySpan<byte> target = line.Slice(targetStart, targetLength);
        if (targetLength > _options.Limits.MaxTargetOctets) return HttpRejectionCode.TargetTooLong;
        if (!Grammar.IsTarget(target))
        {
            if (target.Contains((byte)'\r')) return HttpRejectionCode.BareCarriageReturn;
            return target.Contains((byte)'#') ? HttpRejectionCode.TargetFragment : HttpRejectionCode.TargetMalformed;
        }

        HttpRejectionCode code = VersionGrammar.Read(line[(targetStart + targetLength + 1)..], out HttpProtocol protocol);
        if (code != HttpRejectionCode.None) return code == HttpRejectionCode.VersionMalformed ? MalformedVersion(line) : code;
        head.Protocol = protocol;
        head.ReadMethod(RequestMethods.Recognize(method), new ByteRange(start, methodEnd));
        head.TargetRange = new ByteRange(start + targetStart, targetLength);
        return HttpRejectionCode.None;
    }

    private HttpRejectionCode ReadField(HttpRequestHead head, ReadOnlySpan<byte> line, int start)
    {
        if (head.FieldLines == _maxFields) return HttpRejectionCode.TooManyFields;
        HttpRejectionCode code = FieldLine.Read(line, head.FieldLines == 0, isResponse: false, out int nameLength, out ByteRange value);
        if (code != HttpRejectionCode.None) return code;
        head.FieldLines++;
        ReadOnlySpan<byte> name = line[..nameLength];
        if (_underscores != UnderscoreAction.Allow && name.Contains((byte)'_'))
            return _underscores == UnderscoreAction.RejectRequest ? HttpRejectionCode.FieldNameUnderscore : HttpRejectionCode.None;
        return head.Headers.IndexLine(line, start, nameLength, value) ? HttpRejectionCode.None : HttpRejectionCode.FieldsTooLarge;
    }

    private HttpRejectionCode WhatIsTooLong(ReadOnlySpan<byte> line)
    {
        int methodEnd = line.IndexOf((byte)' ');
        if (methodEnd < 0 || methodEnd > _options.Limits.MaxMethodOctets)
            return Grammar.IsToken(methodEnd < 0 ? line : line[..methodEnd]) ? HttpRejectionCode.MethodTooLong : HttpRejectionCode.MethodMalformed;
        return HttpRejectionCode.TargetTooLong;
    }

    private static HttpRejectionCode MalformedLine(ReadOnlySpan<byte> line) =>
        line.Contains((byte)'\r') ? HttpRejectionCode.BareCarriageReturn : HttpRejectionCode.RequestLineMalformed;

    private static HttpRejectionCode MalformedVersion(ReadOnlySpan<byte> line)
    {
        if (line.Contains((byte)'\r')) return HttpRejectionCode.BareCarriageReturn;
        return line.Count((byte)' ') > 2 ? HttpRejectionCode.RequestLineMalformed : HttpRejectionCode.VersionMalformed;
    }
}
