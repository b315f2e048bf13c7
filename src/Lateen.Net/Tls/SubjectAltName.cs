namespace Lateen.Net.Tls;

/// <summary>Kinds of subject alternative names that are read from certificates; others are passed over.</summary>
public enum SubjectAltNameKind
{
    /// <summary>A host name; may begin with <c>*.</c>.</summary>
    Dns,

    /// <summary>A URI, such as a SPIFFE id.</summary>
    Uri,

    /// <summary>An address in its usual text: <c>127.0.0.1</c>, <c>::1</c>.</summary>
    IpAddress,

    /// <summary>An rfc822Name.</summary>
    Email,
}

/// <summary>One subject alternative name of a certificate (RFC 5280 4.2.1.6).</summary>
/// <param name="Kind">What the name is.</param>
/// <param name="Value">The name as the certificate has it, so a DNS name may have capitals. Never contains NUL or a control character.</param>
public readonly record struct SubjectAltName(SubjectAltNameKind Kind, string Value);
