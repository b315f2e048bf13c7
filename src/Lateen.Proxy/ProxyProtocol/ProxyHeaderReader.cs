using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lateen.Proxy.ProxyProtocol;

/// <summary>What the first bytes of a connection are, as far as a PROXY header is concerned.</summary>
internal enum ProxyHeaderStatus
{
    /// <summary>They may become a header; more are needed.</summary>
    NeedMore,

    /// <summary>A whole header.</summary>
    Complete,

    /// <summary>Something else.</summary>
    None,

    /// <summary>They begin as a header and then break its grammar, or exceed a bound.</summary>
    Malformed,
}

/// <summary>A PROXY header that was read.</summary>
/// <param name="Version">Its form.</param>
/// <param name="Octets">Its length on the wire.</param>
/// <param name="Source">Whose connection this is; null: the header does not say (UNKNOWN, LOCAL), so the connection's own addresses hold.</param>
/// <param name="Destination">Where that client connected to; null with <paramref name="Source"/>.</param>
internal readonly record struct ProxyHeader(ProxyProtocolVersion Version, int Octets, IPEndPoint? Source, IPEndPoint? Destination);

/// <summary>
/// Reads the PROXY header at the beginning of a connection (haproxy.org/download/3.0/doc/proxy-protocol.txt, sections 2.1 and 2.2), strictly:
/// single spaces, canonical decimal ports, addresses of the family that is named. Keeps nothing between calls.
/// </summary>
internal static class ProxyHeaderReader
{
    /// <summary>Octets of a header of version 1, CRLF included (section 2.1). Hit: malformed.</summary>
    public const int MaxLineOctets = 107;

    /// <summary>Octets of a header of version 2, TLVs included. Hit: malformed. Real ones have under 300; four times Envoy's buffer.</summary>
    public const int MaxBinaryOctets = 4096;

    private const int BinaryHeadOctets = 16;

    private static readonly SearchValues<char> DottedCharacters = SearchValues.Create("0123456789.");
    private static readonly SearchValues<char> ColonCharacters = SearchValues.Create("0123456789abcdefABCDEF:.");

    private static ReadOnlySpan<byte> LinePrefix => "PROXY "u8;

    public static ProxyHeaderStatus Read(ReadOnlySpan<byte> bytes, out ProxyHeader header)
    {
        header = default;
        if (bytes.IsEmpty) return ProxyHeaderStatus.NeedMore;
        if (StartsLike(bytes, LinePrefix)) return bytes.Length < LinePrefix.Length ? ProxyHeaderStatus.NeedMore : ReadLine(bytes, out header);
        if (!StartsLike(bytes, ProxyHeaderWriter.Signature)) return ProxyHeaderStatus.None;
        return bytes.Length < BinaryHeadOctets ? ProxyHeaderStatus.NeedMore : ReadBinary(bytes, out header);
    }

    private static bool StartsLike(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> start)
    {
        int common = Math.Min(bytes.Length, start.Length);
        return bytes[..common].SequenceEqual(start[..common]);
    }

    /// <summary><c>PROXY TCP4|TCP6|UNKNOWN SRC DST SPORT DPORT CRLF</c></summary>
    private static ProxyHeaderStatus ReadLine(ReadOnlySpan<byte> bytes, out ProxyHeader header)
    {
        header = default;
        ReadOnlySpan<byte> window = bytes[..Math.Min(bytes.Length, MaxLineOctets)];
        int end = window.IndexOf("\r\n"u8);
        if (end < 0)
        {
            bool isHopeless = window.Length == MaxLineOctets || window.Contains((byte)'\n') || window[..^1].Contains((byte)'\r');
            return isHopeless ? ProxyHeaderStatus.Malformed : ProxyHeaderStatus.NeedMore;
        }

        ReadOnlySpan<byte> rest = bytes[LinePrefix.Length..end];
        int octets = end + 2;
        // Section 2.1: whatever follows UNKNOWN is to be ignored.
        if (rest.SequenceEqual("UNKNOWN"u8) || rest.StartsWith("UNKNOWN "u8))
        {
            header = new ProxyHeader(ProxyProtocolVersion.V1, octets, null, null);
            return ProxyHeaderStatus.Complete;
        }

        AddressFamily family = rest.StartsWith("TCP4 "u8) ? AddressFamily.InterNetwork
            : rest.StartsWith("TCP6 "u8) ? AddressFamily.InterNetworkV6 : AddressFamily.Unspecified;
        if (family == AddressFamily.Unspecified) return ProxyHeaderStatus.Malformed;
        rest = rest[5..];
        if (!TryTakeAddress(ref rest, family, out IPAddress? source) || !TryTakeAddress(ref rest, family, out IPAddress? target)
            || !TryTakePort(ref rest, isLast: false, out int sourcePort) || !TryTakePort(ref rest, isLast: true, out int targetPort))
        {
            return ProxyHeaderStatus.Malformed;
        }

        header = new ProxyHeader(ProxyProtocolVersion.V1, octets, new IPEndPoint(source!, sourcePort), new IPEndPoint(target!, targetPort));
        return ProxyHeaderStatus.Complete;
    }

