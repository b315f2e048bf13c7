using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Forwarding.SubRequests;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>How an authorization service is asked and how its answers are read: by HTTP or by gRPC.</summary>
/// <remarks>Immutable.</remarks>
internal abstract class AuthorizationService
{
    /// <summary>The cluster that it is behind.</summary>
    public required string Cluster { get; init; }

    /// <summary>From the question to the end of the answer. Milliseconds.</summary>
    public required long TimeoutMilliseconds { get; init; }

    /// <summary>A CONNECT can be asked about. Where it cannot, it is refused, whatever holds for failures.</summary>
    public abstract bool CanJudgeConnect { get; }

    /// <summary>Writes the question about a request.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="question">What the service is sent: an empty head, to be filled.</param>
    /// <param name="route">What its route changes; null: nothing.</param>
    /// <param name="content">What of the request's content was gathered; null: content is not the service's business.</param>
    /// <returns>The content of the question.</returns>
    public abstract ReadOnlyMemory<byte> Ask(HttpExchange exchange, ExtAuthzRoute? route, SubRequest question, GatheredContent? content);

    /// <summary>Reads an answer that came whole.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="question">The question with its answer.</param>
    /// <param name="answer">Empty; gets what was said.</param>
    public abstract AuthorizationVerdict Read(HttpExchange exchange, SubRequest question, AuthorizationAnswer answer);
}

/// <summary>Content of a request as it was gathered for the service.</summary>
/// <param name="Octets">May be empty.</param>
/// <param name="IsPartial">There is more of it.</param>
internal readonly record struct GatheredContent(ReadOnlyMemory<byte> Octets, bool IsPartial);
