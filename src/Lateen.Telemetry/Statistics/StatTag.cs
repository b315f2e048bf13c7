namespace Lateen.Telemetry.Statistics;

/// <summary>A dimension of a stat: a Prometheus label name, already legal (<c>envoy_cluster_name</c>, <c>reporter</c>), and its value,
/// any text.</summary>
public readonly record struct StatTag(string Name, string Value);
