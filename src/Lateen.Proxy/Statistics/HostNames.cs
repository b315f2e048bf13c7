using System.Text;

namespace Lateen.Proxy.Statistics;

/// <summary>One reactor's strings for hosts that clients asked for, each made once. Clients choose them, so it is bounded: when full it
/// is emptied.</summary>
internal sealed class HostNames
{
    /// <summary>Hosts remembered. Count.</summary>
    public const int Capacity = 256;

    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> _bySpan;

    public HostNames() => _bySpan = _names.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The string for a host; the same object as long as it is remembered. Hosts longer than DNS allows read as empty.</summary>
    public string Intern(ReadOnlySpan<byte> host)
    {
        Span<char> text = stackalloc char[256];
        if (host.Length > text.Length) return string.Empty;
        text = text[..Encoding.Latin1.GetChars(host, text)];
        if (_bySpan.TryGetValue(text, out var known)) return known;
        if (_names.Count >= Capacity) _names.Clear();
        var name = new string(text);
        _names.Add(name, name);
        return name;
    }
}
