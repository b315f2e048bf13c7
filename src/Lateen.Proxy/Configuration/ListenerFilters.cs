using Lateen.Proxy.ProxyProtocol;

namespace Lateen.Proxy.Configuration;

/// <summary>What a listener does with a connection before its filter chain is chosen. Envoy's listener filters, in the one order that makes sense.</summary>
/// <remarks>Immutable.</remarks>
public sealed record ListenerFilters
{
    public static readonly ListenerFilters None = new();

    /// <summary>The connection begins with a PROXY header, which is taken off; null: it does not.</summary>
    public ProxyProtocolOptions? ProxyProtocol { get; init; }

    /// <summary>First bytes that are a TLS greeting tell server name and application protocols; null: nobody looks.</summary>
    public TlsInspectorOptions? TlsInspector { get; init; }

    /// <summary>First bytes that are HTTP tell its version as the application protocol.</summary>
    public bool HttpInspector { get; init; }

    /// <summary>For all of it (<c>listener_filters_timeout</c>). Envoy's default is 15 s; null: no limit.</summary>
    public TimeSpan? Timeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>After that time the chain is chosen by what is known; otherwise the connection is closed.</summary>
    public bool ContinueOnTimeout { get; init; }

    /// <summary>Somebody looks at the first bytes.</summary>
    public bool Inspects => HttpInspector || TlsInspector is not null;
}

/// <summary><c>envoy.filters.listener.proxy_protocol</c>.</summary>
/// <param name="IsRequired">A connection without the header is closed; false: it is served under its own addresses.</param>
/// <param name="Disallowed">Forms of the header that are not accepted.</param>
public sealed record ProxyProtocolOptions(bool IsRequired, IReadOnlyList<ProxyProtocolVersion> Disallowed);

/// <summary><c>envoy.filters.listener.tls_inspector</c>.</summary>
/// <param name="MaxGreetingOctets">A longer greeting is taken for one that cannot be read. At most 32 KiB.</param>
/// <param name="ClosesOnMalformedGreeting">A greeting that cannot be read ends the connection; false: it is taken for plain bytes.</param>
public sealed record TlsInspectorOptions(int MaxGreetingOctets, bool ClosesOnMalformedGreeting);
