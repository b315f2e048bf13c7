using System.Net;
using Lateen.Net;

namespace Lateen.Proxy.Listeners.Chains;

/// <summary>What is known of a connection when its filter chain is chosen: addresses, and what listener filters found in its first bytes.</summary>
internal sealed class ConnectionFacts
{
    public const string RawBuffer = "raw_buffer";

    public const string Tls = "tls";

    public ConnectionFacts(TransportConnection connection)
    {
        Local = Plain(connection.LocalEndPoint as IPEndPoint);
        Remote = Plain(connection.RemoteEndPoint as IPEndPoint);
        DirectRemote = Plain(connection.DirectRemoteEndPoint as IPEndPoint);
    }

    /// <summary>For tests of the choice alone.</summary>
    public ConnectionFacts(IPEndPoint? local, IPEndPoint? remote, IPEndPoint? directRemote = null)
    {
        Local = Plain(local);
        Remote = Plain(remote);
        DirectRemote = Plain(directRemote) ?? Remote;
    }

    /// <summary>Where the client connected to; null on a unix socket.</summary>
    public IPEndPoint? Local { get; }

    /// <summary>Who the client is, a PROXY header considered; null on a unix socket.</summary>
    public IPEndPoint? Remote { get; }

    /// <summary>Who connected to us; null on a unix socket.</summary>
    public IPEndPoint? DirectRemote { get; }

    /// <summary><see cref="RawBuffer"/> or <see cref="Tls"/>. As in Envoy, raw unless something was found.</summary>
    public string TransportProtocol { get; set; } = RawBuffer;

    /// <summary>SNI, lower case; empty when there is none or nobody looked.</summary>
    public string ServerName { get; set; } = string.Empty;

    /// <summary>ALPN as the client offers it, or what plain bytes look like: <c>http/1.0</c>, <c>http/1.1</c>, <c>h2c</c>.</summary>
    public string[] ApplicationProtocols { get; set; } = [];

    private static IPEndPoint? Plain(IPEndPoint? end) =>
        end is { Address.IsIPv4MappedToIPv6: true } ? new IPEndPoint(end.Address.MapToIPv4(), end.Port) : end;
}
