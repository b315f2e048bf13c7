using System.Collections.Concurrent;
using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>Names of OpenSSL's static objects as strings, each made once.</summary>
internal static unsafe class TlsNames
{
    /// <summary>By SSL_CIPHER, of which libssl has a fixed table.</summary>
    private static readonly ConcurrentDictionary<nint, string> Ciphers = new();

    /// <summary>By OpenSSL's number of the group, of which it has a fixed table as well.</summary>
    private static readonly ConcurrentDictionary<int, string?> Groups = new();

    private const int Rsa = 6;
    private const int EllipticCurve = 408;
    private const int Sha256 = 672;
    private const int Sha384 = 673;
    private const int Sha512 = 674;
    private const int RsaPss = 912;
    private const int Ed25519 = 1087;

    internal static string OfCipher(nint cipher) => Ciphers.GetOrAdd(cipher, static native => OpenSsl.Text(LibSsl.CipherName(native)));

    /// <summary>The group of the key exchange by the name that configurations and Envoy's counters use; null when there was none.</summary>
    internal static string? OfGroup(nint ssl)
    {
        var group = (int)LibSsl.Control(ssl, LibSsl.ControlNegotiatedGroup, 0, null);
        return group == 0 ? null : Groups.GetOrAdd(group, static (number, native) => OpenSsl.Text(LibSsl.GroupName(native, number)) switch
        {
            "secp256r1" or "prime256v1" => "P-256",
            "secp384r1" => "P-384",
            "secp521r1" => "P-521",
            "x25519" => "X25519",
            "x448" => "X448",
            "" => null,
            var other => other,
        }, ssl);
    }

    /// <summary>The SignatureScheme of RFC 8446 4.2.3 that the peer signed with; null when it did not in this handshake.</summary>
    internal static string? OfPeerSignature(nint ssl, bool isResumed)
    {
        int kind;
        if (isResumed || LibSsl.PeerSignatureKind(ssl, &kind) != 1)
            return null;
        int digest;
        if (LibSsl.Control(ssl, LibSsl.ControlPeerSignatureDigest, 0, &digest) != 1)
            digest = 0;
        return (kind, digest) switch
        {
            (EllipticCurve, Sha256) => "ecdsa_secp256r1_sha256",
            (EllipticCurve, Sha384) => "ecdsa_secp384r1_sha384",
            (EllipticCurve, Sha512) => "ecdsa_secp521r1_sha512",
            (RsaPss, Sha256) => "rsa_pss_rsae_sha256",
            (RsaPss, Sha384) => "rsa_pss_rsae_sha384",
            (RsaPss, Sha512) => "rsa_pss_rsae_sha512",
            (Rsa, Sha256) => "rsa_pkcs1_sha256",
            (Rsa, Sha384) => "rsa_pkcs1_sha384",
            (Rsa, Sha512) => "rsa_pkcs1_sha512",
            (Ed25519, _) => "ed25519",
            _ => null,
        };
    }
}
