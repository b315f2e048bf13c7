namespace Lateen.Telemetry.AccessLogs;

/// <summary>Asks a record for what an operator names.</summary>
internal static class OperatorEvaluator
{
    /// <summary>Scratch octets that <see cref="Evaluate"/> needs.</summary>
    public const int ScratchLength = ResponseFlagNames.MaxLength;

    private static readonly AccessLogHeader ContentType = new("content-type");

    public static LogValue Evaluate(LogOperator op, IAccessLogRecord record, TimeProvider time, Span<byte> scratch)
    {
        switch (op.Kind)
        {
            case LogOperatorKind.Literal:
                return LogValue.Text(op.Literal);
            case LogOperatorKind.Missing:
                return LogValue.Missing;
            case LogOperatorKind.Text:
                return LogValue.TextOrMissing(record.Text((AccessLogText)op.Argument));
            case LogOperatorKind.Number:
                return LogValue.Whole(Math.Max(0, record.Number((AccessLogNumber)op.Argument)));
            case LogOperatorKind.Address:
                return LogValue.TextOrMissing(record.Address((AccessLogAddress)op.Argument));
            case LogOperatorKind.AddressWithoutPort:
                return LogValue.TextOrMissing(WithoutPort(record.Address((AccessLogAddress)op.Argument)));
            case LogOperatorKind.Port:
                return Port(record.Address((AccessLogAddress)op.Argument));
            case LogOperatorKind.StartTime:
                return LogValue.Text(scratch[..op.Time!.Write(record.StartMicroseconds, scratch)]);
            case LogOperatorKind.EmitTime:
                var now = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
                return LogValue.Text(scratch[..op.Time!.Write(now, scratch)]);
            case LogOperatorKind.FlagsShort:
            case LogOperatorKind.FlagsLong:
                return Flags(record.Flags, scratch, op.Kind == LogOperatorKind.FlagsLong);
            case LogOperatorKind.Duration:
                return Duration(op, record);
            case LogOperatorKind.RequestHeader:
            case LogOperatorKind.RequestHeaderWithoutQuery:
            case LogOperatorKind.ResponseHeader:
            case LogOperatorKind.ResponseTrailer:
                return Header(op, record, scratch);
            case LogOperatorKind.QueryParameter:
                return QueryParameter(record.Text(AccessLogText.Path), op.Literal);
            case LogOperatorKind.Metadata:
                if (!record.TryGetMetadata(op.Metadata!, out var found, out var isJson))
                    return LogValue.Missing;
                return isJson ? LogValue.Json(found) : LogValue.Text(found);
            case LogOperatorKind.GrpcStatusNumber:
                var number = GrpcStatus.Of(record, ContentType);
                return number < 0 ? LogValue.Missing : LogValue.Whole(number);
            case LogOperatorKind.GrpcStatusCamel:
            case LogOperatorKind.GrpcStatusSnake:
                return GrpcName(GrpcStatus.Of(record, ContentType), op.Kind == LogOperatorKind.GrpcStatusSnake);
            case LogOperatorKind.TlsText:
                return LogValue.TextOrMissing(record.Tls(TlsOperators.SideOf(op.Argument), TlsOperators.TextOf(op.Argument)));
            case LogOperatorKind.TlsMoment:
                var at = record.TlsMicroseconds(TlsOperators.SideOf(op.Argument), TlsOperators.MomentOf(op.Argument));
                return at == long.MinValue ? LogValue.Missing : LogValue.Text(scratch[..op.Time!.Write(at, scratch)]);
            default:
                return LogValue.Missing;
        }
    }

    private static LogValue GrpcName(long code, bool isSnake)
    {
        if (code < 0)
            return LogValue.Missing;
        var name = isSnake ? GrpcStatus.Snake(code) : GrpcStatus.Camel(code);
        return name.IsEmpty ? LogValue.Whole(code) : LogValue.Text(name);
    }

