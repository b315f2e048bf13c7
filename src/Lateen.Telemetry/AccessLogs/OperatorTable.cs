using System.Text;

namespace Lateen.Telemetry.AccessLogs;

/// <summary>The operators by name, and how each reads its argument. The one place that knows Envoy's names.</summary>
internal static class OperatorTable
{
    private const int Nanosecond = 1;
    private const int Microsecond = 1000;
    private const int Millisecond = 1_000_000;

    /// <summary>Operators without an argument.</summary>
    private static readonly Dictionary<string, LogOperator> Plain = BuildPlain();

    /// <summary>Known to Envoy, and never known here: always missing, never an error, so that a format written for Envoy runs.</summary>
    private static readonly HashSet<string> NeverKnown =
    [
        "TLS_JA3_FINGERPRINT", "TLS_JA4_FINGERPRINT", "ROUNDTRIP_DURATION", "DOWNSTREAM_PEER_OTHERNAME_SAN", "DOWNSTREAM_LOCAL_OTHERNAME_SAN",
        "UPSTREAM_PEER_OTHERNAME_SAN", "UPSTREAM_LOCAL_OTHERNAME_SAN",
    ];

    /// <summary>Compiles an operator.</summary>
    /// <returns>Null, or why it was refused.</returns>
    public static string? Compile(string name, string? argument, AccessLogContext context, out LogOperator? compiled)
    {
        compiled = null;
        if (TlsOperators.IsMoment(name, out var moment))
        {
            var refusal = Time(LogOperatorKind.TlsMoment, name, argument, TimeZoneInfo.Utc, out compiled);
            compiled = compiled is null ? null : compiled with { Argument = moment };
            return refusal;
        }
        if (Plain.TryGetValue(name, out compiled) || TlsOperators.IsText(name, out compiled))
            return argument is null or "" ? null : $"operator %{name}% takes no argument, but has '({argument})'";
        if (NeverKnown.Contains(name))
        {
            compiled = new LogOperator(LogOperatorKind.Missing);
            return null;
        }
        switch (name)
        {
            case "START_TIME":
                return Time(LogOperatorKind.StartTime, name, argument, TimeZoneInfo.Utc, out compiled);
            case "START_TIME_LOCAL":
                return Time(LogOperatorKind.StartTime, name, argument, context.Time.LocalTimeZone, out compiled);
            case "EMIT_TIME":
                return Time(LogOperatorKind.EmitTime, name, argument, TimeZoneInfo.Utc, out compiled);
            case "EMIT_TIME_LOCAL":
                return Time(LogOperatorKind.EmitTime, name, argument, context.Time.LocalTimeZone, out compiled);
            case "REQ":
                return Header(LogOperatorKind.RequestHeader, name, argument, context, out compiled);
            case "REQ_WITHOUT_QUERY":
                return Header(LogOperatorKind.RequestHeaderWithoutQuery, name, argument, context, out compiled);
            case "RESP":
                return Header(LogOperatorKind.ResponseHeader, name, argument, context, out compiled);
            case "TRAILER":
                return Header(LogOperatorKind.ResponseTrailer, name, argument, context, out compiled);
            case "PATH":
                return PathOf(argument, context, out compiled);
            case "QUERY_PARAM":
                if (string.IsNullOrEmpty(argument))
                    return "operator %QUERY_PARAM(X)% needs the name of a query parameter";
                compiled = new LogOperator(LogOperatorKind.QueryParameter) { Literal = Encoding.UTF8.GetBytes(argument) };
                return null;
            case "COMMON_DURATION":
                return CommonDuration(argument, out compiled);
            case "GRPC_STATUS":
                return Grpc(argument, out compiled);
            case "HOSTNAME":
                compiled = Known(context.HostName);
                return null;
            case "ENVIRONMENT":
                if (string.IsNullOrEmpty(argument))
                    return "operator %ENVIRONMENT(X)% needs the name of a variable";
                compiled = Known(context.Environment(argument));
                return null;
            case "DYNAMIC_METADATA":
                return Metadata(name, AccessLogMetadataSource.Dynamic, argument, out compiled);
            case "CLUSTER_METADATA":
                return Metadata(name, AccessLogMetadataSource.Cluster, argument, out compiled);
            case "UPSTREAM_METADATA":
                return Metadata(name, AccessLogMetadataSource.UpstreamHost, argument, out compiled);
            case "METADATA":
                return AnyMetadata(argument, out compiled);
            case "FILTER_STATE":
                return FilterState(name, AccessLogMetadataSource.FilterState, argument, out compiled);
            case "UPSTREAM_FILTER_STATE":
                return FilterState(name, AccessLogMetadataSource.UpstreamFilterState, argument, out compiled);
            default:
                return $"operator %{name}% is not known";
        }
    }

