using System.Diagnostics;

namespace Lateen.Http;

/// <summary>
/// Finds the payload in HTTP/1.1 content (RFC 9112 sections 6 and 7): by length, chunked with extensions and trailers, or until the connection
/// closes. Sans-IO, resumable at any octet, no copies: payload is a slice of the input. One per direction of a connection, reused.
/// </summary>
/// <remarks>Owned by one thread at a time. Call <see cref="Start(HttpRequestHead, Http1Limits)"/> for each message, with or without content.</remarks>
public sealed class Http1BodyDecoder
{
    private Http1Limits _limits = Http1Limits.Default;
    private State _state = State.Done;
    private bool _isResponse;
    private long _remaining;
    private int _sizeDigits;
    private int _extensionOctets;
    private HeaderBlock? _trailerStore;
    private int _trailerLineStart;
    private int _trailerScan;
    private int _trailerFields;

    /// <summary>Trailer fields, once <see cref="IsComplete"/>; fields that may not be trailers are left out. Null when there are none.</summary>
    public HeaderBlock? Trailers => _state == State.Done && _trailerStore is { Count: > 0 } ? _trailerStore : null;

    /// <summary>Why the content was refused.</summary>
    public HttpRejection Rejection { get; private set; }

    /// <summary>True when the content has ended, as well as for a message without content.</summary>
    public bool IsComplete => _state == State.Done;

    /// <summary>Octets of payload so far.</summary>
    public long PayloadOctets { get; private set; }

    /// <summary>Starts on a request's content.</summary>
    public void Start(HttpRequestHead head, Http1Limits limits)
    {
        ArgumentNullException.ThrowIfNull(head);
        Start(head.Framing, head.ContentLength, limits, isResponse: false);
    }

    /// <summary>Starts on a response's content.</summary>
    public void Start(HttpResponseHead head, Http1Limits limits)
    {
        ArgumentNullException.ThrowIfNull(head);
        Start(head.Framing, head.ContentLength, limits, isResponse: true);
    }

    /// <summary>Takes the next piece of input and gives at most one slice of payload. After the end it consumes nothing.</summary>
    public BodyStep Decode(ReadOnlySpan<byte> input)
    {
        switch (_state)
        {
            case State.Done:
                return new BodyStep(BodyStatus.Complete, 0, 0, 0);
            case State.Refused:
                return new BodyStep(BodyStatus.Rejected, 0, 0, 0);
            case State.UntilClose:
                PayloadOctets += input.Length;
                return new BodyStep(BodyStatus.NeedMore, input.Length, 0, input.Length);
            case State.Length:
                int length = (int)Math.Min(_remaining, input.Length);
                _remaining -= length;
                PayloadOctets += length;
                if (_remaining == 0) _state = State.Done;
                return new BodyStep(_remaining == 0 ? BodyStatus.Complete : BodyStatus.NeedMore, length, 0, length);
            default:
                return DecodeChunked(input);
        }
    }

    /// <summary>
    /// Tells that the connection has ended. Completes content that runs until then; refuses what is cut short (RFC 9112 section 8).
    /// </summary>
    public BodyStatus EndOfInput()
    {
        if (_state == State.UntilClose) _state = State.Done;
        if (_state == State.Done) return BodyStatus.Complete;
        if (_state != State.Refused) Refuse(HttpRejectionCode.ContentIncomplete);
        return BodyStatus.Rejected;
    }

    /// <summary>Forgets the message and gives back trailer memory above the retained size.</summary>
    public void Reset()
    {
        _state = State.Done;
        _trailerStore?.Reset();
        Rejection = default;
        PayloadOctets = 0;
    }

    private void Start(BodyFraming framing, long contentLength, Http1Limits limits, bool isResponse)
    {
        ArgumentNullException.ThrowIfNull(limits);
        Reset();
        _limits = limits;
        _isResponse = isResponse;
        switch (framing)
        {
            case BodyFraming.Length:
                ArgumentOutOfRangeException.ThrowIfNegative(contentLength);
                _remaining = contentLength;
                if (contentLength > 0) _state = State.Length;
                break;
            case BodyFraming.Chunked:
                _extensionOctets = 0;
                StartSize();
                break;
            case BodyFraming.UntilClose or BodyFraming.Tunnel:
                _state = State.UntilClose;
                break;
        }
    }

