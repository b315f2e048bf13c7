using System.Collections.Immutable;

namespace Lateen.Yaml;

/// <summary>A mapping or sequence whose end has not been read yet.</summary>
internal sealed class NodeFrame(bool isMapping, YamlPosition position, string? anchor)
{
    private readonly ImmutableArray<YamlNode>.Builder? _items = isMapping ? null : ImmutableArray.CreateBuilder<YamlNode>();
    private readonly ImmutableArray<YamlEntry>.Builder? _entries = isMapping ? ImmutableArray.CreateBuilder<YamlEntry>() : null;
    private readonly Dictionary<string, YamlPosition>? _keys = isMapping ? new(StringComparer.Ordinal) : null;
    private List<YamlNode>? _merged;
    private YamlScalar? _key;
    private bool _skipValue;
    private bool _expectsValue;

    public YamlPosition Position => position;

    public string? Anchor => anchor;

    public void Add(YamlNode node, List<YamlError> errors)
    {
        if (_items is not null)
        {
            _items.Add(node);
        }
        else if (!_expectsValue)
        {
            _expectsValue = true;
            AddKey(node, errors);
        }
        else
        {
            _expectsValue = false;
            AddValue(node);
        }
    }

    public YamlNode Build(List<YamlError> errors)
    {
        if (_items is not null)
        {
            return new YamlSequence(_items.ToImmutable(), position);
        }

        foreach (YamlNode merged in _merged ?? [])
        {
            Merge(merged, errors);
        }

        return new YamlMapping(_entries!.ToImmutable(), position);
    }

    private void AddKey(YamlNode node, List<YamlError> errors)
    {
        _skipValue = false;
        if (node is not YamlScalar key)
        {
            errors.Add(new YamlError(node.Position, $"a key must be a plain or quoted word, not {node.Description}"));
            _skipValue = true;
        }
        else if (key is { Text: "<<", Type: YamlScalarType.String })
        {
            _key = key;
        }
        else if (_keys!.TryGetValue(key.Text, out YamlPosition first))
        {
            errors.Add(new YamlError(key.Position, $"the key '{key.Text}' is here a second time (first at {first})"));
            _skipValue = true;
        }
        else
        {
            _keys.Add(key.Text, key.Position);
            _key = key;
        }
    }

    private void AddValue(YamlNode value)
    {
        if (_skipValue)
        {
            return;
        }

        if (_key!.Text == "<<")
        {
            (_merged ??= []).Add(value);
        }
        else
        {
            _entries!.Add(new YamlEntry(_key, value));
        }
    }

    /// <summary>Merge keys as YAML 1.1 has them: what the mapping says itself wins, then the earlier of several merged mappings.</summary>
    private void Merge(YamlNode merged, List<YamlError> errors)
    {
        switch (merged)
        {
            case YamlMapping mapping:
                foreach (YamlEntry entry in mapping)
                {
                    if (_keys!.TryAdd(entry.Name, entry.Key.Position))
                    {
                        _entries!.Add(entry);
                    }
                }

                break;
            case YamlSequence sequence when sequence.All(static item => item is YamlMapping):
                foreach (YamlNode item in sequence)
                {
                    Merge(item, errors);
                }

                break;
            default:
                errors.Add(new YamlError(merged.Position, $"'<<' merges a mapping or a list of mappings, not {merged.Description}"));
                break;
        }
    }
}
