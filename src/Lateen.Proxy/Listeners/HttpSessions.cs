using Lateen.Net;
using Lateen.Net.Tls;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Listeners.Chains;

namespace Lateen.Proxy.Listeners;

/// <summary>Serves a connection as HTTP, in the version that the chain asks for, that the handshake agreed on, or that the client's first bytes show.</summary>
internal static class HttpSessions
{
    /// <summary>The whole life of the connection.</summary>
    /// <param name="worker">The connection's reactor at work.</param>
    /// <param name="connection">Nothing of it is read yet; encrypted ones have shaken hands.</param>
    /// <param name="profile">Of the chain that was chosen for it.</param>
    /// <param name="facts">What the chain was chosen by; null where nobody looked at more than addresses.</param>
    public static ValueTask Serve(ProxyWorker worker, TransportConnection connection, HttpConnectionProfile profile, ConnectionFacts? facts)
    {
        var client = new DownstreamConnection(worker, connection, profile, facts);
        AlpnProtocol? agreed = NegotiatedProtocol.Of(connection);
        HttpCodecType codec = profile.Manager.Codec;
        if (codec == HttpCodecType.Http2 || (codec == HttpCodecType.Auto && ReferenceEquals(agreed, AlpnProtocol.Http2)))
        {
            return new Http2Session(client, isCounted: false).RunAsync(null);
        }

        return new Http1Session(client, mayBeHttp2: codec == HttpCodecType.Auto && agreed is null).RunAsync();
    }
}
