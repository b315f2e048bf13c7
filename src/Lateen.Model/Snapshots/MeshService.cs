using System.Collections.Immutable;
using Lateen.Model.Networking;
using Lateen.Model.Security;

namespace Lateen.Model;

/// <summary>Identity of a service in the mesh: two namespaces may declare the same host.</summary>
public readonly record struct ServiceKey(string Hostname, string Namespace) : IComparable<ServiceKey>
{
    public int CompareTo(ServiceKey other)
    {
        var order = string.CompareOrdinal(Hostname, other.Hostname);
        return order != 0 ? order : string.CompareOrdinal(Namespace, other.Namespace);
    }

    public override string ToString() => $"{Namespace}/{Hostname}";
}

/// <summary>How the endpoints of a service come to be known.</summary>
public enum ServiceResolution
{
    /// <summary>The snapshot knows them (Envoy EDS).</summary>
    Endpoints = 0,

    /// <summary>Every address that DNS gives for the endpoints' names (STRICT_DNS).</summary>
    Dns = 1,

    /// <summary>One address that DNS gives (LOGICAL_DNS).</summary>
    DnsRoundRobin = 2,

    /// <summary>The address that the client connected to (ORIGINAL_DST).</summary>
    Passthrough = 3,

    /// <summary>By the host that each request asks for.</summary>
    DynamicDns = 4,
}

/// <summary>A port of a service.</summary>
/// <param name="TargetPort">Port at endpoints that do not say their own; null when only endpoints know (a named target port).</param>
public sealed record MeshServicePort(int Number, string Name, PortProtocol Protocol, int? TargetPort);

/// <summary>
/// A service whatever declared it: a core Service, or one host of a ServiceEntry. Immutable; made once per resource and shared between
/// snapshots until something that it says changes.
/// </summary>
public sealed class MeshService
{
    /// <summary>Lower-case FQDN, or a wildcard (ServiceEntry only).</summary>
    public required string Hostname { get; init; }

    public required string Namespace { get; init; }

    /// <summary>The declaring resource's name: for a core Service the short name that clients may use.</summary>
    public required string Name { get; init; }

    public ServiceKey Key => new(Hostname, Namespace);

    public required ImmutableArray<MeshServicePort> Ports { get; init; }

    /// <summary>Virtual addresses (IP or CIDR); empty for headless services and names without one.</summary>
    public ImmutableArray<string> Addresses { get; init; } = [];

    public ServiceResolution Resolution { get; init; }

    /// <summary>True outside the mesh: no mutual TLS, and reported as external.</summary>
    public bool IsExternal { get; init; }

    public bool IsHeadless { get; init; }

    /// <summary>True when a core Service declared it; such a one beats a ServiceEntry for the same host.</summary>
    public bool IsKubernetes => Source.Kind == ResourceKind.Service;

    public required ExportScope ExportTo { get; init; }

    public StringMap<string> Labels { get; init; } = StringMap<string>.Empty;

    /// <summary>Labels of the workloads behind it; null: none are selected.</summary>
    public StringMap<string>? Selector { get; init; }

    public ImmutableArray<string> SubjectAltNames { get; init; } = [];

    public required ResourceKey Source { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The port with that number; null when there is none.</summary>
    public MeshServicePort? Port(int number)
    {
        foreach (var port in Ports)
            if (port.Number == number) return port;
        return null;
    }

    /// <summary>
    /// Whether another says the same in all that it says: then it is not a change of the service that its resource was written anew, be it for an
    /// endpoint that moved, and everything that was made of this one still stands.
    /// </summary>
    internal bool SaysTheSame(MeshService other) =>
        Hostname == other.Hostname && Namespace == other.Namespace && Name == other.Name && Ports.AsSpan().SequenceEqual(other.Ports.AsSpan())
        && Addresses.AsSpan().SequenceEqual(other.Addresses.AsSpan()) && Resolution == other.Resolution && IsExternal == other.IsExternal
        && IsHeadless == other.IsHeadless && ExportTo.Equals(other.ExportTo) && Labels.Equals(other.Labels) && Equals(Selector, other.Selector)
        && SubjectAltNames.AsSpan().SequenceEqual(other.SubjectAltNames.AsSpan()) && Source == other.Source && CreatedAt == other.CreatedAt;

    public override string ToString() => Key.ToString();
}

/// <summary>What is known about an endpoint's health before anyone probes it.</summary>
public enum EndpointHealth
{
    Healthy = 0,
    Unhealthy = 1,

    /// <summary>Finishing what it has; takes nothing new.</summary>
    Draining = 2,
}

/// <summary>One address that serves one port of a service.</summary>
public sealed record MeshEndpoint
{
    /// <summary>IP address, DNS name (services with DNS resolution), or absolute path of a unix socket.</summary>
    public required string Address { get; init; }

    /// <summary>Port at this address; 0 for a unix socket.</summary>
    public required int Port { get; init; }

    /// <summary>Labels that subsets select by.</summary>
    public StringMap<string> Labels { get; init; } = StringMap<string>.Empty;

    /// <summary><c>region/zone/subzone</c>; empty when unknown.</summary>
    public string Locality { get; init; } = "";

    public string Network { get; init; } = "";

    /// <summary>At least 1.</summary>
    public uint Weight { get; init; } = 1;

    /// <summary>The account that the endpoint's certificate names; empty when unknown.</summary>
    public string ServiceAccount { get; init; } = "";

    /// <summary>The endpoint is a proxy with an identity, so it can speak the mesh's mutual TLS (label <c>security.istio.io/tlsMode: istio</c>).</summary>
    public bool HasIdentity { get; init; }

    /// <summary>What the endpoint's port takes (PeerAuthentication); unset outside the mesh.</summary>
    public MutualTlsMode MutualTls { get; init; }

    /// <summary>Clients with an identity speak mutual TLS to it, where no DestinationRule says otherwise.</summary>
    public bool TakesMutualTls => HasIdentity && MutualTls is MutualTlsMode.Permissive or MutualTlsMode.Strict;

    public EndpointHealth Health { get; init; }

    /// <summary>Name of the workload for metrics; empty when unknown.</summary>
    public string WorkloadName { get; init; } = "";

    public string Namespace { get; init; } = "";

    public bool IsUnixSocket => Address.StartsWith('/');
}

/// <summary>The endpoints of one service, by service port. Immutable, shared between snapshots until one of them changes.</summary>
public sealed class ServiceEndpoints
{
    public static readonly ServiceEndpoints None = new([]);

    private readonly ImmutableArray<(int Port, ImmutableArray<MeshEndpoint> Endpoints)> _ports;

    public ServiceEndpoints(ImmutableArray<(int Port, ImmutableArray<MeshEndpoint> Endpoints)> ports) => _ports = ports;

    /// <summary>Endpoints of a service port, in address order; empty when the port is not known.</summary>
    public ImmutableArray<MeshEndpoint> ForPort(int servicePort)
    {
        foreach (var (port, endpoints) in _ports)
            if (port == servicePort) return endpoints;
        return [];
    }

    /// <summary>Value equality: same endpoints on the same ports.</summary>
    public bool SameAs(ServiceEndpoints other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (_ports.Length != other._ports.Length) return false;
        for (var i = 0; i < _ports.Length; i++)
            if (_ports[i].Port != other._ports[i].Port || !_ports[i].Endpoints.SequenceEqual(other._ports[i].Endpoints)) return false;
        return true;
    }
}
