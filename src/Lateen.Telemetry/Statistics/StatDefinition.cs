namespace Lateen.Telemetry.Statistics;

/// <summary>What a stat counts as, in Envoy's and Prometheus' sense.</summary>
public enum StatKind
{
    /// <summary>Only grows.</summary>
    Counter,

    /// <summary>Goes up and down.</summary>
    Gauge,

    /// <summary>Counts values in buckets.</summary>
    Histogram,

    /// <summary>Says a text, and counts nothing: Envoy's text readout. Prometheus has no such thing and is not shown it.</summary>
    Text,
}

/// <summary>One field of a schema: its name within any scope and where its cells are. Immutable.</summary>
/// <param name="Name">The field in the dotted name: <c>upstream_rq_503</c>.</param>
/// <param name="Family">The field in the Prometheus name: <c>upstream_rq</c>.</param>
/// <param name="Tag">The label that was taken out of the name, if any: <c>envoy_response_code="503"</c>.</param>
/// <param name="Kind">What it counts as.</param>
/// <param name="Offset">Its first cell within the block; of a text, its place among the block's texts.</param>
/// <param name="Buckets">Only for a histogram.</param>
/// <param name="IsHiddenWhenZero">It is left out of every listing until it was used once, as stats are in Envoy that come into being with
/// the first use.</param>
public sealed record StatDefinition(
    string Name, string Family, StatTag? Tag, StatKind Kind, int Offset, HistogramBuckets? Buckets = null, bool IsHiddenWhenZero = false);
