using Lateen.Net.Signatures;
using Lateen.Proxy.Filters.Metadata;

namespace Lateen.Proxy.Filters.Jwt;

/// <summary>
/// Reads a token in JWS compact form, <c>BASE64URL(header).BASE64URL(payload).BASE64URL(signature)</c> (RFC 7515 section 7.1), and holds what it read
/// until the signature is verified. Nothing of it is to be believed before that.
/// </summary>
internal ref struct TokenReader
{
    private int _headerLength;
    private int _payloadLength;

    public DynamicMetadata Store { get; private init; }

    public readonly MetadataValue Header => Store["header"u8];

    public readonly MetadataValue Payload => Store["payload"u8];

    public SignatureAlgorithm Algorithm { get; private set; }

    public byte[] Signature { get; private set; }

    /// <summary>What is signed: header, dot, payload as they stand in the token.</summary>
    public readonly ReadOnlySpan<byte> SignedPart(ReadOnlySpan<byte> token) => token[..(_headerLength + 1 + _payloadLength)];

    /// <summary>The payload as it stands in the token.</summary>
    public readonly ReadOnlySpan<byte> PayloadText(ReadOnlySpan<byte> token) => token.Slice(_headerLength + 1, _payloadLength);

    /// <summary><c>exp</c>, seconds since 1970; <see cref="long.MaxValue"/>: none.</summary>
    public long ExpiresAt { get; private set; }

    /// <summary><c>nbf</c>, seconds since 1970; 0: none.</summary>
    public long NotBefore { get; private set; }

    public static JwtStatus Read(ReadOnlySpan<byte> token, out TokenReader reader)
    {
        reader = new TokenReader { Store = new DynamicMetadata(), Signature = [], ExpiresAt = long.MaxValue };
        int first = token.IndexOf((byte)'.');
        int second = first < 0 ? -1 : token[(first + 1)..].IndexOf((byte)'.');
        if (second < 0 || token[(first + second + 2)..].Contains((byte)'.')) return JwtStatus.BadFormat;
        reader._headerLength = first;
        reader._payloadLength = second;
        JwtStatus status = reader.ReadHeader(token[..first]);
        if (status == JwtStatus.Ok) status = reader.ReadPayload(token.Slice(first + 1, second));
        if (status != JwtStatus.Ok) return status;
        if (StrictBase64Url.TryDecode(token[(first + second + 2)..]) is not { } signature) return JwtStatus.SignatureBadBase64;
        reader.Signature = signature;
        return JwtStatus.Ok;
    }

    private JwtStatus ReadHeader(ReadOnlySpan<byte> text)
    {
        if (StrictBase64Url.TryDecode(text) is not { } json) return JwtStatus.HeaderBadBase64;
        if (!StrictJson.TryRead(json, Store.Open("header"u8))) return JwtStatus.HeaderBadJson;
        MetadataValue header = Header;
        if (header["alg"u8].Kind != MetadataKind.Text) return JwtStatus.HeaderBadAlgorithm;
        if (JsonWebKeySet.AlgorithmOf(header["alg"u8].Text) is not { } algorithm) return JwtStatus.AlgorithmNotSupported;
        Algorithm = algorithm;
        if (header["kid"u8].Kind is not (MetadataKind.Missing or MetadataKind.Text)) return JwtStatus.HeaderBadKeyId;
        // RFC 7515 section 4.1.11: who does not understand an extension that is marked critical must not accept. None is understood here.
        return header["crit"u8].IsMissing ? JwtStatus.Ok : JwtStatus.CriticalNotSupported;
    }

    private JwtStatus ReadPayload(ReadOnlySpan<byte> text)
    {
        if (StrictBase64Url.TryDecode(text) is not { } json) return JwtStatus.PayloadBadBase64;
        if (!StrictJson.TryRead(json, Store.Open("payload"u8))) return JwtStatus.PayloadBadJson;
        MetadataValue payload = Payload;
        if (payload["iss"u8].Kind is not (MetadataKind.Missing or MetadataKind.Text)) return JwtStatus.IssuerNotText;
        if (payload["sub"u8].Kind is not (MetadataKind.Missing or MetadataKind.Text)) return JwtStatus.SubjectNotText;
        if (!IsTextOrTexts(payload["aud"u8])) return JwtStatus.AudienceNotText;
        if (!TryReadSeconds(payload["iat"u8], 0, out _)) return JwtStatus.IssuedAtNotInteger;
        if (!TryReadSeconds(payload["nbf"u8], 0, out long notBefore)) return JwtStatus.NotBeforeNotInteger;
        if (!TryReadSeconds(payload["exp"u8], long.MaxValue, out long expiresAt)) return JwtStatus.ExpirationNotInteger;
        NotBefore = notBefore;
        ExpiresAt = expiresAt;
        return JwtStatus.Ok;
    }

    private static bool IsTextOrTexts(MetadataValue claim)
    {
        if (claim.Kind is MetadataKind.Missing or MetadataKind.Text) return true;
        if (claim.Kind != MetadataKind.List) return false;
        for (MetadataValue one = claim.First; !one.IsMissing; one = one.Next)
        {
            if (one.Kind != MetadataKind.Text) return false;
        }

        return true;
    }

    /// <summary>A NumericDate (RFC 7519 section 2) of whole seconds, not negative, and no larger than a double holds exactly.</summary>
    private static bool TryReadSeconds(MetadataValue claim, long whenMissing, out long seconds)
    {
        const double largest = 9_007_199_254_740_992;
        seconds = whenMissing;
        if (claim.IsMissing) return true;
        double number = claim.Number;
        if (claim.Kind != MetadataKind.Number || number < 0 || number > largest || Math.Floor(number) != number) return false;
        seconds = (long)number;
        return true;
    }
}