    private static LogValue Flags(ResponseFlags flags, Span<byte> scratch, bool useLongNames)
    {
        return flags == ResponseFlags.None
            ? LogValue.Text("-"u8)
            : LogValue.Text(scratch[..ResponseFlagNames.Write(flags, scratch, useLongNames)]);
    }

    private static LogValue Duration(LogOperator op, IAccessLogRecord record)
    {
        var from = record.Moment((AccessLogMoment)op.Argument);
        var to = record.Moment((AccessLogMoment)op.SecondArgument);
        if (from < 0 || to < 0 || to < from)
            return LogValue.Missing;
        return LogValue.Whole((to - from) * 1000 / op.UnitNanoseconds);
    }

    private static LogValue Header(LogOperator op, IAccessLogRecord record, Span<byte> scratch)
    {
        var value = Header(op.Kind, op.Header, record, scratch);
        if (value.Kind == LogValueKind.Missing && op.Alternative is { } alternative)
            value = Header(op.Kind, alternative, record, scratch);
        if (op.Kind == LogOperatorKind.RequestHeaderWithoutQuery && value.Kind == LogValueKind.Text
            && value.Bytes.IndexOf((byte)'?') is >= 0 and var query)
        {
            return LogValue.Text(value.Bytes[..query]);
        }
        return value;
    }

    private static LogValue Header(LogOperatorKind kind, HeaderReference reference, IAccessLogRecord record, Span<byte> scratch)
    {
        if (reference.Pseudo is { } pseudo)
            return LogValue.TextOrMissing(record.Text(pseudo));
        if (reference.IsStatus)
        {
            var status = record.Number(AccessLogNumber.ResponseCode);
            if (status <= 0)
                return LogValue.Missing;
            var line = new LogLine(scratch);
            line.Append(status);
            return LogValue.Text(scratch[..line.Written]);
        }
        if (reference.Header is not { } header)
            return LogValue.Missing;
        ReadOnlySpan<byte> value;
        var isThere = kind switch
        {
            LogOperatorKind.ResponseHeader => record.TryGetResponseHeader(header, out value),
            LogOperatorKind.ResponseTrailer => record.TryGetResponseTrailer(header, out value),
            _ => record.TryGetRequestHeader(header, out value),
        };
        return isThere ? LogValue.Text(value) : LogValue.Missing;
    }

    /// <summary>The value of a query parameter as it stands in the path, not decoded.</summary>
    private static LogValue QueryParameter(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name)
    {
        var rest = path[(path.IndexOf((byte)'?') + 1)..];
        if (rest.Length == path.Length)
            return LogValue.Missing;
        while (true)
        {
            var end = rest.IndexOf((byte)'&');
            var pair = end < 0 ? rest : rest[..end];
            if (pair.StartsWith(name) && pair.Length > name.Length && pair[name.Length] == '=')
                return LogValue.Text(pair[(name.Length + 1)..]);
            if (pair.SequenceEqual(name))
                return LogValue.Text(default);
            if (end < 0)
                return LogValue.Missing;
            rest = rest[(end + 1)..];
        }
    }

    private static ReadOnlySpan<byte> WithoutPort(ReadOnlySpan<byte> address)
    {
        var colon = PortColon(address);
        if (colon < 0)
            return address;
        var host = address[..colon];
        return host.Length > 2 && host[0] == '[' && host[^1] == ']' ? host[1..^1] : host;
    }

    private static LogValue Port(ReadOnlySpan<byte> address)
    {
        var colon = PortColon(address);
        return colon >= 0 && System.Buffers.Text.Utf8Parser.TryParse(address[(colon + 1)..], out int port, out _)
            ? LogValue.Whole(port)
            : LogValue.Missing;
    }

    /// <summary>The colon before the port, or -1: a path of a unix socket has none, even when it holds a colon.</summary>
    private static int PortColon(ReadOnlySpan<byte> address)
    {
        return address.IsEmpty || address[0] is (byte)'/' or (byte)'@' ? -1 : address.LastIndexOf((byte)':');
    }
}
