using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Numerics;
using Lateen.Net.Interop;

namespace Lateen.Net.Signatures;

/// <summary>
/// A public key with which signatures are verified: RSA of 2048 to 8192 bits, the NIST curves P-256, P-384 and P-521, Ed25519. Weaker or
/// malformed keys are never made. A key verifies by the algorithms of its kind only, whatever a message claims.
/// </summary>
/// <remarks>
/// Immutable; any thread may verify, several at once (an EVP_PKEY is not changed by it). Verifying takes time (P-256 about 0.1 ms) and asks
/// OpenSSL for memory, none of the collector's. The native key is freed by the collector: keys are few and live as long as a configuration.
/// </remarks>
public sealed unsafe class SignatureKey
{
    /// <summary>NIST SP 800-131A: 112 bits of strength, and RFC 7518 section 3.3. Bits.</summary>
    public const int MinRsaBits = 2048;

    /// <summary>Larger keys make each verification a burden that a peer may choose. Bits.</summary>
    public const int MaxRsaBits = 8192;

    private const int MaxExponentOctets = 8;
    private const int MaxCoordinateOctets = 66;
    private const int Ed25519Octets = 32;

    /// <summary>SEQUENCE of two INTEGERs of 67 octets each, with their heads.</summary>
    private const int MaxDerOctets = 3 + (2 * (3 + MaxCoordinateOctets + 1));

    private readonly KeyHandle _handle;

    private SignatureKey(KeyHandle handle, SignatureKeyKind kind)
    {
        _handle = handle;
        Kind = kind;
    }

    public SignatureKeyKind Kind { get; }

    /// <param name="modulus">Big endian.</param>
    /// <param name="exponent">Big endian, odd, at least 3.</param>
    /// <param name="problem">Why there is no key, fit for an error.</param>
    public static SignatureKey? TryCreateRsa(ReadOnlySpan<byte> modulus, ReadOnlySpan<byte> exponent, [NotNullWhen(false)] out string? problem)
    {
        ReadOnlySpan<byte> number = modulus.TrimStart((byte)0);
        int bits = number.IsEmpty ? 0 : (number.Length * 8) - BitOperations.LeadingZeroCount((uint)number[0]) + 24;
        if (bits is < MinRsaBits or > MaxRsaBits)
        {
            problem = $"an RSA key has {MinRsaBits} to {MaxRsaBits} bits, this one {bits}";
            return null;
        }

        ReadOnlySpan<byte> power = exponent.TrimStart((byte)0);
        if (power.Length is 0 or > MaxExponentOctets || (power[^1] & 1) == 0 || (power.Length == 1 && power[0] < 3) || (number[^1] & 1) == 0)
        {
            problem = "an RSA key has an odd modulus and an odd exponent of 3 to 2^64";
            return null;
        }

        return Load(PublicKeyEncoding.OfRsa(number, power), SignatureKeyKind.Rsa, out problem);
    }

    /// <param name="kind">The curve.</param>
    /// <param name="x">Big endian, of exactly the curve's length (RFC 7518 section 6.2.1.2).</param>
    /// <param name="y">As <paramref name="x"/>.</param>
    /// <param name="problem">Why there is no key, fit for an error. A point that is not on the curve is none.</param>
    public static SignatureKey? TryCreateCurve(SignatureKeyKind kind, ReadOnlySpan<byte> x, ReadOnlySpan<byte> y, [NotNullWhen(false)] out string? problem)
    {
        int octets = CoordinateOctetsOf(kind);
        if (x.Length == octets && y.Length == octets) return Load(PublicKeyEncoding.OfCurve(kind, x, y), kind, out problem);
        problem = $"coordinates on {kind} have {octets} octets, not {x.Length} and {y.Length}";
        return null;
    }

    public static SignatureKey? TryCreateEd25519(ReadOnlySpan<byte> key, [NotNullWhen(false)] out string? problem)
    {
        if (key.Length == Ed25519Octets) return Load(PublicKeyEncoding.OfEd25519(key), SignatureKeyKind.Ed25519, out problem);
        problem = $"an Ed25519 key has {Ed25519Octets} octets, not {key.Length}";
        return null;
    }

    /// <summary>The key's kind is the algorithm's.</summary>
    public bool Fits(SignatureAlgorithm algorithm) => algorithm switch
    {
        SignatureAlgorithm.Es256 => Kind == SignatureKeyKind.P256,
        SignatureAlgorithm.Es384 => Kind == SignatureKeyKind.P384,
        SignatureAlgorithm.Es512 => Kind == SignatureKeyKind.P521,
        SignatureAlgorithm.EdDsa => Kind == SignatureKeyKind.Ed25519,
        _ => Kind == SignatureKeyKind.Rsa,
    };

