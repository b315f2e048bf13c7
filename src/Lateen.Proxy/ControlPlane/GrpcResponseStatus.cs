using System.Globalization;
using System.Text;
using Grpc.Core;
using Lateen.Http;

namespace Lateen.Proxy.ControlPlane;

/// <summary>How a call ended, from what HTTP says: the mapping of gRPC's "HTTP to gRPC status code" and "PROTOCOL-HTTP2" documents.</summary>
internal static class GrpcResponseStatus
{
    /// <summary>What is wrong with a response's head; null when messages may follow, or it carries its status itself.</summary>
    public static Status? OfHead(HttpResponseHead head)
    {
        if (head.Status != 200)
        {
            StatusCode code = head.Status switch
            {
                400 => StatusCode.Internal,
                401 => StatusCode.Unauthenticated,
                403 => StatusCode.PermissionDenied,
                404 => StatusCode.Unimplemented,
                429 or 502 or 503 or 504 => StatusCode.Unavailable,
                _ => StatusCode.Unknown,
            };
            return new Status(code, $"the server answered with HTTP status {head.Status}");
        }

        return head.Headers.Get(KnownHeader.ContentType).StartsWith("application/grpc"u8)
            ? null : new Status(StatusCode.Unknown, "the server's answer is not gRPC");
    }

    /// <summary>The status in trailers, or in a head that is all there is.</summary>
    public static Status OfTrailers(HeaderBlock fields)
    {
        if (!fields.TryGet(KnownHeader.GrpcStatus, out ReadOnlySpan<byte> text)
            || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int code))
            return new Status(StatusCode.Unknown, "the server ended the stream without a status");
        return new Status(code is >= 0 and <= 16 ? (StatusCode)code : StatusCode.Unknown, Unescape(fields.Get(KnownHeader.GrpcMessage)));
    }

    /// <summary>The status of a stream that was reset.</summary>
    public static Status OfReset(Http2ErrorCode error, string detail) => new(
        error switch
        {
            Http2ErrorCode.RefusedStream => StatusCode.Unavailable,
            Http2ErrorCode.Cancel => StatusCode.Cancelled,
            Http2ErrorCode.EnhanceYourCalm => StatusCode.ResourceExhausted,
            Http2ErrorCode.InadequateSecurity => StatusCode.PermissionDenied,
            _ => StatusCode.Internal,
        },
        detail);

    /// <summary>Percent-encoded UTF-8; what is not well-formed stays as it is.</summary>
    private static string Unescape(ReadOnlySpan<byte> text) => Uri.UnescapeDataString(Encoding.UTF8.GetString(text));
}
