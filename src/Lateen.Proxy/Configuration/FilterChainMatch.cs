using System.Collections.Immutable;
using System.Net;

namespace Lateen.Proxy.Configuration;

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
