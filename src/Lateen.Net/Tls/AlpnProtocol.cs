using System.Collections.Concurrent;
using System.Text;

namespace Lateen.Net.Tls;

/// <summary>
/// A protocol name of ALPN (RFC 7301), one object per name in the process: two are equal when they are the same reference.
/// </summary>
/// <remarks>
/// Objects are made from configuration only, never from what a peer sends, so their number is bounded by what operators wrote.
/// </remarks>
public sealed class AlpnProtocol
{
    /// <summary>Longest name. Octets, RFC 7301 3.1.</summary>
    public const int MaxBytes = 255;

    private static readonly ConcurrentDictionary<string, AlpnProtocol> Known = new(StringComparer.Ordinal);

    private readonly byte[] _bytes;

    private AlpnProtocol(string name)
    {
        Name = name;
        _bytes = Encoding.Latin1.GetBytes(name);
    }

    /// <summary><c>http/1.0</c>.</summary>
    public static AlpnProtocol Http10 { get; } = Get("http/1.0");

    /// <summary><c>http/1.1</c>.</summary>
    public static AlpnProtocol Http11 { get; } = Get("http/1.1");

    /// <summary><c>h2</c>.</summary>
    public static AlpnProtocol Http2 { get; } = Get("h2");

    /// <summary>The name; octets that are not ASCII appear as the Latin-1 character of the same number.</summary>
    public string Name { get; }

    /// <summary>The name as it is on the wire, without its length.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The one object of this name.</summary>
    /// <exception cref="ArgumentException">The name is empty, or longer than <see cref="MaxBytes"/>.</exception>
    public static AlpnProtocol Get(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length is 0 or > MaxBytes)
            throw new ArgumentException($"An ALPN protocol name has 1 to {MaxBytes} octets (RFC 7301 3.1).", nameof(name));
        return Known.GetOrAdd(name, static text => new AlpnProtocol(text));
    }

    public override string ToString() => Name;
}
