namespace Lateen.Http;

/// <summary>What a listener decides about the HTTP/1.1 requests that it reads. Immutable; shared by all its connections.</summary>
public sealed record Http1RequestOptions
{
    /// <summary>Bounds.</summary>
    public Http1Limits Limits { get; init; } = Http1Limits.Default;

    /// <summary>Path normalisation.</summary>
    public PathPolicy Path { get; init; } = PathPolicy.None;

    /// <summary>The scheme of the transport, for targets that do not say theirs.</summary>
    public RequestScheme TransportScheme { get; init; }

    /// <summary>Envoy's <c>accept_http_10</c>. When false, HTTP/1.0 is answered with 426 as Envoy does.</summary>
    public bool AcceptHttp10 { get; init; } = true;

    /// <summary>Envoy's <c>default_host_for_http_10</c>: the authority of an HTTP/1.0 request without Host. Null: such a request has none.</summary>
    public string? DefaultHostForHttp10 { get; init; }

    /// <summary>Envoy's <c>headers_with_underscores_action</c>.</summary>
    public UnderscoreAction Underscores { get; init; }
}
