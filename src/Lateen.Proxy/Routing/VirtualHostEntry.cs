using System.Collections.Immutable;

namespace Lateen.Proxy.Routing;

/// <summary>A compiled virtual host: the routes that apply to a set of domains.</summary>
public sealed partial class VirtualHostEntry
{
    public required string Name { get; init; }

    /// <summary>As configured, for the admin pages; matching uses an index over all of a table's domains.</summary>
    public required ImmutableArray<string> Domains { get; init; }

    /// <summary>In the order in which they are tried.</summary>
    public required ImmutableArray<RouteEntry> Routes { get; init; }

    /// <summary>Plain HTTP requests are redirected to HTTPS: from outside only, or all.</summary>
    public TlsRequirement RequireTls { get; init; }

    /// <summary><c>x-envoy-attempt-count</c> is sent upstream.</summary>
    public bool IncludeAttemptCountInRequest { get; init; }

    public bool IncludeAttemptCountInResponse { get; init; }
}

/// <summary><c>VirtualHost.require_tls</c>.</summary>
public enum TlsRequirement
{
    None,
    ExternalOnly,
    All,
}
