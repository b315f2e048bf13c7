namespace Lateen.Net.Tls;

/// <summary>What a handshake agreed on. Immutable; outlives its connection.</summary>
public sealed class TlsSession
{
    internal TlsSession()
    {
    }

    public required TlsVersion Version { get; init; }

    /// <summary><c>TLSv1.2</c> or <c>TLSv1.3</c>, as Envoy's access logs have it.</summary>
    public string VersionName => Version == TlsVersion.Tls13 ? "TLSv1.3" : "TLSv1.2";

    /// <summary>The suite by OpenSSL's name: <c>TLS_AES_256_GCM_SHA384</c>, <c>ECDHE-RSA-AES128-GCM-SHA256</c>.</summary>
    public required string CipherSuite { get; init; }

    /// <summary>The application protocol; null when none was agreed.</summary>
    public AlpnProtocol? Alpn { get; init; }

    /// <summary>The name that the client asked for, lower case; null when it named none.</summary>
    public string? ServerName { get; init; }

    /// <summary>Whether the session was resumed, so that no certificate was exchanged.</summary>
    public bool IsResumed { get; init; }

    /// <summary>The leaf that the peer proved to hold; null when it showed none. After a resumption, that of the first handshake.</summary>
    public TlsCertificate? PeerCertificate { get; init; }

    /// <summary>The peer's chain was verified against trusted roots, and its names and pins fit. False where nothing is verified.</summary>
    public bool IsPeerTrusted { get; init; }

    /// <summary>The leaf that this side showed; null when it has none. A client has it also where it was not asked.</summary>
    public TlsCertificate? LocalCertificate { get; init; }

    /// <summary>Group of the key exchange: <c>X25519</c>, <c>P-256</c>; null where there was none, as in a session resumed by TLS 1.2.</summary>
    public string? Group { get; init; }

    /// <summary>
    /// How the peer proved its key: <c>ecdsa_secp256r1_sha256</c>, <c>rsa_pss_rsae_sha256</c>; null where it showed no certificate in this
    /// handshake.
    /// </summary>
    public string? PeerSignatureAlgorithm { get; init; }

    /// <summary>Session id in lower-case hex; empty where the version or the resumption by ticket has none.</summary>
    public string SessionId { get; init; } = "";
}
