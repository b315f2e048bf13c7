using System.Collections;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Lateen.Yaml;

/// <summary>One key and its value. The key keeps its own position, so that an unknown field can be pointed at.</summary>
public readonly record struct YamlEntry(YamlScalar Key, YamlNode Value)
{
    public string Name => Key.Text;
}

/// <summary>
/// An ordered set of named values. Keys are scalars compared as text, each present once: the reader reports a repeated key and never
/// lets the last one win in silence.
/// </summary>
/// <remarks>Immutable. Lookup is by a scan for small mappings and by an index above eight entries.</remarks>
public sealed class YamlMapping : YamlNode, IReadOnlyList<YamlEntry>
{
    /// <summary>Entries up to which a scan beats a hash lookup; most mappings of mesh configuration are below it.</summary>
    private const int ScanLimit = 8;

    private readonly ImmutableArray<YamlEntry> _entries;
    private readonly Dictionary<string, int>? _index;

    /// <exception cref="ArgumentException">Two entries carry the same key.</exception>
    public YamlMapping(ImmutableArray<YamlEntry> entries, YamlPosition position = default)
        : base(position)
    {
        _entries = entries;
        int count = 1;
        var index = new Dictionary<string, int>(entries.Length, StringComparer.Ordinal);
        for (int i = 0; i < entries.Length; i++)
        {
            index.Add(entries[i].Name, i);
            count = SaturatedSum(count, entries[i].Value.ExpandedCount);
        }

        _index = entries.Length > ScanLimit ? index : null;
        ExpandedCount = count;
    }

    public static YamlMapping Empty { get; } = new(ImmutableArray<YamlEntry>.Empty);

    public override YamlKind Kind => YamlKind.Mapping;

    public override int ExpandedCount { get; }

    public override string Description => "a mapping";

    public int Count => _entries.Length;

    public YamlEntry this[int index] => _entries[index];

    /// <summary>The value under <paramref name="key"/>, or null when the mapping has no such key.</summary>
    public YamlNode? this[string key] => TryGet(key, out YamlNode? value) ? value : null;

    public bool TryGet(string key, [NotNullWhen(true)] out YamlNode? value)
    {
        if (_index is not null)
        {
            if (_index.TryGetValue(key, out int at))
            {
                value = _entries[at].Value;
                return true;
            }
        }
        else
        {
            foreach (YamlEntry entry in _entries)
            {
                if (string.Equals(entry.Key.Text, key, StringComparison.Ordinal))
                {
                    value = entry.Value;
                    return true;
                }
            }
        }

        value = null;
        return false;
    }

    public bool ContainsKey(string key) => TryGet(key, out _);

    public ImmutableArray<YamlEntry>.Enumerator GetEnumerator() => _entries.GetEnumerator();

    IEnumerator<YamlEntry> IEnumerable<YamlEntry>.GetEnumerator() => ((IEnumerable<YamlEntry>)_entries).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable)_entries).GetEnumerator();
}

/// <summary>Builds a <see cref="YamlMapping"/> in order, for programs that write YAML or JSON. Not thread-safe; one use.</summary>
public sealed class YamlMappingBuilder
{
    private readonly ImmutableArray<YamlEntry>.Builder _entries = ImmutableArray.CreateBuilder<YamlEntry>();

    public int Count => _entries.Count;

    public YamlMappingBuilder Add(string key, YamlNode value)
    {
        _entries.Add(new YamlEntry(YamlScalar.FromString(key), value));
        return this;
    }

    public YamlMappingBuilder Add(string key, string value) => Add(key, YamlScalar.FromString(value));

    public YamlMappingBuilder Add(string key, bool value) => Add(key, YamlScalar.FromBoolean(value));

    public YamlMappingBuilder Add(string key, long value) => Add(key, YamlScalar.FromInteger(value));

    public YamlMappingBuilder Add(string key, double value) => Add(key, YamlScalar.FromDouble(value));

    /// <exception cref="ArgumentException">A key was added twice.</exception>
    public YamlMapping Build() => new(_entries.ToImmutable());
}
