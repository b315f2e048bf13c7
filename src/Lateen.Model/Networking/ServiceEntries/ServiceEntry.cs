using System.Collections.Immutable;

namespace Lateen.Model.Networking;

/// <summary>Where a ServiceEntry's endpoints are.</summary>
public enum ServiceEntryLocation
{
    MeshExternal = 0,
    MeshInternal = 1,
}

/// <summary>How a ServiceEntry's endpoints are found.</summary>
public enum ServiceEntryResolution
{
    /// <summary>The address that the client connected to.</summary>
    None = 0,

    /// <summary>The endpoints' IP addresses.</summary>
    Static = 1,

    /// <summary>Every address that DNS gives (Envoy STRICT_DNS).</summary>
    Dns = 2,

    /// <summary>The first address that DNS gives (Envoy LOGICAL_DNS).</summary>
    DnsRoundRobin = 3,

    /// <summary>Resolved per request by the host asked for.</summary>
    DynamicDns = 4,
}

/// <summary>Istio's ServiceEntry: a service that no platform registry knows.</summary>
public sealed record ServiceEntry
{
    public ImmutableArray<string> Hosts { get; init; } = [];

    /// <summary>Virtual addresses: IP or CIDR.</summary>
    public ImmutableArray<string> Addresses { get; init; } = [];

    public ImmutableArray<ServiceEntryPort> Ports { get; init; } = [];

    public ServiceEntryLocation Location { get; init; }

    public ServiceEntryResolution Resolution { get; init; }

    public ImmutableArray<WorkloadEntry> Endpoints { get; init; } = [];

    /// <summary>Selects WorkloadEntries of the same namespace; null when not written; excludes <see cref="Endpoints"/>.</summary>
    public StringMap<string>? WorkloadSelector { get; init; }

    public ImmutableArray<string> ExportTo { get; init; } = [];

    public ImmutableArray<string> SubjectAltNames { get; init; } = [];
}

/// <summary>A port of a ServiceEntry.</summary>
/// <param name="TargetPort">Port at the endpoints; null: the same number.</param>
public sealed record ServiceEntryPort(int Number, PortProtocol Protocol, string Name, int? TargetPort = null);
