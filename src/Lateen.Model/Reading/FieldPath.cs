using System.Text;

namespace Lateen.Model.Reading;

/// <summary>A place in a document, <c>spec.http[0].match[1].headers["x-user"]</c>, built while descending and written only when needed.</summary>
internal sealed class FieldPath
{
    public static readonly FieldPath Root = new(null, "", -1, false);

    private readonly FieldPath? _parent;
    private readonly string _name;
    private readonly int _index;
    private readonly bool _isKey;

    private FieldPath(FieldPath? parent, string name, int index, bool isKey)
    {
        _parent = parent;
        _name = name;
        _index = index;
        _isKey = isKey;
    }

    public FieldPath Field(string name) => new(this, name, -1, false);

    public FieldPath Item(int index) => new(this, "", index, false);

    /// <summary>An entry of a map whose keys the user chooses.</summary>
    public FieldPath Key(string key) => new(this, key, -1, true);

    public override string ToString()
    {
        var text = new StringBuilder();
        Write(text);
        return text.ToString();
    }

    private void Write(StringBuilder text)
    {
        if (_parent is null) return;
        _parent.Write(text);
        if (_index >= 0) text.Append('[').Append(_index).Append(']');
        else if (_isKey) text.Append("[\"").Append(_name).Append("\"]");
        else
        {
            if (text.Length > 0) text.Append('.');
            text.Append(_name);
        }
    }
}
