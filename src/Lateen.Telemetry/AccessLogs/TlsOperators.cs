namespace Lateen.Telemetry.AccessLogs;

/// <summary>Whose TLS connection an operator asks about.</summary>
public enum AccessLogTlsSide
{
    /// <summary>The client's to us.</summary>
    Downstream,

    /// <summary>Ours to the endpoint.</summary>
    Upstream,
}

/// <summary>What an operator asks about a TLS connection. All are texts, empty when they are not known.</summary>
public enum AccessLogTlsText
{
    /// <summary><c>TLSv1.3</c></summary>
    Version,
    /// <summary>The suite by OpenSSL's name.</summary>
    Cipher,
    /// <summary>Lower-case hex.</summary>
    SessionId,
    /// <summary>The certificate of the other side; for those below, too.</summary>
    PeerSubject,
    PeerIssuer,
    PeerSerial,
    /// <summary>SHA-256, lower-case hex.</summary>
    PeerFingerprint256,
    /// <summary>SHA-1, lower-case hex.</summary>
    PeerFingerprint1,
    /// <summary>Names of a kind, separated by commas.</summary>
    PeerUriSan,
    PeerDnsSan,
    PeerIpSan,
    PeerEmailSan,
    /// <summary>PEM, percent-encoded.</summary>
    PeerCertificate,
    /// <summary>The certificate that this proxy showed; for those below, too.</summary>
    LocalSubject,
    LocalIssuer,
    LocalSerial,
    LocalFingerprint256,
    LocalFingerprint1,
    LocalUriSan,
    LocalDnsSan,
    LocalIpSan,
    LocalEmailSan,
    LocalCertificate,
}

/// <summary>The moments that an operator asks about a TLS connection.</summary>
public enum AccessLogTlsMoment
{
    PeerValidFrom,
    PeerValidTo,
    LocalValidFrom,
    LocalValidTo,
}

/// <summary>The operators of TLS by name: <c>DOWNSTREAM_PEER_URI_SAN</c>, <c>UPSTREAM_TLS_VERSION</c>, ...</summary>
internal static class TlsOperators
{
    /// <summary>Sides in the high octet of an operator's argument.</summary>
    private const int SideShift = 8;

    private static readonly Dictionary<string, int> Texts = Build([
        ("TLS_VERSION", (int)AccessLogTlsText.Version), ("TLS_CIPHER", (int)AccessLogTlsText.Cipher),
        ("TLS_SESSION_ID", (int)AccessLogTlsText.SessionId), ("PEER_SUBJECT", (int)AccessLogTlsText.PeerSubject),
        ("PEER_ISSUER", (int)AccessLogTlsText.PeerIssuer), ("PEER_SERIAL", (int)AccessLogTlsText.PeerSerial),
        ("PEER_FINGERPRINT_256", (int)AccessLogTlsText.PeerFingerprint256), ("PEER_FINGERPRINT_1", (int)AccessLogTlsText.PeerFingerprint1),
        ("PEER_URI_SAN", (int)AccessLogTlsText.PeerUriSan), ("PEER_DNS_SAN", (int)AccessLogTlsText.PeerDnsSan),
        ("PEER_IP_SAN", (int)AccessLogTlsText.PeerIpSan), ("PEER_EMAIL_SAN", (int)AccessLogTlsText.PeerEmailSan),
        ("PEER_CERT", (int)AccessLogTlsText.PeerCertificate), ("LOCAL_SUBJECT", (int)AccessLogTlsText.LocalSubject),
        ("LOCAL_ISSUER", (int)AccessLogTlsText.LocalIssuer), ("LOCAL_SERIAL", (int)AccessLogTlsText.LocalSerial),
        ("LOCAL_FINGERPRINT_256", (int)AccessLogTlsText.LocalFingerprint256), ("LOCAL_FINGERPRINT_1", (int)AccessLogTlsText.LocalFingerprint1),
        ("LOCAL_URI_SAN", (int)AccessLogTlsText.LocalUriSan), ("LOCAL_DNS_SAN", (int)AccessLogTlsText.LocalDnsSan),
        ("LOCAL_IP_SAN", (int)AccessLogTlsText.LocalIpSan), ("LOCAL_EMAIL_SAN", (int)AccessLogTlsText.LocalEmailSan),
        ("LOCAL_CERT", (int)AccessLogTlsText.LocalCertificate),
    ]);

    private static readonly Dictionary<string, int> Moments = Build([
        ("PEER_CERT_V_START", (int)AccessLogTlsMoment.PeerValidFrom), ("PEER_CERT_V_END", (int)AccessLogTlsMoment.PeerValidTo),
        ("LOCAL_CERT_V_START", (int)AccessLogTlsMoment.LocalValidFrom), ("LOCAL_CERT_V_END", (int)AccessLogTlsMoment.LocalValidTo),
    ]);

    public static bool IsText(string name, out LogOperator? compiled)
    {
        compiled = Texts.TryGetValue(name, out var argument) ? new LogOperator(LogOperatorKind.TlsText) { Argument = argument } : null;
        return compiled is not null;
    }

    /// <summary>An operator that prints a time, in the form of its argument.</summary>
    public static bool IsMoment(string name, out int argument) => Moments.TryGetValue(name, out argument);

    public static AccessLogTlsSide SideOf(int argument) => (AccessLogTlsSide)(argument >> SideShift);

    public static AccessLogTlsText TextOf(int argument) => (AccessLogTlsText)(argument & ((1 << SideShift) - 1));

    public static AccessLogTlsMoment MomentOf(int argument) => (AccessLogTlsMoment)(argument & ((1 << SideShift) - 1));

    private static Dictionary<string, int> Build((string Name, int Field)[] rows)
    {
        var table = new Dictionary<string, int>(2 * rows.Length);
        foreach (var (name, field) in rows)
        {
            table.Add("DOWNSTREAM_" + name, field | ((int)AccessLogTlsSide.Downstream << SideShift));
            table.Add("UPSTREAM_" + name, field | ((int)AccessLogTlsSide.Upstream << SideShift));
        }
        return table;
    }
}
