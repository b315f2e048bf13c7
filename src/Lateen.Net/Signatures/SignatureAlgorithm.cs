namespace Lateen.Net.Signatures;

/// <summary>The signature algorithms of JWS with public keys (RFC 7518 section 3.1, RFC 8037 section 3.1).</summary>
public enum SignatureAlgorithm : byte
{
    /// <summary>RSASSA-PKCS1-v1_5 with SHA-256.</summary>
    Rs256,
    Rs384,
    Rs512,

    /// <summary>RSASSA-PSS with SHA-256, a salt as long as the digest.</summary>
    Ps256,
    Ps384,
    Ps512,

    /// <summary>ECDSA on P-256 with SHA-256; the signature is r and s, 32 octets each.</summary>
    Es256,

    /// <summary>On P-384 with SHA-384, 48 octets each.</summary>
    Es384,

    /// <summary>On P-521 with SHA-512, 66 octets each.</summary>
    Es512,

    /// <summary>Ed25519, 64 octets.</summary>
    EdDsa,
}
