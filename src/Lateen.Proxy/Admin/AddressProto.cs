using System.Net;
using System.Net.Sockets;
using Envoy.Config.Core.V3;

namespace Lateen.Proxy.Admin;

/// <summary>An address as Envoy's admin messages hold it.</summary>
internal static class AddressProto
{
    public static Address Of(EndPoint address) => address switch
    {
        IPEndPoint ip => new Address { SocketAddress = new Envoy.Config.Core.V3.SocketAddress { Address = ip.Address.ToString(), PortValue = (uint)ip.Port } },
        UnixDomainSocketEndPoint unix => new Address { Pipe = new Pipe { Path = unix.ToString() } },
        _ => new Address(),
    };
}
