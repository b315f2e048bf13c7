namespace Lateen.Telemetry.Statistics;

/// <summary>The stats that existed when the listing was made, ordered by scope and then by field. Values are read as
/// the listing is walked, so they may be of slightly different moments.</summary>
public sealed class StatListing
{
    private readonly StatsRegistry _registry;
    private readonly StatBlock[] _blocks;

    internal StatListing(StatsRegistry registry, StatBlock[] blocks)
    {
        _registry = registry;
        _blocks = blocks;
    }

    /// <summary>Walks all stats; those that are hidden until used are left out.</summary>
    public IEnumerator<StatReading> GetEnumerator()
    {
        foreach (var block in _blocks)
        {
            foreach (var definition in block.Layout.Definitions)
            {
                var reading = new StatReading(_registry, block, definition);
                if (!definition.IsHiddenWhenZero || reading.IsUsed)
                    yield return reading;
            }
        }
    }

    /// <summary>Walks the stats family by family, as Prometheus wants them: counters, gauges, histograms, each by name.</summary>
    internal IEnumerable<(string Family, StatKind Kind, IEnumerable<StatReading> Readings)> Families()
    {
        // Families are fields times kinds of scope, a few hundred; blocks may be ten thousands. So blocks are grouped by kind of scope
        // once, and no list of all stats is ever made.
        var byKind = _blocks
            .GroupBy(static block => (block.Layout, block.Scope.FamilyPrefix))
            .Select(static group => (group.Key.Layout, group.Key.FamilyPrefix, Blocks: group.ToArray()));
        return
            from kind in byKind
            from definition in kind.Layout.Definitions
            where definition.Kind != StatKind.Text
            group (definition, kind.Blocks) by (Name: kind.FamilyPrefix + definition.Family, definition.Kind) into family
            orderby family.Key.Kind, family.Key.Name
            select (family.Key.Name, family.Key.Kind, Readings(family));
    }

    private IEnumerable<StatReading> Readings(IEnumerable<(StatDefinition Definition, StatBlock[] Blocks)> fields)
    {
        foreach (var (definition, blocks) in fields)
        {
            foreach (var block in blocks)
            {
                var reading = new StatReading(_registry, block, definition);
                if (!definition.IsHiddenWhenZero || reading.IsUsed)
                    yield return reading;
            }
        }
    }
}
