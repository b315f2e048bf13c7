using System.Collections.Immutable;
using Lateen.Proxy.Tcp;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Configuration;

/// <summary>What the last network filter of a chain makes of its connections.</summary>
public enum FilterChainKind
{
    /// <summary>HTTP of any version: <see cref="FilterChainSnapshot.HttpConnectionManager"/>.</summary>
    Http,

    /// <summary>Bytes, passed on unread: <see cref="FilterChainSnapshot.TcpProxy"/>.</summary>
    Tcp,
}

/// <summary>One way to treat a listener's connections, and which connections it is for.</summary>
/// <remarks>Immutable. Exactly one of <see cref="HttpConnectionManager"/> and <see cref="TcpProxy"/> is set.</remarks>
public sealed class FilterChainSnapshot
{
    /// <summary>Empty when the configuration gives none.</summary>
    public required string Name { get; init; }

    public FilterChainMatch Match { get; init; } = FilterChainMatch.Any;

    public FilterChainKind Kind => TcpProxy is null ? FilterChainKind.Http : FilterChainKind.Tcp;

    /// <summary>How the connection is read and rewritten as HTTP; null for a chain of another kind.</summary>
    public HttpConnectionManagerSnapshot? HttpConnectionManager { get; init; }

    /// <summary>Where the connection's bytes go; null for a chain of another kind.</summary>
    public TcpProxySnapshot? TcpProxy { get; init; }

    /// <summary>How the connection is decrypted before anything else reads it; null: it is plain.</summary>
    public DownstreamTls? DownstreamTls { get; init; }

    /// <summary>From the choice of the chain to the end of the TLS handshake; null: no limit of its own.</summary>
    public TimeSpan? HandshakeTimeout { get; init; }

    /// <summary>
    /// Network filters before the last one, in order: what they do at the beginning and the end of a connection. Bytes do not pass them.
    /// </summary>
    public ImmutableArray<CompiledExtension> NetworkFilters { get; init; } = [];
}