    private BodyStep DecodeChunked(ReadOnlySpan<byte> input)
    {
        int at = 0;
        int payloadStart = 0;
        int payloadLength = 0;
        while (at < input.Length)
        {
            if (_state == State.ChunkContent)
            {
                // One slice per step: the caller comes back for the next, having done with this one what it does.
                if (payloadLength > 0) return new BodyStep(BodyStatus.Payload, at, payloadStart, payloadLength);
                payloadStart = at;
                payloadLength = (int)Math.Min(_remaining, input.Length - at);
                at += payloadLength;
                _remaining -= payloadLength;
                PayloadOctets += payloadLength;
                if (_remaining == 0) _state = State.ContentCarriageReturn;
                continue;
            }

            HttpRejectionCode code = _state >= State.TrailerStart ? ReadTrailer(input, ref at) : ReadChunkLine(input, ref at);
            if (code != HttpRejectionCode.None)
            {
                Refuse(code);
                return new BodyStep(BodyStatus.Rejected, at, payloadStart, payloadLength);
            }

            if (_state == State.Done) return new BodyStep(BodyStatus.Complete, at, payloadStart, payloadLength);
        }

        return new BodyStep(BodyStatus.NeedMore, at, payloadStart, payloadLength);
    }

    /// <summary>
    /// <c>chunk-size [ chunk-ext ] CRLF</c> and the CRLF after a chunk's content, one octet at a time; extensions are skipped in one search.
    /// </summary>
    private HttpRejectionCode ReadChunkLine(ReadOnlySpan<byte> input, ref int at)
    {
        if (_state == State.Extension) return SkipExtension(input, ref at);
        byte b = input[at++];
        switch (_state)
        {
            case State.Size:
                int digit = PercentEncoding.HexDigit(b);
                if (digit >= 0)
                {
                    // Sixteen digits hold every length that can be counted to; more are refused even if they are zeros, which no sender needs.
                    if (++_sizeDigits > 16 || _remaining > long.MaxValue >> 4) return HttpRejectionCode.ChunkSizeTooLarge;
                    _remaining = (_remaining << 4) | (uint)digit;
                    return HttpRejectionCode.None;
                }

                if (b == '\n') return HttpRejectionCode.BareLineFeed;
                if (_sizeDigits == 0) return HttpRejectionCode.ChunkSizeMalformed;
                if (b == '\r') _state = State.SizeLineFeed;
                else if (b == ';') return StartExtension();
                else if (b is (byte)' ' or (byte)'\t') return StartBadWhitespace();
                else return HttpRejectionCode.ChunkSizeMalformed;
                return HttpRejectionCode.None;

            case State.BadWhitespace:
                if (b is (byte)' ' or (byte)'\t') return StartBadWhitespace();
                return b == ';' ? StartExtension() : HttpRejectionCode.ChunkSizeMalformed;

            case State.SizeLineFeed:
                if (b != '\n') return HttpRejectionCode.BareCarriageReturn;
                _state = _remaining == 0 ? State.TrailerStart : State.ChunkContent;
                return HttpRejectionCode.None;

            case State.ContentCarriageReturn:
                _state = State.ContentLineFeed;
                return b == '\r' ? HttpRejectionCode.None : HttpRejectionCode.ChunkTerminatorMissing;

            case State.ContentLineFeed:
                StartSize();
                return b == '\n' ? HttpRejectionCode.None : HttpRejectionCode.ChunkTerminatorMissing;

            default:
                throw new UnreachableException($"not a state within a chunk line: {_state}");
        }
    }

    private HttpRejectionCode SkipExtension(ReadOnlySpan<byte> input, ref int at)
    {
        ReadOnlySpan<byte> rest = input[at..];
        int end = rest.IndexOfAny(Grammar.ForbiddenInValue);
        int skipped = end < 0 ? rest.Length : end;
        if (skipped > _limits.MaxChunkExtensionOctets - _extensionOctets) return HttpRejectionCode.ChunkExtensionsTooLong;
        _extensionOctets += skipped;
        at += skipped;
        if (end < 0) return HttpRejectionCode.None;
        at++;
        _state = State.SizeLineFeed;
        return rest[end] switch
        {
            (byte)'\r' => HttpRejectionCode.None,
            (byte)'\n' => HttpRejectionCode.BareLineFeed,
            _ => HttpRejectionCode.ChunkExtensionMalformed,
        };
    }

