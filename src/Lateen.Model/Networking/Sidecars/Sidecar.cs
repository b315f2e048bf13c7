using System.Collections.Immutable;

namespace Lateen.Model.Networking;

/// <summary>Istio's Sidecar: what a workload's proxy listens on and which services it may see.</summary>
public sealed record Sidecar
{
    /// <summary>Null: the default of the namespace (in the root namespace, of the mesh).</summary>
    public StringMap<string>? WorkloadSelector { get; init; }

    /// <summary>Replaces the inbound listeners that would be made of the services that select the workload.</summary>
    public ImmutableArray<SidecarIngressListener> Ingress { get; init; } = [];

    /// <summary>Empty imports everything that is exported to the namespace.</summary>
    public ImmutableArray<SidecarEgressListener> Egress { get; init; } = [];

    /// <summary>Null: the mesh's policy.</summary>
    public SidecarOutboundTrafficPolicy? OutboundTrafficPolicy { get; init; }

    public ConnectionPoolSettings? InboundConnectionPool { get; init; }
}

/// <summary>How traffic comes to a listener.</summary>
public enum CaptureMode
{
    Default = 0,
    Iptables = 1,

    /// <summary>The application connects to the listener's port itself.</summary>
    None = 2,
}

/// <summary>A port of a sidecar listener.</summary>
public sealed record SidecarPort(int Number, PortProtocol Protocol, string Name);

/// <summary>A port on which the workload is served.</summary>
public sealed record SidecarIngressListener
{
    public required SidecarPort Port { get; init; }

    /// <summary>IP address; null: the workload's.</summary>
    public string? Bind { get; init; }

    public CaptureMode CaptureMode { get; init; }

    /// <summary>Where the application is: <c>127.0.0.1:8080</c>, <c>[::1]:8080</c>, <c>0.0.0.0:8080</c> (the workload's address) or
    /// <c>unix://path</c>; null: the same port on the loopback.</summary>
    public string? DefaultEndpoint { get; init; }

    public ServerTlsSettings? Tls { get; init; }

    public ConnectionPoolSettings? ConnectionPool { get; init; }

    public SourceLocation? Location { get; init; }
}

/// <summary>A set of services that the workload may see, on all ports or on a port of its own.</summary>
public sealed record SidecarEgressListener
{
    /// <summary>Null for the one listener (the last) that covers every service port.</summary>
    public SidecarPort? Port { get; init; }

    public string? Bind { get; init; }

    public CaptureMode CaptureMode { get; init; }

    public ImmutableArray<SidecarEgressHost> Hosts { get; init; } = [];

    public SourceLocation? Location { get; init; }
}

/// <summary>One import of an egress listener: <c>namespace/dnsName</c>.</summary>
/// <param name="Namespace"><c>.</c> own, <c>*</c> any, <c>~</c> none, or a name.</param>
/// <param name="Host">FQDN, <c>*</c> or <c>*.suffix</c>.</param>
/// <param name="IsExclusion">Written <c>~namespace/host</c>: taken away after the others are added.</param>
public readonly record struct SidecarEgressHost(string Namespace, string Host, bool IsExclusion = false)
{
    public override string ToString() => $"{(IsExclusion ? "~" : "")}{Namespace}/{Host}";
}

/// <summary>What happens to traffic for hosts that nobody knows.</summary>
public enum OutboundTrafficMode
{
    RegistryOnly = 0,
    AllowAny = 1,
    AllowAnyDynamicDns = 3,
}

/// <summary>A sidecar's own answer to unknown hosts. Written without a mode it means <see cref="OutboundTrafficMode.RegistryOnly"/>.</summary>
public sealed record SidecarOutboundTrafficPolicy(OutboundTrafficMode Mode, Destination? EgressProxy);
