using System.Net;
using System.Net.Sockets;
using Lateen.Net;

namespace Lateen.Proxy.Listeners;

/// <summary>The configuration speaks of unix sockets in the framework's type, the transport in its own, which knows abstract names.</summary>
internal static class TransportAddress
{
    public static EndPoint Of(EndPoint address) =>
        address is UnixDomainSocketEndPoint unix ? UnixSocketEndPoint.Parse(unix.ToString()) : address;
}
