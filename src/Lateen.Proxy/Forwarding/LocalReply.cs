using System.Collections.Immutable;
using Lateen.Http;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Forwarding;

/// <summary>A response that this proxy gives itself. Immutable.</summary>
/// <remarks>To a gRPC request it becomes a trailers-only response with the mapped status and the body as <c>grpc-message</c>.</remarks>
public sealed class LocalReply
{
    /// <summary>200 to 599.</summary>
    public required int Status { get; init; }

    /// <summary>Null: <see cref="FailureMap.GrpcStatusOf"/> of <see cref="Status"/>.</summary>
    public int? GrpcStatus { get; init; }

    /// <summary>May be empty.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>Sent only when there is a body.</summary>
    public ReadOnlyMemory<byte> ContentType { get; init; } = "text/plain"u8.ToArray();

    /// <summary>Added to the response after the ones that every response gets.</summary>
    public ImmutableArray<(HeaderName Name, ReadOnlyMemory<byte> Value)> Headers { get; init; } = [];

    /// <summary><c>%RESPONSE_CODE_DETAILS%</c>.</summary>
    public string Details { get; init; } = "direct_response";

    public ResponseFlags Flags { get; init; }
}
