using System.Collections.Frozen;
using Lateen.Net.Tls;
using Lateen.Proxy.Tls;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>What TLS handshakes count: <c>listener.ADDRESS.ssl.*</c> and <c>cluster.NAME.ssl.*</c>, in Envoy's names.</summary>
public sealed class TlsStats : StatGroup
{
    /// <summary>Counts what has no name of its own here.</summary>
    private const string Other = "other";

    private static readonly string[] CipherNames =
    [
        "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256",
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-SHA",
        "ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA", "AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA", Other,
    ];

    private static readonly string[] CurveNames = ["X25519", "P-256", "P-384", "P-521", "X448", "X25519MLKEM768", Other];

    private static readonly string[] SignatureNames =
    [
        "ecdsa_secp256r1_sha256", "ecdsa_secp384r1_sha384", "ecdsa_secp521r1_sha512", "rsa_pss_rsae_sha256", "rsa_pss_rsae_sha384",
        "rsa_pss_rsae_sha512", "rsa_pkcs1_sha256", "rsa_pkcs1_sha384", "rsa_pkcs1_sha512", "ed25519", Other,
    ];

    private static readonly StatSchema<TlsStats> OfListener = new(static fields => new TlsStats(fields, "envoy_ssl_cipher", "server_ssl_socket_factory.downstream_context_secrets_not_ready"));
    private static readonly StatSchema<TlsStats> OfCluster = new(static fields => new TlsStats(fields, "cipher_suite", "client_ssl_socket_factory.upstream_context_secrets_not_ready"));

    private readonly FrozenDictionary<string, Counter> _ciphers;
    private readonly FrozenDictionary<string, Counter> _curves;
    private readonly FrozenDictionary<string, Counter> _signatures;

    private TlsStats(StatFields fields, string cipherLabel, string notReady)
        : base(fields)
    {
        ConnectionError = fields.Counter("ssl.connection_error");
        Handshake = fields.Counter("ssl.handshake");
        SessionReused = fields.Counter("ssl.session_reused");
        NoCertificate = fields.Counter("ssl.no_certificate");
        FailVerifyNoCert = fields.Counter("ssl.fail_verify_no_cert");
        FailVerifyError = fields.Counter("ssl.fail_verify_error");
        FailVerifySan = fields.Counter("ssl.fail_verify_san");
        FailVerifyCertHash = fields.Counter("ssl.fail_verify_cert_hash");
        SecretsNotReady = fields.Counter(notReady);
        Tls12 = fields.Counter("ssl.versions.TLSv1.2", hiddenWhenZero: true);
        Tls13 = fields.Counter("ssl.versions.TLSv1.3", hiddenWhenZero: true);
        _ciphers = CipherNames.ToDictionary(
                static name => name,
                name => fields.Counter($"ssl.ciphers.{name}", "ssl.ciphers", new StatTag(cipherLabel, name), hiddenWhenZero: true))
            .ToFrozenDictionary(StringComparer.Ordinal);
        _curves = CurveNames.ToDictionary(static name => name, name => fields.Counter($"ssl.curves.{name}", hiddenWhenZero: true))
            .ToFrozenDictionary(StringComparer.Ordinal);
        _signatures = SignatureNames.ToDictionary(static name => name, name => fields.Counter($"ssl.sigalgs.{name}", hiddenWhenZero: true))
            .ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>Handshakes that failed otherwise than by the peer's certificate.</summary>
    public Counter ConnectionError { get; }

    /// <summary>Handshakes that succeeded.</summary>
    public Counter Handshake { get; }

    /// <summary>Of these, those that resumed a session.</summary>
    public Counter SessionReused { get; }

    /// <summary>Of these, those in which the peer showed no certificate.</summary>
    public Counter NoCertificate { get; }

    /// <summary>Handshakes that failed because the peer showed no certificate.</summary>
    public Counter FailVerifyNoCert { get; }

    /// <summary>Handshakes that failed because the chain was not good.</summary>
    public Counter FailVerifyError { get; }

    /// <summary>Handshakes that failed because the certificate was for another name.</summary>
    public Counter FailVerifySan { get; }

    /// <summary>Handshakes that failed because the certificate was not a pinned one.</summary>
    public Counter FailVerifyCertHash { get; }

    /// <summary>Connections refused because a secret had not come.</summary>
    public Counter SecretsNotReady { get; }

    public Counter Tls12 { get; }

    public Counter Tls13 { get; }

    /// <summary>Opens the group of a listener, <c>listener.PREFIX.ssl.*</c>.</summary>
    public static TlsStats OpenListener(StatsRegistry registry, string statPrefix) => OfListener.Open(registry, StatScope.Listener(statPrefix));

    /// <summary>Opens the group of a cluster, <c>cluster.NAME.ssl.*</c>.</summary>
    public static TlsStats OpenCluster(StatsRegistry registry, string statName) => OfCluster.Open(registry, StatScope.Cluster(statName));

    /// <summary>Counts a handshake that is over.</summary>
    public void Count(StatShard shard, in TlsOutcome outcome)
    {
        if (outcome.Session is { } session) CountSuccess(shard, session);
        else if (outcome.Failure is { } failure) CountFailure(shard, failure.Cause);
        else shard.Increment(SecretsNotReady);
    }

    private void CountSuccess(StatShard shard, TlsSession session)
    {
        shard.Increment(Handshake);
        if (session.IsResumed) shard.Increment(SessionReused);
        if (session.PeerCertificate is null) shard.Increment(NoCertificate);
        shard.Increment(session.Version == TlsVersion.Tls13 ? Tls13 : Tls12);
        Increment(shard, _ciphers, session.CipherSuite);
        Increment(shard, _curves, session.Group);
        Increment(shard, _signatures, session.PeerSignatureAlgorithm);
    }

    private static void Increment(StatShard shard, FrozenDictionary<string, Counter> counters, string? name)
    {
        if (name is not null) shard.Increment(counters.TryGetValue(name, out var counter) ? counter : counters[Other]);
    }

    private void CountFailure(StatShard shard, TlsFailureCause cause)
    {
        switch (cause)
        {
            case TlsFailureCause.NoClientCertificate:
                shard.Increment(FailVerifyNoCert);
                break;
            case TlsFailureCause.CertificateExpired or TlsFailureCause.CertificateNotYetValid or TlsFailureCause.UnknownAuthority
                or TlsFailureCause.CertificateRevoked or TlsFailureCause.BadCertificate:
                shard.Increment(FailVerifyError);
                break;
            case TlsFailureCause.NameMismatch:
                shard.Increment(FailVerifySan);
                break;
            case TlsFailureCause.PinMismatch:
                shard.Increment(FailVerifyCertHash);
                break;
            case TlsFailureCause.PeerClosed or TlsFailureCause.ClosedLocally or TlsFailureCause.TimedOut:
                // As in Envoy: nobody broke the protocol. Timeouts have a counter of the listener's own.
                break;
            default:
                shard.Increment(ConnectionError);
                break;
        }
    }
}
