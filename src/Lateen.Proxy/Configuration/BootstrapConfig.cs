using System.Collections.Immutable;
using System.Net;
using Envoy.Config.Bootstrap.V3;
using Envoy.Config.Core.V3;
using Lateen.Proxy.Identity;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Tls;
using Lateen.Xds;

namespace Lateen.Proxy.Configuration;

/// <summary>A bootstrap file that was read and found good: what the process starts with.</summary>
/// <remarks>Immutable.</remarks>
public sealed record BootstrapConfig
{
    /// <summary>As read, for <c>/config_dump</c>.</summary>
    public required Bootstrap Source { get; init; }

    /// <summary>Who this proxy is; empty when the file does not say.</summary>
    public required Node Node { get; init; }

    /// <summary>Where the admin pages listen; null: nowhere.</summary>
    public EndPoint? AdminAddress { get; init; }

    /// <summary>Access logs of the admin pages.</summary>
    public ImmutableArray<CompiledExtension> AdminAccessLogs { get; init; } = [];

    /// <summary>The control plane; null: the file is all there is.</summary>
    public ControlPlaneConfig? ControlPlane { get; init; }

    /// <summary>
    /// Connections of clients that may be open at a time, in the whole process. Count, at least 1; by default the 50,000 of Envoy's best practice at
    /// the edge.
    /// </summary>
    public long MaxDownstreamConnections { get; init; } = ProxyEngineOptions.DefaultMaxConnections;

    /// <summary>Who the workload is, by the mesh's certificate authority; null: nobody in particular.</summary>
    public WorkloadIdentityConfig? Identity { get; init; }
}

/// <summary>How to reach the control plane, and what it is asked for.</summary>
/// <remarks>Immutable.</remarks>
public sealed record ControlPlaneConfig
{
    public required XdsVariant Variant { get; init; }

    /// <summary>The static cluster that holds its addresses.</summary>
    public required string ClusterName { get; init; }

    /// <summary>
    /// Where it listens: <see cref="IPEndPoint"/>, <see cref="DnsEndPoint"/> or a unix socket, in the order in which they are tried.
    /// </summary>
    public required ImmutableArray<EndPoint> Servers { get; init; }

    /// <summary>How connections to it are encrypted; null: they are not.</summary>
    public UpstreamTls? Tls { get; init; }

    /// <summary>The <c>:authority</c> to send; empty: the server's host and port.</summary>
    public string Authority { get; init; } = string.Empty;

    /// <summary>Metadata to send with the stream.</summary>
    public ImmutableArray<KeyValuePair<string, string>> InitialMetadata { get; init; } = [];

    public required TimeSpan ConnectTimeout { get; init; }

    /// <summary>Listeners come from it (<c>lds_config: {ads: {}}</c>).</summary>
    public bool GivesListeners { get; init; }

    /// <summary>Clusters come from it (<c>cds_config: {ads: {}}</c>).</summary>
    public bool GivesClusters { get; init; }

    /// <summary>How long to wait for its first word about listeners before the proxy counts as initialised without it; null: for ever.</summary>
    public TimeSpan? ListenersFetchTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The same of clusters.</summary>
    public TimeSpan? ClustersFetchTimeout { get; init; } = TimeSpan.FromSeconds(15);
}
