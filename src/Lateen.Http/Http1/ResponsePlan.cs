namespace Lateen.Http;

/// <summary>
/// How a response goes to this client: decided once from the response, the request's method and the client's version, then obeyed by the
/// head's writer and by whoever writes the content. Made by <see cref="For"/>.
/// </summary>
/// <param name="Framing">What delimits the content on the client's connection. <see cref="BodyFraming.None"/>: write no content.</param>
/// <param name="ContentLength">The Content-Length that the head declares, or -1 for no such field.</param>
/// <param name="KeepAlive">False: the connection must be closed after the response; the head says so, unless it becomes a tunnel.</param>
/// <param name="ClientProtocol">The client's version; HTTP/1.0 is told <c>keep-alive</c> in words.</param>
public readonly record struct ResponsePlan(BodyFraming Framing, long ContentLength, bool KeepAlive, HttpProtocol ClientProtocol)
{
    /// <summary>The plan for one final response (or 101).</summary>
    /// <param name="response">The head that will be written.</param>
    /// <param name="method">The client's method.</param>
    /// <param name="clientProtocol">The client's version. HTTP/1.0 never gets chunked (RFC 9112 section 6.1).</param>
    /// <param name="keepAlive">True when client and proxy both wish to go on with the connection.</param>
    public static ResponsePlan For(HttpResponseHead response, RequestMethod method, HttpProtocol clientProtocol, bool keepAlive)
    {
        ArgumentNullException.ThrowIfNull(response);
        int status = response.Status;
        bool isTunnel = status == 101 || (method == RequestMethod.Connect && status is >= 200 and < 300);
        if (isTunnel) return new ResponsePlan(BodyFraming.Tunnel, -1, KeepAlive: false, clientProtocol);

        // A client that hoped for the tunnel may have sent its first octets already, and they are not a request.
        if (method == RequestMethod.Connect) keepAlive = false;

        // RFC 9110 section 8.6: no Content-Length in a 204; in a 304 and an answer to HEAD only that of the content that a GET would get.
        if (status == 204) return new ResponsePlan(BodyFraming.None, -1, keepAlive, clientProtocol);
        if (status == 304 || method == RequestMethod.Head)
            return new ResponsePlan(BodyFraming.None, response.ContentLength, keepAlive, clientProtocol);

        switch (response.Framing)
        {
            case BodyFraming.Length:
                return new ResponsePlan(BodyFraming.Length, response.ContentLength, keepAlive, clientProtocol);
            case BodyFraming.None or BodyFraming.Tunnel:
                return new ResponsePlan(BodyFraming.None, 0, keepAlive, clientProtocol);
            default:
                return clientProtocol != HttpProtocol.Http10
                    ? new ResponsePlan(BodyFraming.Chunked, -1, keepAlive, clientProtocol)
                    : new ResponsePlan(BodyFraming.UntilClose, -1, KeepAlive: false, clientProtocol);
        }
    }
}
