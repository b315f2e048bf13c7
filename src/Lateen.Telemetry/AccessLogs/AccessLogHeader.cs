using System.Text;

namespace Lateen.Telemetry.AccessLogs;

/// <summary>A header that a format names, resolved once. Immutable.</summary>
public sealed class AccessLogHeader
{
    private readonly byte[] _name;

    public AccessLogHeader(string name, int knownId = -1)
    {
        _name = Encoding.Latin1.GetBytes(name.ToLowerInvariant());
        KnownId = knownId;
    }

    /// <summary>The name in lower case.</summary>
    public ReadOnlySpan<byte> Name => _name;

    /// <summary>What the engine's own table of well-known names calls it, or -1; see <see cref="AccessLogContext.ResolveHeader"/>.
    /// </summary>
    public int KnownId { get; }

    /// <inheritdoc/>
    public override string ToString()
    {
        return Encoding.Latin1.GetString(_name);
    }
}
