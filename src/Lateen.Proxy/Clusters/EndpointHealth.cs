namespace Lateen.Proxy.Clusters;

/// <summary>How load balancing may use an endpoint, from <c>LbEndpoint.health_status</c>.</summary>
public enum EndpointHealth
{
    /// <summary>UNKNOWN and HEALTHY: gets traffic.</summary>
    Healthy,

    /// <summary>DEGRADED: gets traffic only for the share that the healthy endpoints of all priorities cannot carry.</summary>
    Degraded,

    /// <summary>UNHEALTHY and TIMEOUT: gets traffic only in panic.</summary>
    Unhealthy,

    /// <summary>DRAINING: never gets a new request outside of panic; requests in flight finish.</summary>
    Draining,
}
