namespace Lateen.Telemetry.Statistics;

/// <summary>The fields that all groups of one type have, and the way to open such a group for a scope. Make one per group type, in a
/// static field.</summary>
public sealed class StatSchema<TGroup>
    where TGroup : StatGroup
{
    private readonly Func<StatFields, TGroup> _bind;
    private readonly StatLayout _layout;

    /// <param name="bind">Calls the group's constructor. It is called once here, to learn the fields, and once for each group.</param>
    public StatSchema(Func<StatFields, TGroup> bind)
    {
        _bind = bind;
        var definitions = new List<StatDefinition>();
        var fields = new StatFields(definitions);
        bind(fields).Dispose();
        definitions.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        _layout = new StatLayout([.. definitions], fields.SlotCount, fields.TextCount);
    }

    /// <summary>The fields, by name, which is the order of listings.</summary>
    public ReadOnlySpan<StatDefinition> Definitions => _layout.Definitions;

    /// <summary>Opens the group of a scope. When it is open already, the new group counts in the same cells.</summary>
    public TGroup Open(StatsRegistry registry, StatScope scope)
    {
        var block = registry.Acquire(_layout, scope);
        return _bind(new StatFields(block.BaseSlot, new StatLease(registry, block)));
    }
}

/// <summary>The fields of a schema, how many cells they take and how many of them are texts.</summary>
internal sealed record StatLayout(StatDefinition[] Definitions, int SlotCount, int TextCount);

/// <summary>The cells that a scope holds. <see cref="Baseline"/> is subtracted from what the shards say: it is how a reset and the reuse
/// of cells work without writing into memory that reactors own.</summary>
internal sealed class StatBlock(StatLayout layout, StatScope scope, int baseSlot)
{
    public StatLayout Layout { get; } = layout;

    public StatScope Scope { get; } = scope;

    public int BaseSlot { get; } = baseSlot;

    public TextReadout[] Texts { get; } = layout.TextCount == 0 ? [] : [.. Enumerable.Range(0, layout.TextCount).Select(static _ => new TextReadout())];

    public int Uses { get; set; } = 1;

    /// <summary>One value per cell, or null for all zero. Replaced whole, never written into.</summary>
    public long[]? Baseline { get; set; }
}
