namespace Lateen.Http;

/// <summary>
/// Request methods that change how a message is framed, routed or retried. Any other token is <see cref="Other"/> and is forwarded by
/// its bytes; methods are case-sensitive (RFC 9110 section 9.1), so <c>get</c> is <see cref="Other"/>.
/// </summary>
public enum RequestMethod : byte
{
    Other = 0,
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
}
