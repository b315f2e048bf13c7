namespace Lateen.Translation.Naming;

/// <summary>Istio's names for clusters. Dashboards, access logs and istioctl's users know them, so they are part of the contract.</summary>
public static class ClusterNames
{
    /// <summary>Leads nowhere: traffic that policy keeps in.</summary>
    public const string BlackHole = "BlackHoleCluster";

    /// <summary>Leads where the client was going.</summary>
    public const string Passthrough = "PassthroughCluster";

    /// <summary><c>outbound|9080|v1|reviews.shop.svc.cluster.local</c>; the subset is empty for the whole service.</summary>
    public static string Outbound(int port, string? subset, string host) => $"outbound|{port}|{subset}|{host}";

    /// <summary><c>inbound|9080||</c>.</summary>
    public static string Inbound(int port) => $"inbound|{port}||";
}
