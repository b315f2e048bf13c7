namespace Lateen.Net.Tls;

/// <summary>A certificate with its key, as PEM. No member is ever shown in an error.</summary>
public sealed class TlsCertificateOptions
{
    /// <summary>The leaf first, then the intermediates.</summary>
    public required ReadOnlyMemory<byte> CertificateChainPem { get; init; }

    /// <summary>PKCS#8, PKCS#1 or SEC1; encrypted when <see cref="Password"/> is given.</summary>
    public required ReadOnlyMemory<byte> PrivateKeyPem { get; init; }

    /// <summary>Opens an encrypted key. At most 1,024 octets.</summary>
    public ReadOnlyMemory<byte> Password { get; init; }
}

/// <summary>What a server asks of its clients.</summary>
public enum TlsClientCertificateMode
{
    /// <summary>No certificate is asked for.</summary>
    None,

    /// <summary>A certificate is asked for; a client that has none is let in.</summary>
    Optional,

    /// <summary>A client without a certificate is refused.</summary>
    Required,
}

/// <summary>
/// How the peer's certificate is judged, in the terms of Envoy's CertificateValidationContext. With nothing set nothing is verified:
/// whoever wants trust names its roots.
/// </summary>
public sealed record TlsVerificationOptions
{
    /// <summary>Trusted certificates; an intermediate among them is a trust anchor as well. Empty: the chain is not verified.</summary>
    public ReadOnlyMemory<byte> TrustedRootsPem { get; init; }

    /// <summary>Trusts the system's roots, alone or beside <see cref="TrustedRootsPem"/>.</summary>
    public bool UseSystemRoots { get; init; }

    /// <summary>Revocation lists. With any given, each authority of the chain needs one, unless <see cref="CheckLeafRevocationOnly"/>.</summary>
    public ReadOnlyMemory<byte> RevocationListsPem { get; init; }

    /// <summary>Only the leaf is looked up in the revocation lists.</summary>
    public bool CheckLeafRevocationOnly { get; init; }

    /// <summary>Certificates out of their time are accepted.</summary>
    public bool AllowExpired { get; init; }

    /// <summary>
    /// A chain that fails verification is let in and <see cref="TlsSession.IsPeerTrusted"/> is false; its names and pins are then not looked at.
    /// </summary>
    public bool AcceptUntrusted { get; init; }

    /// <summary>Intermediates between leaf and root, at most. 0 to 100; null is OpenSSL's 100.</summary>
    public int? MaxDepth { get; init; }

    /// <summary>SHA-256 of the DER of acceptable leaves, 32 octets each. With these or <see cref="PublicKeyHashes"/> one has to match.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> CertificateHashes { get; init; } = [];

    /// <summary>SHA-256 of the SubjectPublicKeyInfo of acceptable leaves, 32 octets each.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> PublicKeyHashes { get; init; } = [];

    /// <summary>Says whether a name is acceptable; the leaf needs one that is. Null: any name. Needs trusted roots.
    /// Called on reactors, must be pure.</summary>
    public Func<SubjectAltName, bool>? AcceptsName { get; init; }

    /// <summary>
    /// Judges all names of the leaf together, before <see cref="AcceptsName"/>: null when they may be, else why not, in words for a log that
    /// repeat nothing of them. Null: any names. Needs trusted roots. Called on reactors, must be pure.
    /// </summary>
    public Func<IReadOnlyList<SubjectAltName>, string?>? RefusesNames { get; init; }

    /// <summary>Whether chains are verified.</summary>
    public bool VerifiesChain => UseSystemRoots || !TrustedRootsPem.IsEmpty;
}

/// <summary>What both sides have in common. Immutable, as the contexts that are made from it.</summary>
public abstract record TlsOptions
{
    /// <summary>Bound of each list. Count.</summary>
    internal const int MaxListed = 64;

