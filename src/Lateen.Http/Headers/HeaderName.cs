using System.Text;

namespace Lateen.Http;

/// <summary>
/// A field name that configuration mentions (a route's header matcher, a header to add), resolved once when the configuration is
/// frozen, so that looking it up in a request neither hashes nor makes a string. Immutable; safe from any thread.
/// </summary>
public sealed class HeaderName
{
    private readonly byte[] _bytes;

    private HeaderName(byte[] bytes)
    {
        _bytes = bytes;
        Known = KnownHeaders.Recognize(bytes);
    }

    /// <summary>The id of the name, or <see cref="KnownHeader.None"/>.</summary>
    public KnownHeader Known { get; }

    /// <summary>The name as configured, case kept; this is what goes on the wire when the name is added.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>A name of one or more RFC 9110 token characters; false for anything else, pseudo-headers such as <c>:path</c> included.</summary>
    public static bool TryCreate(string name, out HeaderName? result)
    {
        ArgumentNullException.ThrowIfNull(name);
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        result = Grammar.IsToken(bytes) ? new HeaderName(bytes) : null;
        return result is not null;
    }

    /// <summary>As <see cref="TryCreate"/>, for names that were validated before.</summary>
    /// <exception cref="ArgumentException">The name is not a token.</exception>
    public static HeaderName Create(string name) =>
        TryCreate(name, out HeaderName? result) ? result! : throw new ArgumentException($"'{name}' is not a field name", nameof(name));

    public override string ToString() => Encoding.ASCII.GetString(_bytes);
}
