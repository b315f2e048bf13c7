namespace Lateen.Telemetry.Statistics;

/// <summary>A family of series told apart by labels, such as <c>istio_requests_total</c>: one <typeparamref name="TGroup"/> per
/// combination of label values, and a bound on how many combinations there may be.</summary>
/// <remarks>Label values come partly from peers, so without a bound a peer could fill the memory. When the bound is reached, new
/// combinations count in one series whose labels all read <c>overflow</c>, and <c>lateen.stats.series_overflow</c> grows. Any thread; a
/// reactor asks only when its <see cref="SeriesCache{TKey, TGroup}"/> misses.</remarks>
public sealed class SeriesFamily<TGroup>
    where TGroup : StatGroup
{
    private readonly Lock _lock = new();
    private readonly StatsRegistry _registry;
    private readonly StatSchema<TGroup> _schema;
    private readonly int _capacity;
    private readonly Dictionary<string, TGroup> _series = [];
    private readonly SeriesStats _stats;
    private TGroup? _overflow;

    /// <param name="registry">Where the series are kept.</param>
    /// <param name="schema">What each series counts.</param>
    /// <param name="capacity">Combinations, at least 1. Istio's meshes stay under a few thousand per proxy.</param>
    public SeriesFamily(StatsRegistry registry, StatSchema<TGroup> schema, int capacity = 10_000)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _registry = registry;
        _schema = schema;
        _capacity = capacity;
        _stats = SeriesStats.Open(registry);
    }

    /// <summary>The series of a combination; the same object each time. Build the scope with <see cref="StatScope.Labels"/>.</summary>
    public TGroup Open(StatScope scope)
    {
        lock (_lock)
        {
            if (_series.TryGetValue(scope.TextSuffix, out var series))
                return series;
            if (_series.Count >= _capacity)
            {
                _registry.Shared.Add(_stats.Overflow);
                return _overflow ??= _schema.Open(_registry, Overflow(scope));
            }
            _registry.Shared.Add(_stats.Count, 1);
            return _series[scope.TextSuffix] = _schema.Open(_registry, scope);
        }
    }

    private static StatScope Overflow(StatScope scope)
    {
        return StatScope.Labels(scope.TextPrefix, Array.ConvertAll(scope.Tags, static tag => tag with { Value = "overflow" }));
    }
}

/// <summary>What the label families count about themselves.</summary>
internal sealed class SeriesStats : StatGroup
{
    private static readonly StatSchema<SeriesStats> Schema = new(static fields => new SeriesStats(fields));

    private SeriesStats(StatFields fields)
        : base(fields)
    {
        Count = fields.Gauge("series");
        Overflow = fields.Counter("series_overflow");
    }

    public Gauge Count { get; }

    public Counter Overflow { get; }

    public static SeriesStats Open(StatsRegistry registry)
    {
        return Schema.Open(registry, new StatScope("lateen.stats.", "lateen_stats_", []));
    }
}
