using System.Collections;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Lateen.Model;

/// <summary>
/// An immutable map from strings, kept in ordinal key order, so that what is generated from it is the same each time. Small by nature
/// (labels, headers): look-up is a binary search. Compares by value.
/// </summary>
[CollectionBuilder(typeof(StringMap), nameof(StringMap.Create))]
public sealed class StringMap<TValue> : IReadOnlyList<KeyValuePair<string, TValue>>, IEquatable<StringMap<TValue>>
{
    [SuppressMessage("Design", "CA1000", Justification = "As ImmutableArray<T>.Empty.")]
    public static readonly StringMap<TValue> Empty = new([]);

    private readonly ImmutableArray<KeyValuePair<string, TValue>> _entries;

    internal StringMap(ImmutableArray<KeyValuePair<string, TValue>> sortedEntries) => _entries = sortedEntries;

    public int Count => _entries.Length;

    /// <summary>The entry at a position in key order.</summary>
    public KeyValuePair<string, TValue> this[int index] => _entries[index];

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out TValue value)
    {
        int low = 0, high = _entries.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var order = string.CompareOrdinal(_entries[middle].Key, key);
            if (order == 0)
            {
                value = _entries[middle].Value;
                return true;
            }

            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        value = default;
        return false;
    }

    public TValue? GetValueOrDefault(string key) => TryGetValue(key, out var value) ? value : default;

    public bool ContainsKey(string key) => TryGetValue(key, out _);

    public bool Equals(StringMap<TValue>? other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (other is null || other.Count != Count) return false;
        for (var i = 0; i < Count; i++)
        {
            if (_entries[i].Key != other._entries[i].Key) return false;
            if (!EqualityComparer<TValue>.Default.Equals(_entries[i].Value, other._entries[i].Value)) return false;
        }

        return true;
    }

    public override bool Equals(object? obj) => Equals(obj as StringMap<TValue>);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (var (key, value) in _entries)
        {
            hash.Add(key);
            hash.Add(value);
        }

        return hash.ToHashCode();
    }

    public ImmutableArray<KeyValuePair<string, TValue>>.Enumerator GetEnumerator() => _entries.GetEnumerator();

    IEnumerator<KeyValuePair<string, TValue>> IEnumerable<KeyValuePair<string, TValue>>.GetEnumerator() =>
        ((IEnumerable<KeyValuePair<string, TValue>>)_entries).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable)_entries).GetEnumerator();

    /// <summary><c>a=1,b=2</c>.</summary>
    public override string ToString() => string.Join(',', _entries.Select(entry => $"{entry.Key}={entry.Value}"));
}

/// <summary>Makes <see cref="StringMap{TValue}"/> values, and holds what is said about label maps.</summary>
public static class StringMap
{
    /// <summary>Sorts the entries by key.</summary>
    /// <exception cref="ArgumentException">A key occurs twice.</exception>
    public static StringMap<TValue> Create<TValue>(params ReadOnlySpan<KeyValuePair<string, TValue>> entries)
    {
        if (entries.Length == 0) return StringMap<TValue>.Empty;
        var sorted = entries.ToArray();
        Array.Sort(sorted, static (left, right) => string.CompareOrdinal(left.Key, right.Key));
        for (var i = 1; i < sorted.Length; i++)
            if (sorted[i].Key == sorted[i - 1].Key) throw new ArgumentException($"the key '{sorted[i].Key}' occurs twice", nameof(entries));
        return new StringMap<TValue>([.. sorted]);
    }

    /// <summary>Sorts the entries by key; a key may occur once.</summary>
    public static StringMap<TValue> ToStringMap<TValue>(this IEnumerable<KeyValuePair<string, TValue>> entries) => Create<TValue>([.. entries]);

    /// <summary>True when every label of this selector is on <paramref name="labels"/> with the same value; an empty selector matches all.</summary>
    public static bool Selects(this StringMap<string> selector, StringMap<string> labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        foreach (var (key, value) in selector)
            if (!labels.TryGetValue(key, out var actual) || actual != value) return false;
        return true;
    }
}
