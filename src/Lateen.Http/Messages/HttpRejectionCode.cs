namespace Lateen.Http;

/// <summary>
/// Why a message was refused. The names are stable: they appear in access logs (<c>%RESPONSE_CODE_DETAILS%</c>), counters and tests.
/// Status, clause and sentence of each are in <see cref="HttpRejection"/>.
/// </summary>
public enum HttpRejectionCode : byte
{
    None = 0,

    // Start line.
    BareLineFeed,
    BareCarriageReturn,
    RequestLineMalformed,
    MethodMalformed,
    MethodTooLong,
    TargetMalformed,
    TargetTooLong,
    TargetFormForbidden,
    TargetFragment,
    TargetUserInfo,
    TargetSchemeUnsupported,
    TargetHostEmpty,
    VersionMalformed,
    VersionUnsupported,
    Http10Refused,
    StatusLineMalformed,
    StatusLineTooLong,
    StatusCodeInvalid,

    // Path normalisation.
    PathEscapeMalformed,
    PathEscapedNul,
    PathEscapedSlash,

    // Field lines.
    FieldLineMalformed,
    FieldNameMalformed,
    FieldNameUnderscore,
    WhitespaceBeforeColon,
    WhitespaceBeforeFirstField,
    ObsoleteLineFolding,
    ControlByteInField,
    FieldsTooLarge,
    TooManyFields,

    // Host.
    HostMissing,
    HostRepeated,
    HostMalformed,

    // Framing.
    BothFramings,
    ContentLengthMalformed,
    ContentLengthRepeated,
    ContentLengthForbidden,
    TransferEncodingMalformed,
    TransferCodingUnsupported,
    ChunkedNotFinal,
    ChunkedRepeated,
    TransferEncodingInHttp10,
    TransferEncodingForbidden,

    // Connection control.
    ConnectionMalformed,
    TooManyConnectionOptions,
    ConnectionNominatesEndToEnd,
    UpgradeMalformed,
    ExpectationUnsupported,

    // Content.
    ChunkSizeMalformed,
    ChunkSizeTooLarge,
    ChunkExtensionMalformed,
    ChunkExtensionsTooLong,
    ChunkTerminatorMissing,
    TrailersTooLarge,
    ContentIncomplete,

    // HTTP/2 messages: malformed in the sense of RFC 9113 section 8.1.1.
    FieldNameUpperCase,
    FieldValueWhitespace,
    ConnectionFieldForbidden,
    TeForbidden,
    PseudoFieldUnknown,
    PseudoFieldRepeated,
    PseudoFieldMissing,
    PseudoFieldForbidden,
    PseudoFieldMisplaced,
    PseudoFieldInTrailers,
    AuthorityHostMismatch,
    ProtocolForbidden,
    ContentLengthMismatch,
    EndStreamMissing,
    ContentBeforeHead,
    HeadersInTunnel,
    SwitchingProtocolsForbidden,
}
