using System.Collections.Immutable;
using System.Net;
using Google.Protobuf.WellKnownTypes;

namespace Lateen.Proxy.Clusters;

/// <summary>The endpoints of a cluster as configuration states them (<c>ClusterLoadAssignment</c>), names not yet resolved.</summary>
/// <remarks>Immutable.</remarks>
internal sealed record EndpointAssignment(ImmutableArray<AssignedLocality> Localities, uint OverprovisioningPercent)
{
    public static readonly EndpointAssignment Empty = new([], LoadBalancingOptions.Default.OverprovisioningPercent);
}

/// <summary>Endpoints that share a place and a priority.</summary>
internal sealed record AssignedLocality(EndpointLocality Locality, int Priority, uint? Weight, ImmutableArray<AssignedEndpoint> Endpoints);

/// <summary>One endpoint, given by address or by name.</summary>
internal sealed record AssignedEndpoint
{
    /// <summary>Null when <see cref="Host"/> is a name to resolve.</summary>
    public EndPoint? Address { get; init; }

    public string Host { get; init; } = string.Empty;

    public int Port { get; init; }

    /// <summary><c>Endpoint.hostname</c>; empty: none.</summary>
    public string Hostname { get; init; } = string.Empty;

    public uint Weight { get; init; } = 1;

    public EndpointHealth Health { get; init; }

    public WorkloadIdentity? Workload { get; init; }

    /// <summary>Metadata <c>envoy.transport_socket_match</c>; null: none.</summary>
    public Struct? TransportMatch { get; init; }
}
