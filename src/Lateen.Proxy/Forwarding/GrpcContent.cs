using System.Buffers.Text;
using Lateen.Http;

namespace Lateen.Proxy.Forwarding;

/// <summary>What the proxy must know of gRPC: whether a message is gRPC, and with which status a call ended.</summary>
internal static class GrpcContent
{
    private const int TypeLength = 16;

    /// <summary>Content-type <c>application/grpc</c>, alone or with a suffix or parameter; <c>application/grpc-web</c> is something else.</summary>
    public static bool IsGrpc(HeaderBlock headers)
    {
        if (!headers.TryGet(KnownHeader.ContentType, out ReadOnlySpan<byte> type) || !type.StartsWith("application/grpc"u8)) return false;
        return type.Length == TypeLength || type[TypeLength] is (byte)'+' or (byte)';';
    }

    /// <summary>Notes grpc-status, from the trailers or, in a trailers-only response, from the head.</summary>
    public static void NoteStatus(HttpExchange exchange)
    {
        if (!exchange.IsGrpc) return;
        if (exchange.ResponseTrailers is { } trailers && trailers.TryGet(KnownHeader.GrpcStatus, out ReadOnlySpan<byte> text)
            || exchange.Response.Headers.TryGet(KnownHeader.GrpcStatus, out text))
        {
            if (Utf8Parser.TryParse(text, out int status, out _)) exchange.Record.GrpcStatus = status;
        }
    }
}
