using System.Diagnostics.CodeAnalysis;

namespace Lateen.Telemetry.Statistics;

/// <summary>One reactor's memory of which series a combination of ids means, so that a request with labels seen before costs one lookup
/// and no allocation.</summary>
/// <remarks>The key is a small struct of interned ids (route, cluster, peer, status, flags), never of strings. Owned by one thread.
/// When full it is emptied and fills again from the family, so a flood of combinations costs time and never memory.</remarks>
/// <param name="capacity">Keys held, at least 1.</param>
public sealed class SeriesCache<TKey, TGroup>(int capacity = 4096)
    where TKey : struct, IEquatable<TKey>
    where TGroup : StatGroup
{
    private readonly Dictionary<TKey, TGroup> _series = [];

    /// <summary>Keys held now.</summary>
    public int Count => _series.Count;

    /// <summary>The series of a key, when it was seen before.</summary>
    public bool TryGet(in TKey key, [MaybeNullWhen(false)] out TGroup series)
    {
        return _series.TryGetValue(key, out series);
    }

    /// <summary>Remembers what <see cref="SeriesFamily{TGroup}.Open"/> gave for a key.</summary>
    public void Add(in TKey key, TGroup series)
    {
        if (_series.Count >= capacity)
            _series.Clear();
        _series[key] = series;
    }

    /// <summary>Forgets all, as when the ids get a new meaning with a new configuration.</summary>
    public void Clear()
    {
        _series.Clear();
    }
}
