namespace Lateen.Net.Tls;

/// <summary>Why a handshake, or a connection after it, failed. Counters and access logs tell these apart.</summary>
public enum TlsFailureCause
{
    /// <summary>None of the others; the text tells more.</summary>
    Other = 0,

    /// <summary>A certificate of the peer's chain has expired.</summary>
    CertificateExpired,

    /// <summary>A certificate of the peer's chain is not valid yet, or a clock is wrong.</summary>
    CertificateNotYetValid,

    /// <summary>The peer's chain does not lead to a trusted root.</summary>
    UnknownAuthority,

    /// <summary>The peer's certificate is trusted but is not for the name that was asked, or no SAN matcher accepts it.</summary>
    NameMismatch,

    /// <summary>A certificate of the peer's chain is on the revocation list, or the list that would say so is missing or out of date.</summary>
    CertificateRevoked,

    /// <summary>The peer's certificate has neither of the pinned hashes.</summary>
    PinMismatch,

    /// <summary>The peer's certificate is malformed, not meant for this use, too weak, or badly signed.</summary>
    BadCertificate,

    /// <summary>The server asked for a client certificate and got none. At the client: the server's alert said so.</summary>
    NoClientCertificate,

    /// <summary>No cipher suite, curve or signature algorithm in common.</summary>
    NoSharedCipher,

    /// <summary>No protocol version in common.</summary>
    NoSharedVersion,

    /// <summary>No application protocol in common.</summary>
    AlpnMismatch,

    /// <summary>The client named no server though the server insists on it.</summary>
    NoServerName,

    /// <summary>The peer does not speak TLS, such as a client that sends plain HTTP.</summary>
    NotTls,

    /// <summary>The peer's greeting exceeded the bound before it was complete.</summary>
    HelloTooLarge,

    /// <summary>The handshake was not done in its time.</summary>
    TimedOut,

    /// <summary>The peer, or the network, ended the connection.</summary>
    PeerClosed,

    /// <summary>The peer refused with an alert that none of the others stands for; <see cref="TlsFailure.Alert"/> is its number.</summary>
    PeerAlert,

    /// <summary>The peer broke the protocol.</summary>
    ProtocolViolation,

    /// <summary>This side gave up: the connection or its context was closed.</summary>
    ClosedLocally,
}

/// <summary>A failure of TLS as a value: the cause, and one line for logs that holds no secret and nothing that the peer chose freely.</summary>
/// <param name="Cause">What to count.</param>
/// <param name="Text">What to log: lower case, no full stop.</param>
/// <param name="Alert">Number of the alert that the peer sent, -1 when there was none (RFC 8446 6).</param>
public sealed record TlsFailure(TlsFailureCause Cause, string Text, int Alert = -1)
{
    public override string ToString() => Text;
}
