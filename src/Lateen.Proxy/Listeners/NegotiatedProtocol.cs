using Lateen.Net;
using Lateen.Net.Tls;

namespace Lateen.Proxy.Listeners;

/// <summary>What a connection's handshake agreed on.</summary>
internal static class NegotiatedProtocol
{
    /// <summary>The protocol by ALPN (RFC 7301); null on a plain connection, or when the handshake agreed on nothing.</summary>
    public static AlpnProtocol? Of(TransportConnection connection) => (connection as TlsConnection)?.Session.Alpn;
}
