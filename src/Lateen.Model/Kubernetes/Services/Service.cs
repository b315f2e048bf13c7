using System.Collections.Immutable;

namespace Lateen.Model.Kubernetes;

/// <summary>Kubernetes' <c>spec.type</c> of a Service.</summary>
public enum ServiceType
{
    ClusterIP = 0,
    NodePort = 1,
    LoadBalancer = 2,
    ExternalName = 3,
}

/// <summary>The core Kubernetes Service, as far as a mesh reads it.</summary>
public sealed record Service
{
    public ServiceType Type { get; init; }

    /// <summary>Virtual addresses; empty, or <c>None</c> for a headless service.</summary>
    public ImmutableArray<string> ClusterIPs { get; init; } = [];

    public bool IsHeadless { get; init; }

    public ImmutableArray<ServicePort> Ports { get; init; } = [];

    /// <summary>Labels of the pods; empty when endpoints are written by hand.</summary>
    public StringMap<string> Selector { get; init; } = StringMap<string>.Empty;

    public string? ExternalName { get; init; }

    public bool PublishNotReadyAddresses { get; init; }

    /// <summary><c>PreferClose</c>, <c>PreferSameZone</c> or <c>PreferSameNode</c>; null when not written.</summary>
    public string? TrafficDistribution { get; init; }
}

/// <summary>A port of a Service.</summary>
/// <param name="Name">Empty only when the service has one port.</param>
/// <param name="Transport"><c>TCP</c>, <c>UDP</c> or <c>SCTP</c>.</param>
/// <param name="TargetPort">Number at the pods; null: the same. A named port is resolved by EndpointSlices and is null here.</param>
public sealed record ServicePort(string Name, int Port, string Transport, string? AppProtocol, int? TargetPort, string? TargetPortName);
