using System.Diagnostics.CodeAnalysis;
using System.Net;
using Envoy.Config.Core.V3;
using Lateen.Net;

namespace Lateen.Proxy.Configuration;

/// <summary>Reads the addresses that configuration gives.</summary>
internal static class AddressReader
{
    /// <summary>An IP address with a port, or a unix socket. Names are refused: see <see cref="TryReadName"/>.</summary>
    public static EndPoint? Read(Address? address, FieldPath path, ConfigurationErrors errors)
    {
        switch (address?.AddressCase)
        {
            case Address.AddressOneofCase.SocketAddress:
                var socket = address.SocketAddress;
                var socketPath = path.Field("socket_address");
                if (!HasPort(socket, socketPath, errors)) return null;
                if (IPAddress.TryParse(socket.Address, out var ip)) return new IPEndPoint(ip, (int)socket.PortValue);
                errors.Add(socketPath.Field("address"), $"'{socket.Address}' is not an IP address");
                return null;
            case Address.AddressOneofCase.Pipe when address.Pipe.Path.Length > 0:
                return UnixSocketEndPoint.Parse(address.Pipe.Path);
            default:
                errors.Add(path, "needs an address: socket_address or pipe");
                return null;
        }
    }

    /// <summary>True when the address is a name that has to be resolved; false for IP addresses and unix sockets.</summary>
    public static bool TryReadName(Address? address, [NotNullWhen(true)] out string? host, out int port)
    {
        host = null;
        port = 0;
        if (address?.SocketAddress is not { } socket || IPAddress.TryParse(socket.Address, out _)) return false;
        host = socket.Address;
        port = (int)socket.PortValue;
        return true;
    }

    public static bool HasPort(Envoy.Config.Core.V3.SocketAddress socket, FieldPath path, ConfigurationErrors errors)
    {
        if (socket.Protocol != Envoy.Config.Core.V3.SocketAddress.Types.Protocol.Tcp) errors.Add(path.Field("protocol"), "only TCP is supported");
        else if (!socket.HasPortValue) errors.Add(path.Field("port_value"), "is required");
        else if (socket.PortValue > ushort.MaxValue) errors.Add(path.Field("port_value"), $"{socket.PortValue} is not a port");
        else return true;
        return false;
    }
}
