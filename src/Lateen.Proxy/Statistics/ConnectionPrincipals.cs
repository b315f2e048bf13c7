using Lateen.Net.Tls;

namespace Lateen.Proxy.Statistics;

/// <summary>The SPIFFE ids of the two ends of a connection, as its handshake proved them.</summary>
/// <param name="Own">What this proxy showed; null: nothing, or no id.</param>
/// <param name="Peer">Whom the other end proved to be; null likewise.</param>
/// <param name="IsMutual">Both ends showed certificates that are trusted.</param>
internal readonly record struct ConnectionPrincipals(string? Own, string? Peer, bool IsMutual)
{
    public static ConnectionPrincipals Of(TlsSession? session)
    {
        if (session is not { IsPeerTrusted: true, PeerCertificate: { } peer }) return default;
        var own = session.LocalCertificate;
        return new ConnectionPrincipals(own?.FirstUri, peer.FirstUri, own is not null);
    }

    public bool Equals(ConnectionPrincipals other) => IsMutual == other.IsMutual && Own == other.Own && Peer == other.Peer;

    /// <summary>Ids of one mesh begin alike: the ends tell them apart, and hashing all of them for every request would be dear.</summary>
    public override int GetHashCode() => (IsMutual ? 1 : 0) + (Tail(Own) * 31) + (Tail(Peer) * 961);

    private static int Tail(string? text) => text is not { Length: >= 4 }
        ? 0
        : (text.Length << 16) ^ (text[^1] | (text[^2] << 7) | (text[^3] << 14) | (text[^4] << 21));
}
