namespace Lateen.Telemetry.Statistics;

/// <summary>One stat of a listing. Its value is read when it is asked for, so a listing of a million stats holds none of them.</summary>
public readonly struct StatReading
{
    private readonly StatsRegistry _registry;
    private readonly StatBlock _block;

    internal StatReading(StatsRegistry registry, StatBlock block, StatDefinition definition)
    {
        _registry = registry;
        _block = block;
        Definition = definition;
    }

    /// <summary>Which field it is.</summary>
    public StatDefinition Definition { get; }

    /// <summary>Whose it is.</summary>
    public StatScope Scope => _block.Scope;

    /// <summary>The dotted name: <c>cluster.a.upstream_rq_total</c>.</summary>
    public string Name => string.Concat(Scope.TextPrefix, Definition.Name, Scope.TextSuffix);

    /// <summary>The Prometheus name: <c>envoy_cluster_upstream_rq_total</c>.</summary>
    public string Family => string.Concat(Scope.FamilyPrefix, Definition.Family);

    /// <summary>The value of a counter or gauge.</summary>
    public long Value => _registry.Above(_block, Definition.Offset);

    /// <summary>What a text says; empty for any other kind.</summary>
    public string Text => Definition.Kind == StatKind.Text ? _block.Texts[Definition.Offset].Value : string.Empty;

    /// <summary>Whether it was ever counted, or set. A gauge that is back at zero reads as unused.</summary>
    public bool IsUsed
    {
        get
        {
            if (Definition.Kind == StatKind.Text)
                return Text.Length > 0;
            var counts = Definition.Buckets is { } buckets ? buckets.Count + 1 : 1;
            for (var i = 0; i < counts; i++)
            {
                if (_registry.Above(_block, Definition.Offset + i) != 0)
                    return true;
            }
            return false;
        }
    }

    /// <summary>What a histogram holds.</summary>
    /// <exception cref="InvalidOperationException">The stat is no histogram.</exception>
    public HistogramReading ReadHistogram()
    {
        var buckets = Definition.Buckets ?? throw new InvalidOperationException($"{Name} is no histogram");
        if (!IsUsed)
            return buckets.Empty;
        var counts = new long[buckets.Count + 1];
        for (var i = 0; i < counts.Length; i++)
            counts[i] = _registry.Above(_block, Definition.Offset + i);
        return new HistogramReading(buckets, counts, _registry.Above(_block, Definition.Offset + counts.Length));
    }
}