    private static LogOperator Known(string? value)
    {
        return string.IsNullOrEmpty(value)
            ? new LogOperator(LogOperatorKind.Missing)
            : new LogOperator(LogOperatorKind.Literal) { Literal = Encoding.UTF8.GetBytes(value) };
    }

    private static string? Time(LogOperatorKind kind, string name, string? argument, TimeZoneInfo zone, out LogOperator? compiled)
    {
        compiled = null;
        TimeFormat? time;
        if (string.IsNullOrEmpty(argument))
            time = TimeFormat.Default(zone);
        else if (!TimeFormat.TryParse(argument, zone, out time, out var error))
            return $"operator %{name}({argument})%: {error}";
        compiled = new LogOperator(kind) { Time = time };
        return null;
    }

    private static string? Header(LogOperatorKind kind, string name, string? argument, AccessLogContext context, out LogOperator? compiled)
    {
        compiled = null;
        if (string.IsNullOrEmpty(argument))
            return $"operator %{name}(X?Y)% needs the name of a header";
        var question = argument.IndexOf('?', StringComparison.Ordinal);
        var first = question < 0 ? argument : argument[..question];
        var second = question < 0 ? null : argument[(question + 1)..];
        if (!IsHeaderName(first) || (second is not null && !IsHeaderName(second)))
            return $"operator %{name}({argument})% names no header; the form is X or X?Y";
        compiled = new LogOperator(kind)
        {
            Header = Resolve(kind, first, context),
            Alternative = second is null ? null : Resolve(kind, second, context),
        };
        return null;
    }

