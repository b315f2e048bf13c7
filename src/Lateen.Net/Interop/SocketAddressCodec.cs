using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lateen.Net.Interop;

/// <summary>
/// Between <see cref="EndPoint"/> and the kernel's sockaddr.
/// sockaddr_in: family u16 host | port u16 BE | address 4 | zero 8. sockaddr_in6: family | port BE | flow u32 BE | address 16 | scope u32 host.
/// sockaddr_un: family | path up to 108, ended by zero; abstract when the first byte is zero (unix(7)), then the length counts, not a zero.
/// </summary>
internal static class SocketAddressCodec
{
    /// <summary>Room for any address that is written or read here: sockaddr_un is the longest, 110 bytes, and one byte for the ending zero.</summary>
    internal const int MaxBytes = 128;

    private const int UnixPathOffset = 2;
    private const int MaxUnixPathBytes = 108;

    /// <summary>Writes <paramref name="endPoint"/>; the count of bytes written, or 0 when the family or the path's length is not supported.</summary>
    internal static int Write(EndPoint endPoint, Span<byte> destination, out int family)
    {
        destination.Clear();
        switch (endPoint)
        {
            case IPEndPoint { AddressFamily: AddressFamily.InterNetwork } ip:
                family = Linux.AddressFamilyInet;
                WriteFamily(destination, family);
                BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)ip.Port);
                ip.Address.TryWriteBytes(destination[4..], out _);
                return 16;
            case IPEndPoint { AddressFamily: AddressFamily.InterNetworkV6 } ip:
                family = Linux.AddressFamilyInet6;
                WriteFamily(destination, family);
                BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)ip.Port);
                ip.Address.TryWriteBytes(destination[8..], out _);
                BitConverter.TryWriteBytes(destination[24..], (uint)ip.Address.ScopeId);
                return 28;
            case UnixSocketEndPoint unix:
                family = Linux.AddressFamilyUnix;
                return WriteUnix(unix, destination);
            default:
                family = 0;
                return 0;
        }
    }

    /// <summary>Reads what the kernel wrote. An IPv4 address mapped into IPv6 comes back as the IPv4 address that it means.</summary>
    internal static EndPoint Read(ReadOnlySpan<byte> address)
    {
        if (address.Length < UnixPathOffset)
            return UnixSocketEndPoint.Unnamed;
        var family = BitConverter.ToUInt16(address);
        switch (family)
        {
            case Linux.AddressFamilyInet when address.Length >= 8:
                return new IPEndPoint(new IPAddress(address.Slice(4, 4)), BinaryPrimitives.ReadUInt16BigEndian(address[2..]));
            case Linux.AddressFamilyInet6 when address.Length >= 28:
                var scope = BitConverter.ToUInt32(address[24..]);
                var ip = new IPAddress(address.Slice(8, 16), scope);
                var port = BinaryPrimitives.ReadUInt16BigEndian(address[2..]);
                return new IPEndPoint(ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip, port);
            case Linux.AddressFamilyUnix:
                return ReadUnix(address[UnixPathOffset..]);
            default:
                return UnixSocketEndPoint.Unnamed;
        }
    }

    private static int WriteUnix(UnixSocketEndPoint unix, Span<byte> destination)
    {
        WriteFamily(destination, Linux.AddressFamilyUnix);
        var pathBytes = Encoding.UTF8.GetByteCount(unix.Path);
        // An abstract name spends one byte on its leading zero, a path one on its ending zero: 107 of 108 are left either way.
        if (pathBytes == 0 || pathBytes >= MaxUnixPathBytes)
            return 0;
        var start = unix.IsAbstract ? UnixPathOffset + 1 : UnixPathOffset;
        Encoding.UTF8.GetBytes(unix.Path, destination[start..]);
        return UnixPathOffset + pathBytes + 1;
    }

    private static UnixSocketEndPoint ReadUnix(ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty)
            return UnixSocketEndPoint.Unnamed;
        if (path[0] == 0)
            return path.Length == 1 ? UnixSocketEndPoint.Unnamed : new UnixSocketEndPoint(Encoding.UTF8.GetString(path[1..]), isAbstract: true);
        var end = path.IndexOf((byte)0);
        return new UnixSocketEndPoint(Encoding.UTF8.GetString(end < 0 ? path : path[..end]));
    }

    private static void WriteFamily(Span<byte> destination, int family) => BitConverter.TryWriteBytes(destination, (ushort)family);
}
