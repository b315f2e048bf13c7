using System.Net;
using Lateen.Http;
using Lateen.Proxy.Filters.Metadata;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>
/// What an access rule may look at: a connection, and a request on it unless the rule is one of connections. Addresses and names are those
/// that the engine verified or was configured to believe; of the request it is the canonical head alone.
/// </summary>
/// <remarks>Made per evaluation, on the stack; holds references only.</remarks>
internal readonly struct AuthorizationSubject
{
    /// <summary>The canonical head; null for a connection.</summary>
    public HttpRequestHead? Request { get; init; }

    /// <summary>How the request's path may be read; null for a connection.</summary>
    public PathReadings? Paths { get; init; }

    /// <summary>Where the client connected to.</summary>
    public EndPoint? Local { get; init; }

    /// <summary>The other end of the socket (<c>direct_remote_ip</c>).</summary>
    public EndPoint? DirectRemote { get; init; }

    /// <summary>Whose connection it is, a PROXY header considered (<c>source_ip</c>).</summary>
    public EndPoint? ConnectionRemote { get; init; }

    /// <summary>Who the client is, as trusted proxies tell (<c>remote_ip</c>); null: as <see cref="ConnectionRemote"/>.</summary>
    public IPAddress? ToldRemote { get; init; }

    /// <summary>The names in the peer's certificate; null when there was none or it was not verified.</summary>
    public PeerNames? Peer { get; init; }

    /// <summary>SNI; null or empty when there was none.</summary>
    public string? ServerName { get; init; }

    /// <summary>What other filters found out; null when nothing can have been.</summary>
    public DynamicMetadata? Metadata { get; init; }
}
