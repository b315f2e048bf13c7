using System.Collections.Immutable;

namespace Lateen.Model;

/// <summary>One of the mesh's <c>extensionProviders</c> that this release can use: an external authorizer.</summary>
public sealed record ExtensionProvider
{
    /// <summary>What policies call it; unique in the mesh.</summary>
    public required string Name { get; init; }

    public required AuthorizerProtocol Protocol { get; init; }

    /// <summary>The service that answers: a host name, in <see cref="ServiceNamespace"/> when that is given.</summary>
    public required string Service { get; init; }

    /// <summary>Null: any namespace.</summary>
    public string? ServiceNamespace { get; init; }

    public required int Port { get; init; }

    /// <summary>For one question; Istio's default is so long that the request's own timeout comes first.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary>True lets requests through when the authorizer does not answer. The default refuses them.</summary>
    public bool FailOpen { get; init; }

    /// <summary>What a request is answered with when the authorizer does not answer, 200 to 599; null: 403.</summary>
    public int? StatusOnError { get; init; }

    /// <summary>True: the route is chosen again after the authorizer changed headers.</summary>
    public bool ClearRouteCache { get; init; }

    /// <summary>What of the body is sent along; null: nothing.</summary>
    public AuthorizerRequestBody? RequestBody { get; init; }

    /// <summary>What only HTTP authorizers have.</summary>
    public HttpAuthorizer Http { get; init; } = HttpAuthorizer.Default;
}

/// <summary>What an external authorizer speaks.</summary>
public enum AuthorizerProtocol
{
    /// <summary>Envoy's <c>envoy.service.auth.v3.Authorization</c>.</summary>
    Grpc = 0,

    /// <summary>A request like the one in question: 200 lets it through.</summary>
    Http = 1,
}

/// <summary>How much of a body goes to an authorizer.</summary>
/// <param name="MaxBytes">Bytes kept at most; above 0.</param>
/// <param name="AllowPartial">True: a longer body is cut; false: it is answered 413.</param>
/// <param name="PackAsBytes">True: gRPC gets bytes rather than text.</param>
public sealed record AuthorizerRequestBody(uint MaxBytes, bool AllowPartial, bool PackAsBytes);

/// <summary>Header rules of an HTTP authorizer; entries are Istio's patterns (<c>x-*</c>, <c>*-id</c>, <c>exact</c>).</summary>
public sealed record HttpAuthorizer
{
    public static readonly HttpAuthorizer Default = new();

    /// <summary>Goes before the request's path; empty: nothing.</summary>
    public string PathPrefix { get; init; } = "";

    public ImmutableArray<string> IncludeRequestHeadersInCheck { get; init; } = [];

    public StringMap<string> IncludeAdditionalHeadersInCheck { get; init; } = StringMap<string>.Empty;

    public ImmutableArray<string> HeadersToUpstreamOnAllow { get; init; } = [];

    public ImmutableArray<string> HeadersToDownstreamOnAllow { get; init; } = [];

    public ImmutableArray<string> HeadersToDownstreamOnDeny { get; init; } = [];
}
