using System.Diagnostics;

namespace Lateen.Http;

/// <summary>
/// The verdict on a message that is not forwarded: a stable code, the status to answer with, the clause that is broken and one sentence.
/// The connection must be closed after the answer, because the place where the next message would begin is not known.
/// </summary>
/// <remarks>A response that is refused says 502 whatever its code, since it is the upstream that broke the rule (RFC 9110 section 15.6.3).</remarks>
public readonly record struct HttpRejection
{
    internal HttpRejection(HttpRejectionCode code, bool ofResponse)
    {
        Code = code;
        IsOfResponse = ofResponse;
    }

    /// <summary>The reason; <see cref="HttpRejectionCode.None"/> when nothing was refused.</summary>
    public HttpRejectionCode Code { get; }

    /// <summary>True when it was an upstream's response that was refused.</summary>
    public bool IsOfResponse { get; }

    /// <summary>Status code to answer with; 0 for <see cref="HttpRejectionCode.None"/>.</summary>
    public int Status => Code == HttpRejectionCode.None ? 0 : IsOfResponse ? 502 : Describe(Code).Status;

    /// <summary>The specification and section, such as <c>RFC 9112 6.3</c>.</summary>
    public string Clause => Describe(Code).Clause;

    /// <summary>One sentence on what was wrong, without any byte of the message: safe to log and to send.</summary>
    public string Reason => Describe(Code).Reason;

    public override string ToString() => Code == HttpRejectionCode.None ? "accepted" : $"{Status} {Code} ({Clause}): {Reason}";

    private static (int Status, string Clause, string Reason) Describe(HttpRejectionCode code) => code switch
    {
        HttpRejectionCode.None => (0, "", ""),
        HttpRejectionCode.BareLineFeed => (400, "RFC 9112 2.2", "a line ends with LF alone instead of CRLF"),
        HttpRejectionCode.BareCarriageReturn => (400, "RFC 9112 2.2", "a CR is not followed by LF"),
        HttpRejectionCode.RequestLineMalformed => (400, "RFC 9112 3", "the request line is not method SP target SP version"),
        HttpRejectionCode.MethodMalformed => (400, "RFC 9110 9.1", "the method is not a token"),
        HttpRejectionCode.MethodTooLong => (501, "RFC 9112 3", "the method is longer than any that is known"),
        HttpRejectionCode.TargetMalformed => (400, "RFC 9112 3.2", "the request target is none of the four forms"),
        HttpRejectionCode.TargetTooLong => (414, "RFC 9112 3", "the request target is longer than the limit"),
        HttpRejectionCode.TargetFormForbidden => (400, "RFC 9112 3.2", "this form of target does not go with this method"),
        HttpRejectionCode.TargetFragment => (400, "RFC 9112 3.2", "the request target has a fragment"),
        HttpRejectionCode.TargetUserInfo => (400, "RFC 9110 4.2.4", "the authority carries user information"),
        HttpRejectionCode.TargetSchemeUnsupported => (400, "RFC 9110 4.2", "the target's scheme is neither http nor https"),
        HttpRejectionCode.TargetHostEmpty => (400, "RFC 9110 4.2.1", "the host of an http or https URI is empty"),
        HttpRejectionCode.VersionMalformed => (400, "RFC 9112 2.3", "the version is not HTTP/ DIGIT . DIGIT"),
        HttpRejectionCode.VersionUnsupported => (505, "RFC 9110 15.6.6", "the major version is not 1"),
        HttpRejectionCode.Http10Refused => (426, "RFC 9110 15.5.22", "HTTP/1.0 is switched off on this listener"),
        HttpRejectionCode.StatusLineMalformed => (400, "RFC 9112 4", "the status line is not version SP code SP reason"),
        HttpRejectionCode.StatusLineTooLong => (400, "RFC 9112 4", "the status line is longer than the limit"),
        HttpRejectionCode.StatusCodeInvalid => (400, "RFC 9110 15", "the status code is not from 100 to 599"),
        HttpRejectionCode.PathEscapeMalformed => (400, "RFC 3986 2.1", "a percent sign in the path is not followed by two hex digits"),
        HttpRejectionCode.PathEscapedNul => (400, "RFC 3986 7.3", "the path contains an escaped NUL"),
        HttpRejectionCode.PathEscapedSlash => (400, "Envoy path_with_escaped_slashes_action", "the path contains an escaped slash or backslash"),
        HttpRejectionCode.FieldLineMalformed => (400, "RFC 9112 5", "a field line has no colon"),
        HttpRejectionCode.FieldNameMalformed => (400, "RFC 9110 5.1", "a field name is empty or not a token"),
        HttpRejectionCode.FieldNameUnderscore => (400, "Envoy headers_with_underscores_action", "a field name contains an underscore"),
        HttpRejectionCode.WhitespaceBeforeColon => (400, "RFC 9112 5.1", "whitespace stands between a field name and its colon"),
        HttpRejectionCode.WhitespaceBeforeFirstField => (400, "RFC 9112 2.2", "whitespace stands between the start line and the first field"),
        HttpRejectionCode.ObsoleteLineFolding => (400, "RFC 9112 5.2", "a field value is folded over lines"),
        HttpRejectionCode.ControlByteInField => (400, "RFC 9110 5.5", "a field value contains a control byte"),
        HttpRejectionCode.FieldsTooLarge => (431, "RFC 6585 5", "the header section is larger than the limit"),
        HttpRejectionCode.TooManyFields => (431, "RFC 6585 5", "there are more header fields than the limit"),
        HttpRejectionCode.HostMissing => (400, "RFC 9112 3.2", "an HTTP/1.1 request has no Host"),
        HttpRejectionCode.HostRepeated => (400, "RFC 9112 3.2", "there is more than one Host"),
        HttpRejectionCode.HostMalformed => (400, "RFC 9112 3.2", "the authority or Host is not host [ : port ]"),
        HttpRejectionCode.BothFramings => (400, "RFC 9112 6.3", "Content-Length and Transfer-Encoding are both present"),
        HttpRejectionCode.ContentLengthMalformed => (400, "RFC 9112 6.3", "Content-Length is not a decimal number that can be counted to"),
        HttpRejectionCode.ContentLengthRepeated => (400, "RFC 9112 6.3", "there is more than one Content-Length"),
        HttpRejectionCode.ContentLengthForbidden => (400, "RFC 9110 9.3.6", "CONNECT carries content"),
        HttpRejectionCode.TransferEncodingMalformed => (400, "RFC 9112 6.1", "Transfer-Encoding is not a list of codings"),
        HttpRejectionCode.TransferCodingUnsupported => (501, "RFC 9112 6.1", "a transfer coding other than chunked is used"),
        HttpRejectionCode.ChunkedNotFinal => (400, "RFC 9112 6.3", "chunked is not the final transfer coding"),
        HttpRejectionCode.ChunkedRepeated => (400, "RFC 9112 6.1", "chunked is applied more than once"),
        HttpRejectionCode.TransferEncodingInHttp10 => (400, "RFC 9112 6.1", "an HTTP/1.0 message has Transfer-Encoding"),
        HttpRejectionCode.TransferEncodingForbidden => (400, "RFC 9112 6.1", "CONNECT carries Transfer-Encoding"),
        HttpRejectionCode.ConnectionMalformed => (400, "RFC 9110 7.6.1", "Connection is not a list of tokens"),
        HttpRejectionCode.TooManyConnectionOptions => (400, "RFC 9110 7.6.1", "Connection has more options than the limit"),
        HttpRejectionCode.ConnectionNominatesEndToEnd => (400, "RFC 9110 7.6.1", "Connection names a field that is meant for all recipients"),
        HttpRejectionCode.UpgradeMalformed => (400, "RFC 9110 7.8", "Upgrade is not a list of protocols"),
        HttpRejectionCode.ExpectationUnsupported => (417, "RFC 9110 10.1.1", "Expect is not 100-continue"),
        HttpRejectionCode.ChunkSizeMalformed => (400, "RFC 9112 7.1", "a chunk size is not hexadecimal"),
        HttpRejectionCode.ChunkSizeTooLarge => (400, "RFC 9112 7.1", "a chunk size cannot be counted to"),
        HttpRejectionCode.ChunkExtensionMalformed => (400, "RFC 9112 7.1.1", "a chunk extension is malformed"),
        HttpRejectionCode.ChunkExtensionsTooLong => (400, "RFC 9112 7.1.1", "chunk extensions are longer than the limit"),
        HttpRejectionCode.ChunkTerminatorMissing => (400, "RFC 9112 7.1", "chunk content is not followed by CRLF"),
        HttpRejectionCode.TrailersTooLarge => (431, "RFC 6585 5", "the trailer section is larger than the limit"),
        HttpRejectionCode.ContentIncomplete => (400, "RFC 9112 8", "the connection ended before the content did"),
        HttpRejectionCode.FieldNameUpperCase => (400, "RFC 9113 8.2.1", "a field name has an upper-case letter"),
        HttpRejectionCode.FieldValueWhitespace => (400, "RFC 9113 8.2.1", "a field value begins or ends with whitespace"),
        HttpRejectionCode.ConnectionFieldForbidden => (400, "RFC 9113 8.2.2", "a field is there that concerns an HTTP/1.1 connection"),
        HttpRejectionCode.TeForbidden => (400, "RFC 9113 8.2.2", "TE holds something other than trailers"),
        HttpRejectionCode.PseudoFieldUnknown => (400, "RFC 9113 8.3", "a pseudo-header field is not defined"),
        HttpRejectionCode.PseudoFieldRepeated => (400, "RFC 9113 8.3", "a pseudo-header field appears twice"),
        HttpRejectionCode.PseudoFieldMissing => (400, "RFC 9113 8.3.1", "a mandatory pseudo-header field is missing"),
        HttpRejectionCode.PseudoFieldForbidden => (400, "RFC 9113 8.5", "a pseudo-header field does not go with the method"),
        HttpRejectionCode.PseudoFieldMisplaced => (400, "RFC 9113 8.3", "a pseudo-header field comes after a regular field"),
        HttpRejectionCode.PseudoFieldInTrailers => (400, "RFC 9113 8.1", "a pseudo-header field is among the trailers"),
        HttpRejectionCode.AuthorityHostMismatch => (400, "RFC 9113 8.3.1", "Host names something other than :authority"),
        HttpRejectionCode.ProtocolForbidden => (400, "RFC 8441 4", ":protocol is there without CONNECT, or was not offered"),
        HttpRejectionCode.ContentLengthMismatch => (400, "RFC 9113 8.1.1", "Content-Length does not equal the sum of the DATA frames"),
        HttpRejectionCode.EndStreamMissing => (400, "RFC 9113 8.1", "a second field section does not end the stream, or an interim one does"),
        HttpRejectionCode.ContentBeforeHead => (400, "RFC 9113 8.1", "content comes before the final head"),
        HttpRejectionCode.HeadersInTunnel => (400, "RFC 9113 8.5", "a field section comes on the stream of a tunnel"),
        HttpRejectionCode.SwitchingProtocolsForbidden => (400, "RFC 9113 8.6", "the status is 101, which HTTP/2 does not have"),
        _ => throw new UnreachableException($"no description for {code}"),
    };
}
