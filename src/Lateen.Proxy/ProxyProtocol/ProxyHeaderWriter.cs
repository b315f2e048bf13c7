using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lateen.Proxy.ProxyProtocol;

/// <summary>
/// Writes the PROXY header that tells an upstream whose connection it really gets.
/// V1: <c>PROXY TCP4|TCP6 SRC DST SPORT DPORT CRLF</c>. V2: <c>[12 signature][0x21][family][2 length][addresses]</c>.
/// </summary>
internal static class ProxyHeaderWriter
{
    /// <summary>Octets that <see cref="Write"/> may need: the longest line of V1 (section 2.1: 107) is longer than V2's 16 + 36.</summary>
    public const int MaxOctets = 108;

    /// <summary>Section 2.2: starts every V2 header.</summary>
    public static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    /// <summary>
    /// Writes the header of a connection. Where the addresses are not known, or are not both IP addresses, the header says so
    /// (<c>UNKNOWN</c>, LOCAL): the receiver then uses the connection's own.
    /// </summary>
    /// <param name="version">The form.</param>
    /// <param name="client">Who connected.</param>
    /// <param name="destination">Where the client connected to.</param>
    /// <param name="header">At least <see cref="MaxOctets"/> long.</param>
    /// <returns>Octets written.</returns>
    public static int Write(ProxyProtocolVersion version, EndPoint? client, EndPoint? destination, Span<byte> header)
    {
        if (client is not IPEndPoint from || destination is not IPEndPoint to) return WriteUnknown(version, header);
        IPAddress source = Plain(from.Address);
        IPAddress target = Plain(to.Address);
        if (source.AddressFamily != target.AddressFamily)
        {
            // One family for both: an IPv4 address has its place in IPv6 (RFC 4291 section 2.5.5.2).
            source = source.MapToIPv6();
            target = target.MapToIPv6();
        }

        return version == ProxyProtocolVersion.V1
            ? WriteLine(source, target, from.Port, to.Port, header)
            : WriteBinary(source, target, from.Port, to.Port, header);
    }

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private static int WriteUnknown(ProxyProtocolVersion version, Span<byte> header)
    {
        if (version == ProxyProtocolVersion.V1)
        {
            "PROXY UNKNOWN\r\n"u8.CopyTo(header);
            return "PROXY UNKNOWN\r\n"u8.Length;
        }

        Signature.CopyTo(header);
        header[12] = 0x20;
        header[13] = 0;
        header[14] = header[15] = 0;
        return 16;
    }

    private static int WriteLine(IPAddress source, IPAddress target, int sourcePort, int targetPort, Span<byte> header)
    {
        bool isV4 = source.AddressFamily == AddressFamily.InterNetwork;
        string line = string.Create(null, $"PROXY {(isV4 ? "TCP4" : "TCP6")} {source} {target} {sourcePort} {targetPort}\r\n");
        return Encoding.ASCII.GetBytes(line, header);
    }

    private static int WriteBinary(IPAddress source, IPAddress target, int sourcePort, int targetPort, Span<byte> header)
    {
        bool isV4 = source.AddressFamily == AddressFamily.InterNetwork;
        int addressOctets = isV4 ? 4 : 16;
        int length = (2 * addressOctets) + 4;
        Signature.CopyTo(header);
        header[12] = 0x21;
        header[13] = isV4 ? (byte)0x11 : (byte)0x21;
        BinaryPrimitives.WriteUInt16BigEndian(header[14..], (ushort)length);
        source.TryWriteBytes(header[16..], out _);
        target.TryWriteBytes(header[(16 + addressOctets)..], out _);
        BinaryPrimitives.WriteUInt16BigEndian(header[(16 + (2 * addressOctets))..], (ushort)sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(header[(18 + (2 * addressOctets))..], (ushort)targetPort);
        return 16 + length;
    }
}
