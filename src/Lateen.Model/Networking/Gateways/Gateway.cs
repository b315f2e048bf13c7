using System.Collections.Immutable;

namespace Lateen.Model.Networking;

/// <summary>Istio's Gateway: the ports that the selected gateway proxies open, and the hosts served there.</summary>
public sealed record Gateway
{
    /// <summary>Labels of the gateway proxies, in all namespaces. Empty selects every gateway proxy.</summary>
    public StringMap<string> Selector { get; init; } = StringMap<string>.Empty;

    public ImmutableArray<GatewayServer> Servers { get; init; } = [];
}

/// <summary>One port of a gateway.</summary>
public sealed record GatewayServer
{
    public required GatewayPort Port { get; init; }

    /// <summary>IP address or <c>unix:</c> path; null: every address.</summary>
    public string? Bind { get; init; }

    /// <summary>Host patterns, each with an optional namespace that restricts which VirtualServices may attach.</summary>
    public ImmutableArray<GatewayHost> Hosts { get; init; } = [];

    public ServerTlsSettings? Tls { get; init; }

    /// <summary>Parsed, but Istio never gave it a meaning.</summary>
    public string? DefaultEndpoint { get; init; }

    public string? Name { get; init; }

    public SourceLocation? Location { get; init; }
}

/// <summary>The port of a gateway server.</summary>
/// <param name="Number">1 to 65535; 0 never.</param>
public sealed record GatewayPort(int Number, PortProtocol Protocol, string Name, int? TargetPort = null);

/// <summary>A host pattern of a gateway server: <c>[namespace/]host</c>.</summary>
/// <param name="Namespace"><c>*</c> any namespace (also when none is written), <c>.</c> the Gateway's own, or a name.</param>
/// <param name="Host">FQDN, <c>*</c>, or <c>*.suffix</c>; lower case.</param>
public readonly record struct GatewayHost(string Namespace, string Host)
{
    /// <summary>True when a VirtualService of <paramref name="virtualServiceNamespace"/> may attach to this host.</summary>
    public bool AdmitsNamespace(string virtualServiceNamespace, string gatewayNamespace) =>
        Namespace == "*" || (Namespace == "." ? virtualServiceNamespace == gatewayNamespace : virtualServiceNamespace == Namespace);

    public override string ToString() => $"{Namespace}/{Host}";
}

/// <summary>How a server terminates TLS.</summary>
public enum ServerTlsMode
{
    Passthrough = 0,
    Simple = 1,
    Mutual = 2,
    AutoPassthrough = 3,
    IstioMutual = 4,
    OptionalMutual = 5,
}

/// <summary>TLS protocol versions that proxies speak; <see cref="Auto"/> leaves the choice to them. RFC 8996 forbids the older ones.</summary>
public enum TlsProtocolVersion
{
    Auto = 0,
    Tls12 = 1,
    Tls13 = 2,
}

/// <summary>TLS of a gateway server or of a sidecar's ingress listener.</summary>
public sealed record ServerTlsSettings
{
    /// <summary>HTTP servers only: answer 301 to https.</summary>
    public bool HttpsRedirect { get; init; }

    public ServerTlsMode Mode { get; init; }

    public string? ServerCertificate { get; init; }

    public string? PrivateKey { get; init; }

    public string? CaCertificates { get; init; }

    public string? CaCrl { get; init; }

    public string? CredentialName { get; init; }

    public ImmutableArray<string> CredentialNames { get; init; } = [];

    public ImmutableArray<ServerTlsCertificate> TlsCertificates { get; init; } = [];

    public string? CaCertCredentialName { get; init; }

    public ImmutableArray<string> SubjectAltNames { get; init; } = [];

    public ImmutableArray<string> VerifyCertificateSpki { get; init; } = [];

    public ImmutableArray<string> VerifyCertificateHash { get; init; } = [];

    public TlsProtocolVersion MinProtocolVersion { get; init; }

    public TlsProtocolVersion MaxProtocolVersion { get; init; }

    public ImmutableArray<string> CipherSuites { get; init; } = [];

    public bool? InsecureSkipVerify { get; init; }
}

/// <summary>Paths of one certificate, its key and its client CA.</summary>
public sealed record ServerTlsCertificate(string ServerCertificate, string PrivateKey, string? CaCertificates);
