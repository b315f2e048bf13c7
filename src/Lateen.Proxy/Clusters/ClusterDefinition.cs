using System.Collections.Immutable;
using Lateen.Proxy.ProxyProtocol;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Clusters;

/// <summary>A cluster as configuration states it, checked and defaulted, before it runs.</summary>
/// <remarks>Immutable.</remarks>
internal sealed record ClusterDefinition
{
    public required string Name { get; init; }

    public required string StatName { get; init; }

    public required ClusterDiscovery Discovery { get; init; }

    public required LoadBalancingOptions LoadBalancing { get; init; }

    public required CircuitBreakerLimits Limits { get; init; }

    /// <summary>Thresholds of priority HIGH. No route may ask for it, so they are never met; status pages show them.</summary>
    public CircuitBreakerLimits HighPriorityLimits { get; init; } = CircuitBreakerLimits.Default;

    public required TimeSpan ConnectTimeout { get; init; }

    public required UpstreamConnectionOptions Connections { get; init; }

    public ServiceIdentity? Service { get; init; }

    /// <summary>The endpoints that stand in the cluster itself: static ones, or names to resolve.</summary>
    public EndpointAssignment Assignment { get; init; } = EndpointAssignment.Empty;

    /// <summary>The name under which EDS knows the endpoints: <c>service_name</c>, or the cluster's own.</summary>
    public string EdsServiceName { get; init; } = string.Empty;

    /// <summary><c>service_name</c> as configured, for status pages; empty when it is not.</summary>
    public string ShownServiceName { get; init; } = string.Empty;

    /// <summary>How long to wait for the first endpoints before running without; null: for ever.</summary>
    public TimeSpan? InitialFetchTimeout { get; init; } = DefaultInitialFetchTimeout;

    public HostFamily DnsFamily { get; init; }

    /// <summary>Default 5 s, as in Envoy.</summary>
    public TimeSpan DnsRefreshRate { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How connections are encrypted where no match says otherwise; null: they are plain.</summary>
    public ClientTls? Tls { get; init; }

    /// <summary>How endpoints are connected to that none of <see cref="Matches"/> fits.</summary>
    public required EndpointTransport Transport { get; init; }

    /// <summary>The first that fits an endpoint is taken.</summary>
    public ImmutableArray<TransportMatch> Matches { get; init; } = [];

    /// <summary>Every TLS context of the cluster, each once.</summary>
    public ImmutableArray<ClientTls> TlsContexts { get; init; } = [];

    /// <summary>False (cluster metadata <c>istio.alpn_override: "false"</c>): what its TLS offers is not replaced by <c>istio.alpn</c>.</summary>
    public bool AllowsAlpnOverride { get; init; } = true;

    /// <summary>The PROXY header that opens every connection; null: none.</summary>
    public ProxyProtocolVersion? ProxyProtocol { get; init; }

    /// <summary>What the endpoints are spoken to in.</summary>
    public UpstreamProtocol Protocol { get; init; }

    public EndpointTransport TransportFor(AssignedEndpoint endpoint)
    {
        foreach (var match in Matches)
        {
            if (match.Fits(endpoint.TransportMatch)) return match.Transport;
        }

        return Transport;
    }

    /// <summary>Envoy's default of <c>initial_fetch_timeout</c>.</summary>
    public static TimeSpan DefaultInitialFetchTimeout { get; } = TimeSpan.FromSeconds(15);
}
