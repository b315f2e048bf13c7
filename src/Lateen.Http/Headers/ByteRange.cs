namespace Lateen.Http;

/// <summary>A slice of a <see cref="HeaderBlock"/>'s byte store; it survives the store's growth, as a span would not.</summary>
internal readonly record struct ByteRange(int Start, int Length)
{
    internal bool IsEmpty => Length == 0;
}
