using System.Collections;
using System.Collections.Immutable;

namespace Lateen.Yaml;

/// <summary>An ordered list of values. Immutable.</summary>
public sealed class YamlSequence : YamlNode, IReadOnlyList<YamlNode>
{
    private readonly ImmutableArray<YamlNode> _items;

    public YamlSequence(ImmutableArray<YamlNode> items, YamlPosition position = default)
        : base(position)
    {
        _items = items;
        int count = 1;
        foreach (YamlNode item in items)
        {
            count = SaturatedSum(count, item.ExpandedCount);
        }

        ExpandedCount = count;
    }

    public static YamlSequence Empty { get; } = new(ImmutableArray<YamlNode>.Empty);

    public override YamlKind Kind => YamlKind.Sequence;

    public override int ExpandedCount { get; }

    public override string Description => "a list";

    public int Count => _items.Length;

    public YamlNode this[int index] => _items[index];

    public ImmutableArray<YamlNode>.Enumerator GetEnumerator() => _items.GetEnumerator();

    IEnumerator<YamlNode> IEnumerable<YamlNode>.GetEnumerator() => ((IEnumerable<YamlNode>)_items).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable)_items).GetEnumerator();
}
