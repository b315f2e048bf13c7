namespace Lateen.Telemetry.Statistics;

/// <summary>The handles of one subject (a cluster, a listener, a route), taken together in a constructor. Holds its cells until disposed.
/// </summary>
/// <remarks>Two groups of one schema and one scope share their cells, so a subject that is configured anew keeps its counts. Dispose a
/// group when no request can use its handles any more (with the snapshot that holds it): the cells are then given to others.</remarks>
public abstract class StatGroup : IDisposable
{
    private readonly StatLease? _lease;

    protected StatGroup(StatFields fields)
    {
        _lease = fields.Lease;
    }

    /// <summary>Gives the cells back. A second call does nothing.</summary>
    public virtual void Dispose()
    {
        _lease?.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>One use of a block of cells.</summary>
internal sealed class StatLease(StatsRegistry registry, StatBlock block) : IDisposable
{
    private readonly TextReadout[] _texts = block.Texts;
    private StatBlock? _block = block;

    public TextReadout TextAt(int index) => _texts[index];

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _block, null) is { } held)
            registry.Release(held);
    }
}
