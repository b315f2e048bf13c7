namespace Lateen.Bench.Compare;

/// <summary>
/// One round's figures of one proxy. Microseconds of CPU per unit of the scenario (request, connection, MB) and units per second under
/// closed-loop load; latencies in microseconds at the open-loop rate, null where the scenario has none.
/// </summary>
internal sealed record Measurement(double UserMicroseconds, double SystemMicroseconds, double PerSecond, double? P50 = null, double? P99 = null, double? AchievedRate = null)
{
    internal double TotalMicroseconds => UserMicroseconds + SystemMicroseconds;
}

/// <summary>A proxy's figures over all rounds.</summary>
internal sealed record Standing(string Name, long IdleRssKib, long IdlePssKib, List<Measurement> Rounds)
{
    internal long LoadedRssKib { get; set; }

    internal long LoadedPssKib { get; set; }

    internal double Median(Func<Measurement, double> figure) => Median(round => (double?)figure(round)) ?? 0;

    /// <summary>The median, or null when the rounds lack the figure.</summary>
    internal double? Median(Func<Measurement, double?> figure)
    {
        var sorted = Rounds.Select(figure).OfType<double>().Order().ToList();
        if (sorted.Count == 0) return null;
        var middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