    private static bool IsHeaderName(string name)
    {
        var field = name.StartsWith(':') ? name.AsSpan(1) : name;
        if (field.IsEmpty)
            return false;
        foreach (var c in field)
        {
            // RFC 9110 5.6.2: tchar.
            if (!char.IsAsciiLetterOrDigit(c) && !"!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal))
                return false;
        }
        return true;
    }

    private static HeaderReference Resolve(LogOperatorKind kind, string name, AccessLogContext context)
    {
        var lower = name.ToLowerInvariant();
        var isRequest = kind is LogOperatorKind.RequestHeader or LogOperatorKind.RequestHeaderWithoutQuery;
        if (!lower.StartsWith(':') && !(isRequest && lower == "host"))
            return new HeaderReference(new AccessLogHeader(lower, context.ResolveHeader(lower)), null, false);
        AccessLogText? pseudo = !isRequest ? null : lower switch
        {
            ":method" => AccessLogText.Method,
            ":path" => AccessLogText.Path,
            ":authority" or "host" => AccessLogText.Authority,
            ":scheme" => AccessLogText.Scheme,
            _ => null,
        };
        return new HeaderReference(null, pseudo, kind == LogOperatorKind.ResponseHeader && lower == ":status");
    }

    /// <summary><c>PATH(WQ|NQ:ORIG|PATH|ORIG_OR_PATH)</c>: with or without query; the path before rewriting, the present one, or the first
    /// that is there.</summary>
    private static string? PathOf(string? argument, AccessLogContext context, out LogOperator? compiled)
    {
        compiled = null;
        var parts = (argument ?? "").Split(':');
        var kind = parts[0] switch
        {
            "" or "WQ" => LogOperatorKind.RequestHeader,
            "NQ" => LogOperatorKind.RequestHeaderWithoutQuery,
            _ => LogOperatorKind.Missing,
        };
        var source = parts.Length switch { 1 => "x-envoy-original-path?:path", 2 => SourceOf(parts[1]), _ => null };
        if (kind == LogOperatorKind.Missing || source is null)
            return $"operator %PATH({argument})%: the form is WQ or NQ, then ':' and ORIG, PATH or ORIG_OR_PATH";
        return Header(kind, "PATH", source, context, out compiled);

        static string? SourceOf(string word)
        {
            return word switch
            {
                "" or "ORIG_OR_PATH" => "x-envoy-original-path?:path",
                "ORIG" => "x-envoy-original-path",
                "PATH" => ":path",
                _ => null,
            };
        }
    }

    private static string? CommonDuration(string? argument, out LogOperator? compiled)
    {
        compiled = null;
        var parts = (argument ?? "").Split(':');
        if (parts.Length != 3 || Moment(parts[0]) is not { } from || Moment(parts[1]) is not { } to || Unit(parts[2]) is not { } unit)
        {
            return $"operator %COMMON_DURATION({argument})%: the form is START:END:PRECISION, with DS_RX_BEG, DS_RX_END, US_CX_BEG, US_CX_END, "
                + "US_HS_END, US_TX_BEG, US_TX_END, US_RX_BEG, US_RX_END, DS_TX_BEG or DS_TX_END, and ms, us or ns";
        }
        compiled = Duration(from, to, unit);
        return null;

        static AccessLogMoment? Moment(string word)
        {
            return word switch
            {
                "DS_RX_BEG" => AccessLogMoment.DownstreamReceiveBegin,
                "DS_RX_END" => AccessLogMoment.DownstreamReceiveEnd,
                "US_CX_BEG" => AccessLogMoment.UpstreamConnectBegin,
                "US_CX_END" => AccessLogMoment.UpstreamConnectEnd,
                "US_HS_END" => AccessLogMoment.UpstreamHandshakeEnd,
                "US_TX_BEG" => AccessLogMoment.UpstreamSendBegin,
                "US_TX_END" => AccessLogMoment.UpstreamSendEnd,
                "US_RX_BEG" => AccessLogMoment.UpstreamReceiveBegin,
                "US_RX_END" => AccessLogMoment.UpstreamReceiveEnd,
                "DS_TX_BEG" => AccessLogMoment.DownstreamSendBegin,
                "DS_TX_END" => AccessLogMoment.DownstreamSendEnd,
                _ => null,
            };
        }

        static int? Unit(string word)
        {
            return word switch { "ms" => Millisecond, "us" => Microsecond, "ns" => Nanosecond, _ => null };
        }
    }

    private static LogOperator Duration(AccessLogMoment from, AccessLogMoment to, int unit = Millisecond)
    {
        return new LogOperator(LogOperatorKind.Duration) { Argument = (int)from, SecondArgument = (int)to, UnitNanoseconds = unit };
    }

    private static string? Grpc(string? argument, out LogOperator? compiled)
    {
        compiled = (argument ?? "") switch
        {
            "" or "CAMEL_STRING" => new LogOperator(LogOperatorKind.GrpcStatusCamel),
            "SNAKE_STRING" => new LogOperator(LogOperatorKind.GrpcStatusSnake),
            "NUMBER" => new LogOperator(LogOperatorKind.GrpcStatusNumber),
            _ => null,
        };
        return compiled is null ? $"operator %GRPC_STATUS({argument})%: the form is CAMEL_STRING, SNAKE_STRING or NUMBER" : null;
    }

    private static string? Metadata(string name, AccessLogMetadataSource source, string? argument, out LogOperator? compiled)
    {
        compiled = null;
        if (string.IsNullOrEmpty(argument))
            return $"operator %{name}(NAMESPACE:KEY)% needs a namespace";
        var parts = argument.Split(':');
        compiled = new LogOperator(LogOperatorKind.Metadata) { Metadata = new AccessLogMetadata(source, parts[0], parts[1..]) };
        return null;
    }

    private static string? AnyMetadata(string? argument, out LogOperator? compiled)
    {
        compiled = null;
        var colon = (argument ?? "").IndexOf(':', StringComparison.Ordinal);
        AccessLogMetadataSource? source = colon < 0 ? null : argument![..colon] switch
        {
            "DYNAMIC" => AccessLogMetadataSource.Dynamic,
            "CLUSTER" => AccessLogMetadataSource.Cluster,
            "ROUTE" => AccessLogMetadataSource.Route,
            "UPSTREAM_HOST" => AccessLogMetadataSource.UpstreamHost,
            "LISTENER" => AccessLogMetadataSource.Listener,
            "VIRTUAL_HOST" => AccessLogMetadataSource.VirtualHost,
            _ => null,
        };
        return source is null
            ? $"operator %METADATA({argument})%: the form is TYPE:NAMESPACE:KEY, with DYNAMIC, CLUSTER, ROUTE, UPSTREAM_HOST, LISTENER or VIRTUAL_HOST"
            : Metadata("METADATA", source.Value, argument![(colon + 1)..], out compiled);
    }

    private static string? FilterState(string name, AccessLogMetadataSource source, string? argument, out LogOperator? compiled)
    {
        compiled = null;
        if (string.IsNullOrEmpty(argument))
            return $"operator %{name}(KEY:FORM)% needs a key";
        var parts = argument.Split(':');
        if (parts.Length > 1 && parts[1] is not ("PLAIN" or "TYPED" or "FIELD"))
            return $"operator %{name}({argument})%: the form is PLAIN, TYPED or FIELD";
        compiled = new LogOperator(LogOperatorKind.Metadata) { Metadata = new AccessLogMetadata(source, parts[0], parts.Length > 2 ? parts[2..] : []) };
        return null;
    }

    private static Dictionary<string, LogOperator> BuildPlain()
    {
        var table = new Dictionary<string, LogOperator>
        {
            ["RESPONSE_FLAGS"] = new(LogOperatorKind.FlagsShort),
            ["RESPONSE_FLAGS_LONG"] = new(LogOperatorKind.FlagsLong),
            ["GRPC_STATUS_NUMBER"] = new(LogOperatorKind.GrpcStatusNumber),
            ["ACCESS_LOG_TYPE"] = new(LogOperatorKind.Literal) { Literal = "DownstreamEnd"u8.ToArray() },
            ["DURATION"] = Duration(AccessLogMoment.DownstreamReceiveBegin, AccessLogMoment.End),
            ["REQUEST_DURATION"] = Duration(AccessLogMoment.DownstreamReceiveBegin, AccessLogMoment.DownstreamReceiveEnd),
            ["REQUEST_TX_DURATION"] = Duration(AccessLogMoment.DownstreamReceiveBegin, AccessLogMoment.UpstreamSendEnd),
            ["RESPONSE_DURATION"] = Duration(AccessLogMoment.DownstreamReceiveBegin, AccessLogMoment.UpstreamReceiveBegin),
            ["RESPONSE_TX_DURATION"] = Duration(AccessLogMoment.UpstreamReceiveBegin, AccessLogMoment.DownstreamSendEnd),
            ["DOWNSTREAM_HANDSHAKE_DURATION"] = Duration(AccessLogMoment.DownstreamReceiveBegin, AccessLogMoment.DownstreamHandshakeLength),
            ["UPSTREAM_CONNECTION_POOL_READY_DURATION"] = Duration(AccessLogMoment.DownstreamReceiveBegin, AccessLogMoment.UpstreamPoolReady),
        };

        Add(LogOperatorKind.Text, [
            ("PROTOCOL", AccessLogText.Protocol), ("UPSTREAM_PROTOCOL", AccessLogText.UpstreamProtocol),
            ("RESPONSE_CODE_DETAILS", AccessLogText.ResponseCodeDetails),
            ("CONNECTION_TERMINATION_DETAILS", AccessLogText.ConnectionTerminationDetails),
            ("UPSTREAM_TRANSPORT_FAILURE_REASON", AccessLogText.UpstreamTransportFailureReason),
            ("DOWNSTREAM_TRANSPORT_FAILURE_REASON", AccessLogText.DownstreamTransportFailureReason),
            ("UPSTREAM_HOST_NAME", AccessLogText.UpstreamHostName), ("UPSTREAM_CLUSTER", AccessLogText.UpstreamCluster),
            ("UPSTREAM_CLUSTER_RAW", AccessLogText.UpstreamClusterRaw), ("REQUESTED_SERVER_NAME", AccessLogText.RequestedServerName),
            ("ROUTE_NAME", AccessLogText.RouteName), ("VIRTUAL_CLUSTER_NAME", AccessLogText.VirtualClusterName),
            ("FILTER_CHAIN_NAME", AccessLogText.FilterChainName), ("TRACE_ID", AccessLogText.TraceId), ("SPAN_ID", AccessLogText.SpanId),
            ("STREAM_ID", AccessLogText.StreamId), ("UNIQUE_ID", AccessLogText.StreamId), ("LOCAL_REPLY_BODY", AccessLogText.LocalReplyBody),
        ]);
        Add(LogOperatorKind.Number, [
            ("RESPONSE_CODE", AccessLogNumber.ResponseCode), ("BYTES_RECEIVED", AccessLogNumber.BytesReceived),
            ("BYTES_SENT", AccessLogNumber.BytesSent), ("REQUEST_HEADERS_BYTES", AccessLogNumber.RequestHeadersBytes),
            ("RESPONSE_HEADERS_BYTES", AccessLogNumber.ResponseHeadersBytes), ("RESPONSE_TRAILERS_BYTES", AccessLogNumber.ResponseTrailersBytes),
            ("UPSTREAM_WIRE_BYTES_SENT", AccessLogNumber.UpstreamWireBytesSent),
            ("UPSTREAM_WIRE_BYTES_RECEIVED", AccessLogNumber.UpstreamWireBytesReceived),
            ("UPSTREAM_HEADER_BYTES_SENT", AccessLogNumber.UpstreamHeaderBytesSent),
            ("UPSTREAM_HEADER_BYTES_RECEIVED", AccessLogNumber.UpstreamHeaderBytesReceived),
            ("DOWNSTREAM_WIRE_BYTES_SENT", AccessLogNumber.DownstreamWireBytesSent),
            ("DOWNSTREAM_WIRE_BYTES_RECEIVED", AccessLogNumber.DownstreamWireBytesReceived),
            ("DOWNSTREAM_HEADER_BYTES_SENT", AccessLogNumber.DownstreamHeaderBytesSent),
            ("DOWNSTREAM_HEADER_BYTES_RECEIVED", AccessLogNumber.DownstreamHeaderBytesReceived),
            ("UPSTREAM_REQUEST_ATTEMPT_COUNT", AccessLogNumber.UpstreamAttemptCount), ("CONNECTION_ID", AccessLogNumber.ConnectionId),
            ("UPSTREAM_CONNECTION_ID", AccessLogNumber.UpstreamConnectionId),
        ]);
        table["UPSTREAM_HOST"] = new(LogOperatorKind.Address) { Argument = (int)AccessLogAddress.UpstreamHost };
        (string Name, AccessLogAddress Address)[] addresses =
        [
            ("DOWNSTREAM_REMOTE", AccessLogAddress.DownstreamRemote), ("DOWNSTREAM_DIRECT_REMOTE", AccessLogAddress.DownstreamDirectRemote),
            ("DOWNSTREAM_LOCAL", AccessLogAddress.DownstreamLocal), ("DOWNSTREAM_DIRECT_LOCAL", AccessLogAddress.DownstreamDirectLocal),
            ("UPSTREAM_REMOTE", AccessLogAddress.UpstreamRemote), ("UPSTREAM_LOCAL", AccessLogAddress.UpstreamLocal),
        ];
        foreach (var (name, address) in addresses)
        {
            table[name + "_ADDRESS"] = new(LogOperatorKind.Address) { Argument = (int)address };
            table[name + "_ADDRESS_WITHOUT_PORT"] = new(LogOperatorKind.AddressWithoutPort) { Argument = (int)address };
            table[name + "_PORT"] = new(LogOperatorKind.Port) { Argument = (int)address };
        }
        return table;

        void Add<T>(LogOperatorKind kind, (string Name, T Value)[] rows)
            where T : struct, Enum
        {
            foreach (var (name, value) in rows)
                table.Add(name, new LogOperator(kind) { Argument = Convert.ToInt32(value) });
        }
    }
}
