using System.Text.RegularExpressions;
using Lateen.Telemetry.Statistics;

namespace Lateen.Telemetry.Exposition;

/// <summary>Which stats a listing shows, and how histograms are shown: what Envoy's <c>/stats</c> takes as query parameters.</summary>
public sealed record StatsQuery
{
    /// <summary>All stats.</summary>
    public static readonly StatsQuery All = new();

    /// <summary>The dotted name must match this somewhere. Null shows all.</summary>
    public Regex? Name { get; init; }

    /// <summary>Leaves out what was never counted.</summary>
    public bool UsedOnly { get; init; }

    /// <summary>Only this kind. Null shows all.</summary>
    public StatKind? Kind { get; init; }

    /// <summary>How text and JSON show histograms.</summary>
    public HistogramView Histograms { get; init; }

    /// <summary>Compiles a filter from outside. It runs in time linear in the name, so that a hostile pattern cannot hang the proxy.
    /// </summary>
    /// <exception cref="ArgumentException">The pattern is no regular expression, or uses look-around or back-references.</exception>
    public static Regex CompileName(string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (NotSupportedException exception)
        {
            throw new ArgumentException($"unsupported in a filter: {exception.Message}", nameof(pattern), exception);
        }
    }

    internal bool Shows(in StatReading reading)
    {
        if (Kind is { } kind && reading.Definition.Kind != kind)
            return false;
        if (Name is not null && !Name.IsMatch(reading.Name))
            return false;
        return !UsedOnly || reading.IsUsed;
    }
}

/// <summary>How a histogram is shown where Prometheus does not decide it.</summary>
public enum HistogramView
{
    /// <summary>Quantiles: <c>P50(nan,4.2)</c>, of the last interval (which is not kept) and of all time.</summary>
    Summary,

    /// <summary>Values up to each bound: <c>B0.5(0,3)</c>.</summary>
    Cumulative,

    /// <summary>Values of each bucket alone.</summary>
    Disjoint,
}
