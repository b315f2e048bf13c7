using System.Collections.Immutable;

namespace Lateen.Model.Kubernetes;

/// <summary>A part of a Service's endpoints, tied to it by the label <c>kubernetes.io/service-name</c>.</summary>
public sealed record EndpointSlice
{
    /// <summary><c>IPv4</c>, <c>IPv6</c> or <c>FQDN</c>.</summary>
    public required string AddressType { get; init; }

    public ImmutableArray<SliceEndpoint> Endpoints { get; init; } = [];

    public ImmutableArray<SlicePort> Ports { get; init; } = [];
}

/// <summary>One endpoint of a slice. An unknown readiness counts as ready (Kubernetes' rule).</summary>
public sealed record SliceEndpoint
{
    /// <summary>Kubernetes treats them as fungible: the first is used.</summary>
    public ImmutableArray<string> Addresses { get; init; } = [];

    public bool IsReady { get; init; } = true;

    public bool IsServing { get; init; } = true;

    public bool IsTerminating { get; init; }

    public string? Hostname { get; init; }

    public string? Zone { get; init; }

    /// <summary>The name of the object behind the address, a pod as a rule.</summary>
    public string? TargetName { get; init; }
}

/// <summary>A port of a slice, matched to the service's port by name.</summary>
public sealed record SlicePort(string Name, int Port, string Transport, string? AppProtocol);
