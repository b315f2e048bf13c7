namespace Lateen.Http;

/// <summary>
/// Reads HTTP/1.1 request heads (RFC 9112 sections 2 to 6) from whatever pieces the transport delivers, into a <see cref="HttpRequestHead"/>.
/// Immutable and shared by all connections of a listener: the progress of a head is kept in the head.
/// </summary>
public sealed class Http1RequestParser
{
    private readonly Http1RequestOptions _options;

    /// <summary>A parser with a listener's options.</summary>
    public Http1RequestParser(Http1RequestOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <summary>Goes on reading a head.</summary>
    /// <param name="head">Reset before the first piece of each request, the same object until it is complete.</param>
    /// <param name="input">The next bytes from the connection.</param>
    /// <param name="consumed">
    /// How many of them belong to the head. <see cref="ParseStatus.NeedMore"/>: all, copied into the head, so the read buffer may go
    /// back to its pool. <see cref="ParseStatus.Complete"/>: up to the empty line; content or a pipelined request follows it.
    /// </param>
    /// <returns>The same for the same bytes, however they are cut into pieces.</returns>
    public ParseStatus Parse(HttpRequestHead head, ReadOnlySpan<byte> input, out int consumed) => throw new NotSupportedException(_options.ToString());
}
