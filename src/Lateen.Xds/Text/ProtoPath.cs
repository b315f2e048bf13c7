using System.Text;

namespace Lateen.Xds.Text;

/// <summary>
/// The way from the root message to the field in hand. Written as text only when a fault is reported, so that a good file pays a
/// list push per field and no string.
/// </summary>
internal sealed class ProtoPath
{
    private readonly List<(string Name, int Index, bool IsKey)> _segments = [];

    public Scope Field(string name)
    {
        _segments.Add((name, -1, false));
        return new Scope(this);
    }

    public Scope Item(int index)
    {
        _segments.Add((string.Empty, index, false));
        return new Scope(this);
    }

    public Scope Key(string key)
    {
        _segments.Add((key, -1, true));
        return new Scope(this);
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        foreach ((string name, int index, bool isKey) in _segments)
        {
            if (isKey)
            {
                text.Append("[\"").Append(name).Append("\"]");
            }
            else if (index >= 0)
            {
                text.Append('[').Append(index).Append(']');
            }
            else
            {
                text.Append(text.Length > 0 ? "." : string.Empty).Append(name);
            }
        }

        return text.ToString();
    }

    public readonly ref struct Scope(ProtoPath path)
    {
        public void Dispose() => path._segments.RemoveAt(path._segments.Count - 1);
    }
}
