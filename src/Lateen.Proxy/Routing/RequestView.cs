using Lateen.Http;

namespace Lateen.Proxy.Routing;

/// <summary>What routing looks at of one request, as spans into the request's own store.</summary>
internal readonly ref struct RequestView
{
    public required ReadOnlySpan<byte> Method { get; init; }

    public required ReadOnlySpan<byte> Scheme { get; init; }

    public required ReadOnlySpan<byte> Authority { get; init; }

    /// <summary>Without the query.</summary>
    public required ReadOnlySpan<byte> Path { get; init; }

    /// <summary>Without the question mark.</summary>
    public required ReadOnlySpan<byte> Query { get; init; }

    /// <summary>Path and query, the <c>:path</c> of HTTP/2.</summary>
    public required ReadOnlySpan<byte> Target { get; init; }

    public required HeaderBlock Headers { get; init; }

    /// <summary>The canonical request. Valid until it is changed.</summary>
    public static RequestView Of(HttpRequestHead request) => new()
    {
        Method = request.MethodText,
        Scheme = request.Scheme == RequestScheme.Https ? "https"u8 : "http"u8,
        Authority = request.Authority,
        Path = request.Path,
        Query = request.Query,
        Target = request.PathAndQuery,
        Headers = request.Headers,
    };

    /// <summary>The same request as somebody reads it who takes its path for another one.</summary>
    public RequestView Reading(ReadOnlySpan<byte> path, ReadOnlySpan<byte> target) => new()
    {
        Method = Method,
        Scheme = Scheme,
        Authority = Authority,
        Path = path,
        Query = Query,
        Target = target,
        Headers = Headers,
    };

    /// <summary>A view for tests of plain fields, where there is no request line.</summary>
    public static RequestView OfHeaders(HeaderBlock headers) => new()
    {
        Method = default,
        Scheme = default,
        Authority = default,
        Path = default,
        Query = default,
        Target = default,
        Headers = headers,
    };
}
