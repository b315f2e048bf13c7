namespace Lateen.Http;

/// <summary>What <see cref="Http1BodyDecoder.Decode"/> made of a piece of input.</summary>
public enum BodyStatus : byte
{
    /// <summary>All input is used up; <see cref="BodyStep.PayloadLength"/> may be 0. Give it more.</summary>
    NeedMore = 0,

    /// <summary>Here is payload; call again with the input after <see cref="BodyStep.Consumed"/>, which may still hold more.</summary>
    Payload,

    /// <summary>The content ends here, with the last payload if there is any; trailers are in <see cref="Http1BodyDecoder.Trailers"/>.</summary>
    Complete,

    /// <summary>The content is malformed, see <see cref="Http1BodyDecoder.Rejection"/>. Close.</summary>
    Rejected,
}

/// <summary>
/// One step of decoding. The payload is a slice of the input, given by position so that it can be held across an await.
/// </summary>
/// <param name="Status">How to go on.</param>
/// <param name="Consumed">Octets of the input that are done with, the payload included.</param>
/// <param name="PayloadStart">Where the payload begins in the input.</param>
/// <param name="PayloadLength">Octets of payload; may be 0.</param>
public readonly record struct BodyStep(BodyStatus Status, int Consumed, int PayloadStart, int PayloadLength);

/// <summary>
/// Finds the payload in HTTP/1.1 content (RFC 9112 sections 6 and 7): by length, chunked with extensions and trailers, or until the connection
/// closes. Sans-IO, resumable at any octet, no copies: payload is a slice of the input. One per direction of a connection, reused.
/// </summary>
public sealed class Http1BodyDecoder
{
    /// <summary>Trailer fields, filled before <see cref="BodyStatus.Complete"/>; fields that may not be trailers are left out. Null when there are none.</summary>
    public HeaderBlock? Trailers { get; private set; }

    /// <summary>Why the content was refused.</summary>
    public HttpRejection Rejection { get; private set; }

    /// <summary>True when the content has ended, as well as for a message without content.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Octets of payload so far.</summary>
    public long PayloadOctets { get; private set; }

    /// <summary>Starts on a request's content.</summary>
    public void Start(HttpRequestHead head, Http1Limits limits) => throw new NotSupportedException();

    /// <summary>Starts on a response's content.</summary>
    public void Start(HttpResponseHead head, Http1Limits limits) => throw new NotSupportedException();

    /// <summary>Takes the next piece of input and gives at most one slice of payload.</summary>
    public BodyStep Decode(ReadOnlySpan<byte> input) => throw new NotSupportedException();

    /// <summary>
    /// Tells that the connection has ended. Completes content that runs until then; refuses what is cut short (RFC 9112 section 8).
    /// </summary>
    public BodyStatus EndOfInput() => throw new NotSupportedException();

    /// <summary>Forgets the message and gives back trailer memory above the retained size.</summary>
    public void Reset()
    {
        Trailers = null;
        Rejection = default;
        IsComplete = false;
        PayloadOctets = 0;
    }
}
