namespace Lateen.Telemetry.Exposition;

/// <summary>The quantiles that Envoy prints.</summary>
internal static class HistogramQuantiles
{
    /// <summary>In percent.</summary>
    public static readonly double[] Percents = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100];
}
