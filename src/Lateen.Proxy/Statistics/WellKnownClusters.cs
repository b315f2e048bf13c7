namespace Lateen.Proxy.Statistics;

/// <summary>The clusters that Istio names for traffic that belongs to no service.</summary>
internal static class WellKnownClusters
{
    public const string Passthrough = "PassthroughCluster";
    public const string BlackHole = "BlackHoleCluster";
    public const string InboundPassthrough = "InboundPassthroughCluster";

    public static bool IsOne(string name) => name is Passthrough or BlackHole or InboundPassthrough;
}
