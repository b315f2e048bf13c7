using System.Globalization;

namespace Lateen.Proxy.Configuration;

/// <summary>
/// Where in a configuration a value stands, as <c>virtual_hosts[3].routes[0].match.safe_regex</c>. Made while walking down, turned into
/// text only when there is something to complain about.
/// </summary>
/// <remarks>Immutable.</remarks>
public sealed class FieldPath
{
    /// <summary>The whole document or resource.</summary>
    public static readonly FieldPath Root = new(null, string.Empty, -1);

    private readonly FieldPath? _parent;
    private readonly string _name;
    private readonly int _index;

    private FieldPath(FieldPath? parent, string name, int index)
    {
        _parent = parent;
        _name = name;
        _index = index;
    }

    /// <summary>A field of the message here, by its proto name.</summary>
    public FieldPath Field(string name) => new(this, name, -1);

    /// <summary>An element of the repeated field here.</summary>
    public FieldPath At(int index) => new(this, string.Empty, index);

    /// <summary>An entry of the map here.</summary>
    public FieldPath Key(string key) => new(this, $"[\"{key}\"]", -1);

    public override string ToString()
    {
        if (_parent is null) return string.Empty;
        var before = _parent.ToString();
        if (_index >= 0) return before + "[" + _index.ToString(CultureInfo.InvariantCulture) + "]";
        return before.Length == 0 || _name[0] == '[' ? before + _name : before + "." + _name;
    }
}
