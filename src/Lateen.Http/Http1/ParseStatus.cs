namespace Lateen.Http;

/// <summary>What a parser made of the bytes that it was given.</summary>
public enum ParseStatus : byte
{
    /// <summary>All bytes were taken and the head is not complete. Give it more.</summary>
    NeedMore = 0,

    /// <summary>The head is complete; the bytes after it were not taken.</summary>
    Complete,

    /// <summary>The message is refused, see the head's <c>Rejection</c>. Answer and close.</summary>
    Rejected,
}
