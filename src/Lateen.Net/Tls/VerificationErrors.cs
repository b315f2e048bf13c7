namespace Lateen.Net.Tls;

/// <summary>OpenSSL's numbers of what is wrong with a chain (x509_vfy.h), sorted into our causes.</summary>
internal static class VerificationErrors
{
    internal const int None = 0;
    internal const int NotYetValid = 9;
    internal const int Expired = 10;

    private const int NoIssuer = 2;
    private const int NoRevocationList = 3;

    /// <summary>The issuer's key does not fit: as good as always a root of the same name that was made anew.</summary>
    private const int Signature = 7;

    private const int RevocationListSignature = 8;
    private const int RevocationListNotYetValid = 11;
    private const int RevocationListExpired = 12;
    private const int SelfSigned = 18;
    private const int SelfSignedRoot = 19;
    private const int NoIssuerLocally = 20;
    private const int LeafSignature = 21;
    private const int Revoked = 23;
    private const int Untrusted = 27;
    private const int Rejected = 28;
    private const int NoRevocationListIssuer = 33;
    private const int HostMismatch = 62;

    internal static TlsFailureCause CauseOf(int error) => error switch
    {
        Expired => TlsFailureCause.CertificateExpired,
        NotYetValid => TlsFailureCause.CertificateNotYetValid,
        NoIssuer or Signature or SelfSigned or SelfSignedRoot or NoIssuerLocally or LeafSignature or Untrusted => TlsFailureCause.UnknownAuthority,
        Revoked or NoRevocationList or RevocationListSignature or RevocationListNotYetValid or RevocationListExpired or NoRevocationListIssuer
            => TlsFailureCause.CertificateRevoked,
        _ => TlsFailureCause.BadCertificate,
    };

    /// <summary>What a leaf of no use is called towards OpenSSL, which makes it the alert bad_certificate.</summary>
    internal static int OfLeaf(TlsFailureCause cause) => cause switch
    {
        TlsFailureCause.NameMismatch => HostMismatch,
        TlsFailureCause.CertificateExpired => Expired,
        _ => Rejected,
    };
}