    /// <summary>True when <paramref name="signature"/>, in the form of JWS (RFC 7518 section 3), is this key's over <paramref name="content"/>.</summary>
    public bool Verify(SignatureAlgorithm algorithm, ReadOnlySpan<byte> content, ReadOnlySpan<byte> signature)
    {
        if (!Fits(algorithm) || signature.IsEmpty || content.IsEmpty) return false;
        if (Kind is SignatureKeyKind.Rsa or SignatureKeyKind.Ed25519) return VerifyNative(algorithm, content, signature);
        int octets = CoordinateOctetsOf(Kind);
        // Exactly r and s: a DER signature is another length, and no second form of the same signature is accepted.
        if (signature.Length != 2 * octets) return false;
        Span<byte> der = stackalloc byte[MaxDerOctets];
        return VerifyNative(algorithm, content, der[..WriteDer(signature[..octets], signature[octets..], der)]);
    }

    private static SignatureKey? Load(byte[] encoded, SignatureKeyKind kind, [NotNullWhen(false)] out string? problem)
    {
        problem = OpenSsl.Problem;
        if (problem is not null) return null;
        fixed (byte* start = encoded)
        {
            byte* at = start;
            nint key = LibCrypto.DecodePublicKey(0, &at, encoded.Length);
            nuint error = OpenSsl.TakeError();
            if (key != 0) return new SignatureKey(new KeyHandle(key), kind);
            problem = $"OpenSSL refuses the key: {OpenSsl.Describe(error)}";
            return null;
        }
    }

    private bool VerifyNative(SignatureAlgorithm algorithm, ReadOnlySpan<byte> content, ReadOnlySpan<byte> signature)
    {
        nint context = LibCrypto.NewDigestContext();
        if (context == 0) return false;
        bool isHeld = false;
        try
        {
            _handle.DangerousAddRef(ref isHeld);
            nint keyContext;
            fixed (byte* digest = DigestOf(algorithm), signed = content, given = signature)
            {
                if (LibCrypto.BeginVerification(context, &keyContext, digest, 0, null, _handle.DangerousGetHandle(), null) != 1) return false;
                if (!SetPadding(algorithm, keyContext)) return false;
                return LibCrypto.VerifySignature(context, given, (nuint)signature.Length, signed, (nuint)content.Length) == 1;
            }
        }
        finally
        {
            // Of the key's context too, which belongs to this one.
            LibCrypto.FreeDigestContext(context);
            OpenSsl.TakeError();
            if (isHeld) _handle.DangerousRelease();
        }
    }

    private static bool SetPadding(SignatureAlgorithm algorithm, nint keyContext) => algorithm switch
    {
        SignatureAlgorithm.Rs256 or SignatureAlgorithm.Rs384 or SignatureAlgorithm.Rs512 => LibCrypto.SetRsaPadding(keyContext, LibCrypto.RsaPaddingPkcs1) == 1,
        SignatureAlgorithm.Ps256 or SignatureAlgorithm.Ps384 or SignatureAlgorithm.Ps512 =>
            LibCrypto.SetRsaPadding(keyContext, LibCrypto.RsaPaddingPss) == 1 && LibCrypto.SetSaltLength(keyContext, LibCrypto.SaltAsDigest) == 1,
        _ => true,
    };

    /// <summary>Terminated, as C wants it; empty, thus null, where the algorithm has its digest built in.</summary>
    private static ReadOnlySpan<byte> DigestOf(SignatureAlgorithm algorithm) => algorithm switch
    {
        SignatureAlgorithm.Rs256 or SignatureAlgorithm.Ps256 or SignatureAlgorithm.Es256 => "SHA256\0"u8,
        SignatureAlgorithm.Rs384 or SignatureAlgorithm.Ps384 or SignatureAlgorithm.Es384 => "SHA384\0"u8,
        SignatureAlgorithm.Rs512 or SignatureAlgorithm.Ps512 or SignatureAlgorithm.Es512 => "SHA512\0"u8,
        _ => default,
    };

    private static int CoordinateOctetsOf(SignatureKeyKind kind) => kind switch
    {
        SignatureKeyKind.P256 => 32,
        SignatureKeyKind.P384 => 48,
        SignatureKeyKind.P521 => MaxCoordinateOctets,
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>ECDSA-Sig-Value of RFC 3279 section 2.2.3, which OpenSSL takes.</summary>
    private static int WriteDer(ReadOnlySpan<byte> r, ReadOnlySpan<byte> s, Span<byte> der)
    {
        Span<byte> numbers = stackalloc byte[MaxDerOctets];
        int length = WriteInteger(r, numbers);
        length += WriteInteger(s, numbers[length..]);
        int head = 0;
        der[head++] = 0x30;
        if (length > 127) der[head++] = 0x81;
        der[head++] = (byte)length;
        numbers[..length].CopyTo(der[head..]);
        return head + length;
    }

    private static int WriteInteger(ReadOnlySpan<byte> number, Span<byte> target)
    {
        ReadOnlySpan<byte> value = number[..^1].TrimStart((byte)0).IsEmpty ? number[^1..] : number.TrimStart((byte)0);
        int head = 0;
        bool needsZero = value[0] > 127;
        target[head++] = (byte)UniversalTagNumber.Integer;
        target[head++] = (byte)(value.Length + (needsZero ? 1 : 0));
        if (needsZero) target[head++] = 0;
        value.CopyTo(target[head..]);
        return head + value.Length;
    }
}