    private void StartSize()
    {
        _state = State.Size;
        _remaining = 0;
        _sizeDigits = 0;
    }

    private HttpRejectionCode StartExtension()
    {
        _state = State.Extension;
        return CountExtensionOctet();
    }

    /// <summary>Whitespace that the grammar allows a recipient to meet before ";" (RFC 9112 section 7.1.1).</summary>
    private HttpRejectionCode StartBadWhitespace()
    {
        _state = State.BadWhitespace;
        return CountExtensionOctet();
    }

    private HttpRejectionCode CountExtensionOctet() =>
        ++_extensionOctets > _limits.MaxChunkExtensionOctets ? HttpRejectionCode.ChunkExtensionsTooLong : HttpRejectionCode.None;

    /// <summary><c>*( field-line CRLF ) CRLF</c>, RFC 9112 section 7.1.2. Content without trailers, the usual case, touches no store.</summary>
    private HttpRejectionCode ReadTrailer(ReadOnlySpan<byte> input, ref int at)
    {
        if (_state == State.TrailerStart)
        {
            if (input[at] != '\r')
            {
                _trailerStore ??= new HeaderBlock();
                _trailerLineStart = 0;
                _trailerScan = 0;
                _trailerFields = 0;
                _state = State.TrailerLines;
                return HttpRejectionCode.None;
            }

            at++;
            _state = State.FinalLineFeed;
            return HttpRejectionCode.None;
        }

        if (_state == State.FinalLineFeed)
        {
            _state = State.Done;
            return input[at++] == '\n' ? HttpRejectionCode.None : HttpRejectionCode.BareCarriageReturn;
        }

        HeaderBlock store = _trailerStore!;
        int carried = store.UsedBytes;
        ReadOnlySpan<byte> fresh = input[at..];
        store.Append(fresh[..Math.Min(fresh.Length, _limits.MaxTrailerOctets + 1 - carried)]);
        HttpRejectionCode code = ReadTrailerLines(store);
        if (code == HttpRejectionCode.None) at = _state == State.Done ? at + _trailerLineStart - carried : input.Length;
        return code;
    }

    private HttpRejectionCode ReadTrailerLines(HeaderBlock store)
    {
        while (true)
        {
            int start = _trailerLineStart;
            ReadOnlySpan<byte> text = store.Store;
            switch (HeadScanner.Next(text, ref _trailerScan, start, _limits.MaxTrailerOctets, int.MaxValue, out int end))
            {
                case LineStatus.NeedMore: return HttpRejectionCode.None;
                case LineStatus.HeadTooLarge: return HttpRejectionCode.TrailersTooLarge;
                case LineStatus.BareLineFeed: return HttpRejectionCode.BareLineFeed;
            }

            _trailerLineStart = _trailerScan;
            ReadOnlySpan<byte> line = text[start..end];
            if (line.Length == 0)
            {
                _state = State.Done;
                return HttpRejectionCode.None;
            }

            if (_trailerFields++ == _limits.MaxFields) return HttpRejectionCode.TooManyFields;
            HttpRejectionCode code = FieldLine.Read(line, _trailerFields == 1, _isResponse, out int nameLength, out ByteRange value);
            if (code != HttpRejectionCode.None) return code;
            if (!TrailerFields.IsAllowed(KnownHeaders.Recognize(line[..nameLength]))) continue;
            if (!store.IndexLine(line, start, nameLength, value)) return HttpRejectionCode.TrailersTooLarge;
        }
    }

    private void Refuse(HttpRejectionCode code)
    {
        _state = State.Refused;
        Rejection = new HttpRejection(code, _isResponse);
    }

    /// <summary>Where in the content the next octet stands. The trailer states come last.</summary>
    private enum State : byte
    {
        Done,
        Refused,
        UntilClose,
        Length,
        Size,
        BadWhitespace,
        Extension,
        SizeLineFeed,
        ChunkContent,
        ContentCarriageReturn,
        ContentLineFeed,
        TrailerStart,
        FinalLineFeed,
        TrailerLines,
    }
}