    private static bool TryTakeAddress(ref ReadOnlySpan<byte> rest, AddressFamily family, out IPAddress? address)
    {
        address = null;
        int end = rest.IndexOf((byte)' ');
        if (end <= 0) return false;
        Span<char> text = stackalloc char[MaxLineOctets];
        text = text[..Encoding.Latin1.GetChars(rest[..end], text)];
        rest = rest[(end + 1)..];
        // The framework also reads octal, hexadecimal, short and scoped forms, none of which the specification knows.
        bool isCanonical = family == AddressFamily.InterNetwork
            ? text.Count('.') == 3 && !text.ContainsAnyExcept(DottedCharacters)
            : !text.ContainsAnyExcept(ColonCharacters);
        if (!isCanonical || !IPAddress.TryParse(text, out address) || address.AddressFamily != family) return false;
        return family != AddressFamily.InterNetwork || address.ToString().AsSpan().SequenceEqual(text);
    }

    private static bool TryTakePort(ref ReadOnlySpan<byte> rest, bool isLast, out int port)
    {
        int end = isLast ? rest.Length : rest.IndexOf((byte)' ');
        port = 0;
        if (end is < 1 or > 5) return false;
        ReadOnlySpan<byte> digits = rest[..end];
        if (digits.ContainsAnyExceptInRange((byte)'0', (byte)'9') || (digits.Length > 1 && digits[0] == '0')) return false;
        rest = rest[Math.Min(end + 1, rest.Length)..];
        return Utf8Parser.TryParse(digits, out port, out _) && port <= ushort.MaxValue;
    }

    /// <summary><c>[12 signature][version 4 bits, command 4 bits][family 4 bits, transport 4 bits][2 length][addresses][TLVs]</c></summary>
    private static ProxyHeaderStatus ReadBinary(ReadOnlySpan<byte> bytes, out ProxyHeader header)
    {
        header = default;
        int version = bytes[12] >> 4;
        int command = bytes[12] & 0x0F;
        int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]);
        int octets = BinaryHeadOctets + length;
        if (version != 2 || command > 1 || octets > MaxBinaryOctets) return ProxyHeaderStatus.Malformed;
        if (bytes.Length < octets) return ProxyHeaderStatus.NeedMore;
        ReadOnlySpan<byte> body = bytes[BinaryHeadOctets..octets];
        var unknown = new ProxyHeader(ProxyProtocolVersion.V2, octets, null, null);
        int family = bytes[13] >> 4;
        int transport = bytes[13] & 0x0F;
        if (family > 3 || transport > 2) return ProxyHeaderStatus.Malformed;
        // LOCAL is the proxy's own connection, a health check say. Families without IP addresses and datagrams tell nothing of use.
        if (command == 0 || family is 0 or 3 || transport == 0)
        {
            header = unknown;
            return ProxyHeaderStatus.Complete;
        }

        int width = family == 1 ? 4 : 16;
        if (transport == 2 || body.Length < (2 * width) + 4) return ProxyHeaderStatus.Malformed;
        if (!AreTlvsWhole(body[((2 * width) + 4)..])) return ProxyHeaderStatus.Malformed;
        header = unknown with
        {
            Source = new IPEndPoint(new IPAddress(body[..width]), BinaryPrimitives.ReadUInt16BigEndian(body[(2 * width)..])),
            Destination = new IPEndPoint(new IPAddress(body[width..(2 * width)]), BinaryPrimitives.ReadUInt16BigEndian(body[((2 * width) + 2)..])),
        };
        return ProxyHeaderStatus.Complete;
    }

    /// <summary><c>[1 type][2 length][value]</c>, none of which is used.</summary>
    private static bool AreTlvsWhole(ReadOnlySpan<byte> rest)
    {
        while (!rest.IsEmpty)
        {
            if (rest.Length < 3) return false;
            int length = 3 + BinaryPrimitives.ReadUInt16BigEndian(rest[1..]);
            if (rest.Length < length) return false;
            rest = rest[length..];
        }

        return true;
    }
}
