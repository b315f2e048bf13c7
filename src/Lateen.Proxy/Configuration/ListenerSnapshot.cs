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

    public TrafficDirection Direction { get; init; }

    /// <summary>In configuration order; the choice among them follows <see cref="FilterChainMatch"/>.</summary>
    public required ImmutableArray<FilterChainSnapshot> FilterChains { get; init; }

    /// <summary>Used when no chain matches; null: the connection is closed.</summary>
    public FilterChainSnapshot? DefaultFilterChain { get; init; }

    /// <summary>Bytes that may be buffered per connection and direction before reading stops. Envoy's default is 1 MiB.</summary>
    public uint BufferLimitBytes { get; init; } = 1024 * 1024;

    /// <summary>Length of the accept queue; null: the kernel's limit.</summary>
    public uint? Backlog { get; init; }

    /// <summary>One socket per reactor (SO_REUSEPORT), Envoy's default.</summary>
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
        && BindToPort == other.BindToPort && ReusePort == other.ReusePort && Backlog == other.Backlog && KeepAlive == other.KeepAlive;

    public override string ToString() => $"{Name} {Address}";
}

/// <summary>One way to treat a listener's connections, and which connections it is for.</summary>
public sealed class FilterChainSnapshot
{
    /// <summary>Empty when the configuration gives none.</summary>
    public required string Name { get; init; }

    public FilterChainMatch Match { get; init; } = FilterChainMatch.Any;

    /// <summary>What is read and rewritten as HTTP. The only network filter of this version, so every chain has it.</summary>
    public required HttpConnectionManagerSnapshot HttpConnectionManager { get; init; }
}

/// <summary>
/// Which connections a chain takes. Envoy's order of decision: destination port, destination address (longest prefix), server name,
/// transport protocol, application protocol, direct source address, source type, source address, source port; at each step the most
/// specific value that matches wins and an unset one matches all.
/// </summary>
public sealed record FilterChainMatch
{
    public static readonly FilterChainMatch Any = new();

    public ushort? DestinationPort { get; init; }

    public ImmutableArray<IPNetwork> DestinationPrefixes { get; init; } = [];

    /// <summary>Lower case; <c>*.example.com</c> matches by suffix.</summary>
    public ImmutableArray<string> ServerNames { get; init; } = [];

    /// <summary><c>raw_buffer</c>, <c>tls</c>, or empty for any.</summary>
    public string TransportProtocol { get; init; } = string.Empty;

    public ImmutableArray<string> ApplicationProtocols { get; init; } = [];

    public ImmutableArray<IPNetwork> DirectSourcePrefixes { get; init; } = [];

    public ConnectionSourceType SourceType { get; init; }

    public ImmutableArray<IPNetwork> SourcePrefixes { get; init; } = [];

    public ImmutableArray<ushort> SourcePorts { get; init; } = [];
}

/// <summary><c>FilterChainMatch.ConnectionSourceType</c>.</summary>
public enum ConnectionSourceType
{
    Any,
    SameIpOrLoopback,
    External,
}
