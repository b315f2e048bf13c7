namespace Lateen.Http;

/// <summary>The four forms of a request target, RFC 9112 section 3.2.</summary>
public enum TargetForm : byte
{
    /// <summary><c>/path?query</c>; the authority comes from Host.</summary>
    Origin = 0,

    /// <summary><c>http://authority/path?query</c>; its authority wins over Host (RFC 9112 section 3.2.2).</summary>
    Absolute,

    /// <summary><c>host:port</c>, CONNECT only.</summary>
    Authority,

    /// <summary><c>*</c>, OPTIONS only.</summary>
    Asterisk,
}
