namespace Lateen.Telemetry.AccessLogs;

/// <summary>What an operator does; its argument is in <see cref="LogOperator"/>.</summary>
internal enum LogOperatorKind
{
    /// <summary>Plain text between operators, or a value known when the format was compiled.</summary>
    Literal,
    /// <summary>A value that this proxy never has: always missing.</summary>
    Missing,
    /// <summary>Argument: <see cref="AccessLogText"/>.</summary>
    Text,
    /// <summary>Argument: <see cref="AccessLogNumber"/>.</summary>
    Number,
    /// <summary>Argument: <see cref="AccessLogAddress"/>.</summary>
    Address,
    AddressWithoutPort,
    Port,
    StartTime,
    EmitTime,
    FlagsShort,
    FlagsLong,
    /// <summary>Arguments: from and to <see cref="AccessLogMoment"/>, and nanoseconds per unit.</summary>
    Duration,
    RequestHeader,
    RequestHeaderWithoutQuery,
    ResponseHeader,
    ResponseTrailer,
    QueryParameter,
    Metadata,
    GrpcStatusNumber,
    GrpcStatusCamel,
    GrpcStatusSnake,
    /// <summary>Argument: side and <see cref="AccessLogTlsText"/>.</summary>
    TlsText,
    /// <summary>Argument: side and <see cref="AccessLogTlsMoment"/>.</summary>
    TlsMoment,
}

/// <summary>A header that an operator names: a header field, or a pseudo-header that the record gives as text.</summary>
internal readonly record struct HeaderReference(AccessLogHeader? Header, AccessLogText? Pseudo, bool IsStatus);

/// <summary>One compiled piece of a format. Immutable; which fields hold depends on the kind.</summary>
internal sealed record LogOperator(LogOperatorKind Kind)
{
    /// <summary>An enum value of the kind.</summary>
    public int Argument { get; init; }

    /// <summary>The second moment of a duration.</summary>
    public int SecondArgument { get; init; }

    /// <summary>Nanoseconds per unit of a duration.</summary>
    public int UnitNanoseconds { get; init; }

    /// <summary>Octets of a literal; the name of a query parameter.</summary>
    public byte[] Literal { get; init; } = [];

    public HeaderReference Header { get; init; }

    /// <summary>Asked when <see cref="Header"/> is missing.</summary>
    public HeaderReference? Alternative { get; init; }

    public TimeFormat? Time { get; init; }

    public AccessLogMetadata? Metadata { get; init; }

    /// <summary>Octets after which a value is cut; <see cref="int.MaxValue"/> for none.</summary>
    public int MaxLength { get; init; } = int.MaxValue;
}
