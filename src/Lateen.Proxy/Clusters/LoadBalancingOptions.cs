namespace Lateen.Proxy.Clusters;

/// <summary>What a cluster says about choosing endpoints, with Envoy's defaults.</summary>
public sealed record LoadBalancingOptions
{
    public static readonly LoadBalancingOptions Default = new();

    public LoadBalancingAlgorithm Algorithm { get; init; }

    /// <summary>Endpoints drawn per request by least request. Default 2.</summary>
    public int LeastRequestChoices { get; init; } = 2;

    /// <summary>
    /// Below this share of usable endpoints in a priority, health is no longer believed and all of them get traffic. Percent; default 50;
    /// 0 turns panic off.
    /// </summary>
    public double PanicThresholdPercent { get; init; } = 50;

    /// <summary>
    /// How much traffic a partly healthy priority still takes before some goes to the next: its healthy share times this, in percent.
    /// Default 140.
    /// </summary>
    public uint OverprovisioningPercent { get; init; } = 140;

    /// <summary>
    /// Localities of one priority get traffic by their configured weight instead of being one pool (<c>locality_weighted_lb_config</c>).
    /// </summary>
    public bool IsLocalityWeighted { get; init; }
}

/// <summary>One <c>LocalityLbEndpoints</c>: endpoints that share a place and a priority.</summary>
/// <param name="Locality">Where they stand.</param>
/// <param name="Priority">0 is the most wanted.</param>
/// <param name="Weight">Of the locality among those of its priority; null: gets nothing under locality weighting.</param>
/// <param name="Endpoints">In configuration order.</param>
public sealed record EndpointGroup(EndpointLocality Locality, int Priority, uint? Weight, EndpointSnapshot[] Endpoints);
