using System.Collections.Immutable;
using System.Net;
using Lateen.Proxy.Clusters;

namespace Lateen.Proxy.Configuration;

/// <summary>Which way the traffic of a listener flows, from its own configuration; feeds metrics and tracing.</summary>
public enum TrafficDirection
{
    Unspecified,
    Inbound,
    Outbound,
}

/// <summary>One listening address and what becomes of its connections.</summary>
/// <remarks>Immutable. A connection keeps the one under which it was accepted.</remarks>
public sealed class ListenerSnapshot
{
    public required string Name { get; init; }

    /// <summary>
    /// Where to listen, port 0 included. An <see cref="IPEndPoint"/> or a <see cref="Lateen.Net.UnixSocketEndPoint"/>.
    /// </summary>
    public required EndPoint Address { get; init; }

    /// <summary>Further addresses that the same chains serve.</summary>
    public ImmutableArray<EndPoint> AdditionalAddresses { get; init; } = [];

    /// <summary>False: no socket of its own; other listeners may hand connections over.</summary>
    public bool BindToPort { get; init; } = true;

    /// <summary><c>ignore_global_conn_limit</c>: its connections are taken, and not counted, whatever the bound of the process.</summary>
    public bool IgnoresConnectionLimit { get; init; }

    public TrafficDirection Direction { get; init; }

    /// <summary>In configuration order; the choice among them follows <see cref="FilterChainMatch"/>.</summary>
    public required ImmutableArray<FilterChainSnapshot> FilterChains { get; init; }

    /// <summary>Used when no chain matches; null: the connection is closed.</summary>
    public FilterChainSnapshot? DefaultFilterChain { get; init; }

    /// <summary>All chains, the default one last.</summary>
    public IEnumerable<FilterChainSnapshot> AllChains => DefaultFilterChain is { } last ? FilterChains.Append(last) : FilterChains;

    /// <summary>What looks at a connection before its chain is chosen.</summary>
    public ListenerFilters Filters { get; init; } = ListenerFilters.None;

    /// <summary>
    /// Octets of content that may wait on a connection, per direction (<c>per_connection_buffer_limit_bytes</c>): no more than 64 KiB do in any case, but for
    /// HTTP/2, whose window it is where that has no limit of its own. What is kept of a request for a retry is bounded by it too.
    /// </summary>
    public uint BufferLimitBytes { get; init; } = 1024 * 1024;

    /// <summary>Length of the accept queue; null: the kernel's limit.</summary>
    public uint? Backlog { get; init; }

    /// <summary>One socket per reactor (SO_REUSEPORT), Envoy's default; false: one socket that all reactors accept from, on which nobody else can listen beside us.</summary>
    public bool ReusePort { get; init; } = true;

    public TcpKeepAlive? KeepAlive { get; init; }

    /// <summary>Written when a connection ends.</summary>
    public ImmutableArray<CompiledExtension> AccessLogs { get; init; } = [];

    /// <summary>The name that statistics use: <c>stat_prefix</c>, or the address with the port, as Envoy has it.</summary>
    public required string StatPrefix { get; init; }

    /// <summary>It came with the bootstrap file, not from a control plane.</summary>
    public bool IsStatic { get; init; }

    /// <summary>The sockets of the two are interchangeable, so an update needs no new bind.</summary>
    public bool BindsLike(ListenerSnapshot other) =>
        Address.Equals(other.Address) && AdditionalAddresses.AsSpan().SequenceEqual(other.AdditionalAddresses.AsSpan())
        && BindToPort == other.BindToPort && ReusePort == other.ReusePort && IgnoresConnectionLimit == other.IgnoresConnectionLimit && Backlog == other.Backlog && KeepAlive == other.KeepAlive;

    public override string ToString() => $"{Name} {Address}";
}
