namespace Lateen.Http;

/// <summary>What <see cref="Http1BodyDecoder.Decode"/> made of a piece of input.</summary>
public enum BodyStatus : byte
{
    /// <summary>All input is used up; <see cref="BodyStep.PayloadLength"/> may be 0. Give it more.</summary>
    NeedMore = 0,

    /// <summary>Here is payload; call again with the input after <see cref="BodyStep.Consumed"/>, which holds more.</summary>
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
