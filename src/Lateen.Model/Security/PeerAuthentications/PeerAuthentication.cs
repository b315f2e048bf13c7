using System.Collections.Immutable;

namespace Lateen.Model.Security;

/// <summary>What a workload's port takes from its clients.</summary>
public enum MutualTlsMode
{
    /// <summary>What the level above says.</summary>
    Unset = 0,

    /// <summary>Plaintext; TLS of the mesh is not opened.</summary>
    Disable = 1,

    /// <summary>Mutual TLS of the mesh and plaintext, on one port.</summary>
    Permissive = 2,

    /// <summary>Mutual TLS of the mesh alone.</summary>
    Strict = 3,
}

/// <summary>The mode of one port of a workload, which is the port of its sidecar and not that of a service.</summary>
public readonly record struct PortMutualTls(int Port, MutualTlsMode Mode);

/// <summary>Istio's PeerAuthentication: what the ports of workloads take from their clients.</summary>
public sealed record PeerAuthentication
{
    /// <summary>Null: every workload of the namespace (in the root namespace, of the mesh).</summary>
    public StringMap<string>? Selector { get; init; }

    public MutualTlsMode Mode { get; init; }

    /// <summary>Each port once. <see cref="MutualTlsMode.Unset"/> is the workload's mode. Without effect where there is no selector.</summary>
    public ImmutableArray<PortMutualTls> PortLevelMtls { get; init; } = [];
}
