using System.Buffers.Text;

namespace Lateen.Telemetry.AccessLogs;

/// <summary>The codes of gRPC's status, their names, and the code that stands for an HTTP status when an upstream gave none.</summary>
internal static class GrpcStatus
{
    private static readonly AccessLogHeader Status = new("grpc-status");

    public static ReadOnlySpan<byte> Camel(long code)
    {
        return code switch
        {
            0 => "OK"u8,
            1 => "Canceled"u8,
            2 => "Unknown"u8,
            3 => "InvalidArgument"u8,
            4 => "DeadlineExceeded"u8,
            5 => "NotFound"u8,
            6 => "AlreadyExists"u8,
            7 => "PermissionDenied"u8,
            8 => "ResourceExhausted"u8,
            9 => "FailedPrecondition"u8,
            10 => "Aborted"u8,
            11 => "OutOfRange"u8,
            12 => "Unimplemented"u8,
            13 => "Internal"u8,
            14 => "Unavailable"u8,
            15 => "DataLoss"u8,
            16 => "Unauthenticated"u8,
            _ => default,
        };
    }

    public static ReadOnlySpan<byte> Snake(long code)
    {
        return code switch
        {
            0 => "OK"u8,
            1 => "CANCELLED"u8,
            2 => "UNKNOWN"u8,
            3 => "INVALID_ARGUMENT"u8,
            4 => "DEADLINE_EXCEEDED"u8,
            5 => "NOT_FOUND"u8,
            6 => "ALREADY_EXISTS"u8,
            7 => "PERMISSION_DENIED"u8,
            8 => "RESOURCE_EXHAUSTED"u8,
            9 => "FAILED_PRECONDITION"u8,
            10 => "ABORTED"u8,
            11 => "OUT_OF_RANGE"u8,
            12 => "UNIMPLEMENTED"u8,
            13 => "INTERNAL"u8,
            14 => "UNAVAILABLE"u8,
            15 => "DATA_LOSS"u8,
            16 => "UNAUTHENTICATED"u8,
            _ => default,
        };
    }

    /// <summary>The status of a gRPC exchange: from the trailers, else the headers, else by the HTTP status as gRPC's mapping document has
    /// it. -1 when the exchange is no gRPC.</summary>
    public static long Of(IAccessLogRecord record, AccessLogHeader contentType)
    {
        if (!record.TryGetRequestHeader(contentType, out var type) || !IsGrpc(type))
            return -1;
        if ((record.TryGetResponseTrailer(Status, out var text) || record.TryGetResponseHeader(Status, out text))
            && Utf8Parser.TryParse(text, out int code, out var length) && length == text.Length)
        {
            return code;
        }
        return record.Number(AccessLogNumber.ResponseCode) switch
        {
            200 => 2,
            400 => 13,
            401 => 16,
            403 => 7,
            404 => 12,
            429 or 502 or 503 or 504 => 14,
            _ => 2,
        };
    }

    private static bool IsGrpc(ReadOnlySpan<byte> contentType)
    {
        var prefix = "application/grpc"u8;
        return contentType.StartsWith(prefix)
            && (contentType.Length == prefix.Length || contentType[prefix.Length] is (byte)'+' or (byte)';');
    }
}
