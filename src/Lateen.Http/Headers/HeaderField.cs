namespace Lateen.Http;

/// <summary>
/// One field of a <see cref="HeaderBlock"/>, seen in place. Valid until the block is changed or reset; it cannot outlive the stack
/// frame, so nobody can keep it by mistake.
/// </summary>
public readonly ref struct HeaderField
{
    internal HeaderField(KnownHeader id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Id = id;
        Name = name;
        Value = value;
    }

    /// <summary>The recognised id, or <see cref="KnownHeader.None"/>.</summary>
    public KnownHeader Id { get; }

    /// <summary>The name with the case in which it arrived or was added. Compare it ignoring ASCII case.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <summary>The value without the whitespace around it; opaque bytes, possibly above 0x7F (obs-text).</summary>
    public ReadOnlySpan<byte> Value { get; }
}
