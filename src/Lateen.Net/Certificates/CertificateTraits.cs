namespace Lateen.Net.Certificates;

/// <summary>What a certificate may be used for (RFC 5280 sections 4.2.1.3, 4.2.1.9 and 4.2.1.12), and whether it names itself as its issuer.</summary>
[Flags]
public enum CertificateTraits
{
    None = 0,

    /// <summary>basicConstraints says CA.</summary>
    IsAuthority = 1,

    /// <summary>It may sign certificates: keyUsage says keyCertSign, or there is none.</summary>
    MaySign = 2,

    /// <summary>Subject and issuer are the same name.</summary>
    IsSelfIssued = 4,

    /// <summary>A TLS client may show it.</summary>
    IsForClients = 8,

    /// <summary>A TLS server may show it.</summary>
    IsForServers = 16,
}
