namespace Lateen.Http;

/// <summary>
/// How a response goes to this client: decided once from the response, the request's method and the client's version, then obeyed by the
/// head's writer and by whoever writes the content. Made by <see cref="For"/>.
/// </summary>
/// <param name="Framing">What delimits the content on the client's connection. <see cref="BodyFraming.None"/>: write no content.</param>
/// <param name="KeepAlive">False: the head says <c>Connection: close</c> and the connection must be closed after the response.</param>
/// <param name="ClientProtocol">The client's version; HTTP/1.0 is told <c>keep-alive</c> in words.</param>
public readonly record struct ResponsePlan(BodyFraming Framing, bool KeepAlive, HttpProtocol ClientProtocol)
{
    /// <summary>The plan for one response.</summary>
    /// <param name="response">The head that will be written.</param>
    /// <param name="method">The client's method.</param>
    /// <param name="clientProtocol">The client's version. HTTP/1.0 never gets chunked (RFC 9112 section 6.1).</param>
    /// <param name="keepAlive">True when client and proxy both wish to go on with the connection.</param>
    public static ResponsePlan For(HttpResponseHead response, RequestMethod method, HttpProtocol clientProtocol, bool keepAlive) =>
        throw new NotSupportedException();
}
