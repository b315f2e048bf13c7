namespace Lateen.Telemetry.Statistics;

/// <summary>Hands a <see cref="StatGroup"/> its handles, in the order of its constructor. The first run of the constructor defines the
/// schema; each later run binds the same fields to the cells of one block.</summary>
/// <remarks>So a group is written once, as a constructor of assignments (<c>UpstreamRqTotal = fields.Counter("upstream_rq_total")</c>),
/// and ten thousand clusters share one list of names. The constructor must take the same fields in the same order each time.</remarks>
public sealed class StatFields
{
    private readonly List<StatDefinition>? _definitions;
    private readonly int _baseSlot;
    private int _offset;
    private int _textOffset;

    internal StatFields(List<StatDefinition> definitions)
    {
        _definitions = definitions;
    }

    internal StatFields(int baseSlot, StatLease lease)
    {
        _baseSlot = baseSlot;
        Lease = lease;
    }

    internal StatLease? Lease { get; }

    internal int SlotCount => _offset;

    internal int TextCount => _textOffset;

    /// <summary>A counter.</summary>
    public Counter Counter(string name, bool hiddenWhenZero = false)
    {
        return new Counter(Take(name, StatNames.ToFamily(name), null, StatKind.Counter, 1, null, hiddenWhenZero));
    }

    /// <summary>A counter whose dotted name ends in a value that Prometheus sees as a label.</summary>
    public Counter Counter(string name, string family, StatTag tag, bool hiddenWhenZero = false)
    {
        return new Counter(Take(name, StatNames.ToFamily(family), tag, StatKind.Counter, 1, null, hiddenWhenZero));
    }

    /// <summary>A gauge.</summary>
    public Gauge Gauge(string name)
    {
        return new Gauge(Take(name, StatNames.ToFamily(name), null, StatKind.Gauge, 1, null, false));
    }

    /// <summary>A histogram with Envoy's default buckets, or with given ones.</summary>
    public Histogram Histogram(string name, HistogramBuckets? buckets = null)
    {
        buckets ??= HistogramBuckets.Default;
        return new Histogram(Take(name, StatNames.ToFamily(name), null, StatKind.Histogram, buckets.SlotCount, buckets, false), buckets);
    }

    /// <summary>A text.</summary>
    public TextReadout Text(string name)
    {
        _definitions?.Add(new StatDefinition(name, StatNames.ToFamily(name), null, StatKind.Text, _textOffset, null, IsHiddenWhenZero: true));
        var text = Lease?.TextAt(_textOffset) ?? new TextReadout();
        _textOffset++;
        return text;
    }

    /// <summary><c>NAME_1xx</c> to <c>NAME_5xx</c>: family <c>NAME_xx</c> with label <c>envoy_response_code_class</c>.</summary>
    public StatusClassCounters StatusClasses(string name)
    {
        var first = _baseSlot + _offset;
        for (var c = 1; c <= 5; c++)
        {
            var digit = c.ToString();
            _ = Counter($"{name}_{digit}xx", $"{name}_xx", new StatTag("envoy_response_code_class", digit));
        }
        return new StatusClassCounters(first);
    }

    /// <summary><c>NAME_200</c> and so on: family <c>NAME</c> with label <c>envoy_response_code</c>; only those used are listed.</summary>
    public StatusCounters Statuses(string name)
    {
        var first = _baseSlot + _offset;
        for (var i = 0; i < KnownStatuses.Count; i++)
        {
            var status = KnownStatuses.At(i).ToString();
            _ = Counter($"{name}_{status}", name, new StatTag("envoy_response_code", status), hiddenWhenZero: true);
        }
        return new StatusCounters(first);
    }

    private int Take(string name, string family, StatTag? tag, StatKind kind, int slots, HistogramBuckets? buckets, bool hiddenWhenZero)
    {
        _definitions?.Add(new StatDefinition(name, family, tag, kind, _offset, buckets, hiddenWhenZero));
        var slot = _baseSlot + _offset;
        _offset += slots;
        return slot;
    }
}
