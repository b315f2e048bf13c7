using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Identity.Signing;

/// <summary>Which public keys are good enough, decided from their bytes alone: before any arithmetic is done with what a stranger sent.</summary>
internal static class RequestedKey
{
    private const string Rsa = "1.2.840.113549.1.1.1";
    private const string EllipticCurve = "1.2.840.10045.2.1";

    /// <summary>Bits of an RSA modulus. Below, it can be factored; above, a handshake costs so much that it is an attack on the peer.</summary>
    private const int MinRsaBits = 2048, MaxRsaBits = 4096;

    /// <summary>P-256, P-384, P-521.</summary>
    private static readonly string[] Curves = ["1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"];

    /// <summary>ECDSA and RSA PKCS#1 with SHA-256, SHA-384 and SHA-512 (RFC 5758 section 3.2, RFC 4055 section 5).</summary>
    private static readonly string[] SignatureAlgorithms =
    [
        "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.2.840.10045.4.3.4", "1.2.840.113549.1.1.11", "1.2.840.113549.1.1.12", "1.2.840.113549.1.1.13",
    ];

    public static bool IsKnownSignature(string oid) => SignatureAlgorithms.Contains(oid);

    /// <summary>Why the key is not good enough; null when it is.</summary>
    /// <exception cref="AsnContentException">The key is malformed.</exception>
    public static string? Fault(PublicKey key) => key.Oid.Value switch
    {
        EllipticCurve => CurveFault(key.EncodedParameters),
        Rsa => ModulusFault(key.EncodedKeyValue),
        _ => "the key is neither of an elliptic curve nor RSA",
    };

    private static string? CurveFault(AsnEncodedData? parameters)
    {
        if (parameters is null) return "the curve is not given by its name";
        var reader = new AsnReader(parameters.RawData, AsnEncodingRules.DER);
        // Explicit parameters would let the asker choose the curve's arithmetic (CVE-2020-0601).
        if (reader.PeekTag() != Asn1Tag.ObjectIdentifier) return "the curve is not given by its name";
        return Curves.Contains(reader.ReadObjectIdentifier()) ? null : "the curve is none of P-256, P-384 and P-521";
    }

    private static string? ModulusFault(AsnEncodedData value)
    {
        var key = new AsnReader(value.RawData, AsnEncodingRules.DER).ReadSequence();
        var modulus = key.ReadIntegerBytes().Span;
        if (modulus.Length > 0 && modulus[0] == 0) modulus = modulus[1..];
        var exponent = key.ReadInteger();
        int bits = modulus.Length * 8;
        if (bits is < MinRsaBits or > MaxRsaBits) return $"the RSA key has {bits} bits; {MinRsaBits} to {MaxRsaBits} are taken";
        return exponent < 65537 || exponent > uint.MaxValue || exponent.IsEven ? "the RSA key's exponent is unusual" : null;
    }
}