    /// <summary>
    /// Own certificates. A server needs one. Of several that suit the client's name (see <see cref="TlsServerOptions"/>), the kind of key that
    /// the peer can verify decides.
    /// </summary>
    public IReadOnlyList<TlsCertificateOptions> Certificates { get; init; } = [];

    public TlsVersion MinVersion { get; init; } = TlsVersion.Tls12;

    public TlsVersion MaxVersion { get; init; } = TlsVersion.Tls13;

    /// <summary>
    /// Suites of TLS 1.2 and 1.3 by OpenSSL's or IANA's names, <c>[A|B]</c> where two are equally good (the client's order decides between
    /// them). Empty: Envoy's defaults. Without one of TLS 1.3, that version keeps all of its own. An unknown name is an error.
    /// </summary>
    public IReadOnlyList<string> CipherSuites { get; init; } = [];

    /// <summary>Groups of the key exchange: <c>X25519</c>, <c>P-256</c>, <c>P-384</c>, ... Empty: X25519, P-256. An unknown name is an error.</summary>
    public IReadOnlyList<string> Curves { get; init; } = [];

    /// <summary>Application protocols by preference. Empty: ALPN is not used.</summary>
    public IReadOnlyList<AlpnProtocol> Alpn { get; init; } = [];

    /// <summary>How the peer's certificate is judged.</summary>
    public TlsVerificationOptions Verification { get; init; } = new();
}

/// <summary>What a <see cref="TlsServerContext"/> is made from.</summary>
/// <remarks>
/// The client's server name picks the certificates: those with that DNS name, else those with a wildcard over it, else those of the first
/// kind of each key.
/// </remarks>
public sealed record TlsServerOptions : TlsOptions
{
    public TlsClientCertificateMode ClientCertificates { get; init; }

    /// <summary>A client that names no server is refused.</summary>
    public bool RequireServerName { get; init; }

    /// <summary>Refuses a client that offers application protocols of which none is ours; else such a connection has none, as Envoy does it.</summary>
    public bool RequireAlpnMatch { get; init; }

    /// <summary>
    /// Keys of session tickets. Give the same object to the next context and sessions survive the swap. Null: the context makes its own.
    /// </summary>
    public TlsTicketKeys? TicketKeys { get; init; }

    /// <summary>Sessions are resumed from tickets, which hold the session in the client's hands.</summary>
    public bool AllowTickets { get; init; } = true;

    /// <summary>Sessions of clients without tickets are kept here and resumed by their id.</summary>
    public bool AllowSessionIds { get; init; } = true;

    /// <summary>How long a session may be resumed. 1 s to 7 days (RFC 8446 4.6.1); null is 2 hours.</summary>
    public TimeSpan? SessionLifetime { get; init; }
}

/// <summary>What a <see cref="TlsClientContext"/> is made from.</summary>
public sealed record TlsClientOptions : TlsOptions
{
    /// <summary>Sessions kept for resumption, over all server names. 0 to 4,096; 0 resumes nothing. Hit: the least recently used goes.</summary>
    public int MaxSessions { get; init; } = 16;
}

/// <summary>What differs from connection to connection of one client context.</summary>
public sealed record TlsClientParameters
{
    /// <summary>No server name, no name check beyond the context's.</summary>
    public static TlsClientParameters None { get; } = new();

    /// <summary>Sent as SNI, without a closing dot. Null or an address: none is sent (RFC 6066 3).</summary>
    public string? ServerName { get; init; }

    /// <summary>
    /// The host name or address that the certificate has to be for (RFC 9525: SANs only, wildcard in the whole left-most label). Null: not
    /// checked. Comes on top of the context's matchers.
    /// </summary>
    public string? VerifyHost { get; init; }

    /// <summary>Says whether a name is acceptable, as <see cref="TlsVerificationOptions.AcceptsName"/>, on top of it. Must be pure.</summary>
    public Func<SubjectAltName, bool>? AcceptsName { get; init; }

    /// <summary>Offered instead of the context's; null leaves those.</summary>
    public IReadOnlyList<AlpnProtocol>? Alpn { get; init; }
}
