namespace Lateen.Model.Networking;

/// <summary>
/// How policies of a DestinationRule combine. A subset's policy overrides the rule's block by block. A port's settings replace load
/// balancer, pools, outlier detection and TLS of the policy that holds them wholesale: a block that the port does not write goes to its
/// default, not to the parent's.
/// </summary>
public static class TrafficPolicyInheritance
{
    /// <summary>The policy of a port, with no port-level settings left in it; null when nothing was written.</summary>
    public static TrafficPolicy? For(TrafficPolicy? rule, TrafficPolicy? subset, int port)
    {
        var parent = ForPort(rule, port);
        if (subset is null) return parent;
        var merged = parent is null
            ? subset
            : new TrafficPolicy
            {
                LoadBalancer = subset.LoadBalancer ?? parent.LoadBalancer,
                ConnectionPool = subset.ConnectionPool ?? parent.ConnectionPool,
                OutlierDetection = subset.OutlierDetection ?? parent.OutlierDetection,
                Tls = subset.Tls ?? parent.Tls,
                Tunnel = subset.Tunnel ?? parent.Tunnel,
                ProxyProtocol = subset.ProxyProtocol ?? parent.ProxyProtocol,
                RetryBudget = subset.RetryBudget ?? parent.RetryBudget,
                PortLevelSettings = subset.PortLevelSettings,
            };
        return ForPort(merged, port);
    }

    private static TrafficPolicy? ForPort(TrafficPolicy? policy, int port)
    {
        if (policy is null || policy.PortLevelSettings.IsEmpty) return policy;
        foreach (var settings in policy.PortLevelSettings)
        {
            if (settings.Port != port) continue;
            return policy with
            {
                LoadBalancer = settings.LoadBalancer,
                ConnectionPool = settings.ConnectionPool,
                OutlierDetection = settings.OutlierDetection,
                Tls = settings.Tls,
                PortLevelSettings = [],
            };
        }

        return policy with { PortLevelSettings = [] };
    }
}
