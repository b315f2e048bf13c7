namespace Lateen.Telemetry.Statistics;

/// <summary>One stat as it was when a listing was made.</summary>
public sealed record StatReading(StatDefinition Definition, StatScope Scope, long Value, HistogramReading? Histogram)
{
    /// <summary>The dotted name: <c>cluster.a.upstream_rq_total</c>.</summary>
    public string Name => string.Concat(Scope.TextPrefix, Definition.Name, Scope.TextSuffix);

    /// <summary>The Prometheus name: <c>envoy_cluster_upstream_rq_total</c>.</summary>
    public string Family => string.Concat(Scope.FamilyPrefix, Definition.Family);

    /// <summary>Whether it was ever counted. A gauge that is back at zero reads as unused.</summary>
    public bool IsUsed => Histogram is { } histogram ? histogram.Count > 0 : Value != 0;
}
