using System.Buffers.Binary;

namespace Lateen.Net.Tls;

/// <summary>What the first bytes of a connection are.</summary>
public enum ClientHelloStatus
{
    /// <summary>So far it looks like a greeting; more bytes are needed.</summary>
    NeedMore,

    /// <summary>A whole greeting was read.</summary>
    Complete,

    /// <summary>This is not TLS.</summary>
    NotTls,

    /// <summary>It begins as TLS and then breaks RFC 8446, or exceeds a bound.</summary>
    Malformed,
}

/// <summary>
/// Reads a TLS ClientHello (RFC 8446 4.1.2) from bytes that stay where they are, as <see cref="TransportConnection.Peek"/> shows them. Keeps
/// nothing between calls: when more bytes have come, it is given all of them again.
/// </summary>
public static class ClientHelloParser
{
    /// <summary>Octets of a greeting on the wire. Hit: malformed. Greetings with post-quantum key shares have under 2,000; Envoy's bound is alike.</summary>
    public const int MaxBytes = 32 * 1024;

    private const int RecordHeaderBytes = 5;
    private const int MessageHeaderBytes = 4;

    /// <summary>TLSPlaintext.length, RFC 8446 5.1.</summary>
    private const int MaxRecordBytes = 16 * 1024;

    private const byte HandshakeRecord = 22;
    private const byte ClientHelloMessage = 1;
    private const ushort ServerNameExtension = 0;
    private const ushort AlpnExtension = 16;
    private const ushort SupportedVersionsExtension = 43;

    /// <summary>Looks at <paramref name="bytes"/>, which start where the connection did. Only <see cref="ClientHelloStatus.Complete"/> fills <paramref name="hello"/>.</summary>
    public static ClientHelloStatus Parse(ReadOnlySpan<byte> bytes, ClientHello hello)
    {
        ArgumentNullException.ThrowIfNull(hello);
        hello.Clear();
        var status = FirstRecord(bytes, out var payload);
        if (status != ClientHelloStatus.Complete)
            return status;
        if (payload.Length >= 1 && payload[0] != ClientHelloMessage)
            return ClientHelloStatus.NotTls;
        if (payload.Length < MessageHeaderBytes)
            return NeedMoreOf(bytes, payload.Length, MessageHeaderBytes, hello);
        var length = MessageHeaderBytes + (payload[1] << 16 | payload[2] << 8 | payload[3]);
        return length > MaxBytes ? ClientHelloStatus.Malformed : Finish(bytes, payload, length, hello);
    }

    private static ClientHelloStatus Finish(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> payload, int length, ClientHello hello)
    {
        var wireBytes = RecordHeaderBytes + length;
        if (payload.Length < length)
        {
            var status = Join(bytes, length, hello, out payload, out wireBytes);
            if (status != ClientHelloStatus.Complete)
                return status;
        }

        if (!ReadMessage(payload[MessageHeaderBytes..length], hello))
        {
            hello.Clear();
            return ClientHelloStatus.Malformed;
        }

        hello.WireBytes = wireBytes;
        return ClientHelloStatus.Complete;
    }

    /// <summary>A message header that is itself cut by records: joined first, then read.</summary>
    private static ClientHelloStatus NeedMoreOf(ReadOnlySpan<byte> bytes, int have, int need, ClientHello hello)
    {
        // A record that is not complete yet brings the rest.
        if (bytes.Length < RecordHeaderBytes + RecordLength(bytes))
            return ClientHelloStatus.NeedMore;
        if (have >= need)
            return ClientHelloStatus.NeedMore;
        var status = Join(bytes, need, hello, out var header, out _);
        if (status != ClientHelloStatus.Complete)
            return status;
        var length = MessageHeaderBytes + (header[1] << 16 | header[2] << 8 | header[3]);
        return length > MaxBytes ? ClientHelloStatus.Malformed : Finish(bytes, default, length, hello);
    }

    /// <summary>Checks the first record's header; <paramref name="payload"/> is what is there of its content.</summary>
    private static ClientHelloStatus FirstRecord(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (!LooksLikeRecord(bytes))
            return ClientHelloStatus.NotTls;
        if (bytes.Length < RecordHeaderBytes)
            return ClientHelloStatus.NeedMore;
        var length = RecordLength(bytes);
        if (length is 0 or > MaxRecordBytes)
            return ClientHelloStatus.NotTls;
        payload = bytes[RecordHeaderBytes..];
        if (payload.Length > length)
            payload = payload[..length];
        return payload.IsEmpty ? ClientHelloStatus.NeedMore : ClientHelloStatus.Complete;
    }

    private static bool LooksLikeRecord(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= 1 && bytes[0] != HandshakeRecord)
            return false;
        if (bytes.Length >= 2 && bytes[1] != 3)
            return false;
        return bytes.Length < 3 || bytes[2] <= 4;
    }

    private static int RecordLength(ReadOnlySpan<byte> record) => BinaryPrimitives.ReadUInt16BigEndian(record[3..]);

    /// <summary>Collects <paramref name="length"/> octets of handshake over several records.</summary>
    private static ClientHelloStatus Join(
        ReadOnlySpan<byte> bytes, int length, ClientHello hello, out ReadOnlySpan<byte> joined, out int wireBytes)
    {
        joined = default;
        wireBytes = 0;
        var target = hello.Joined(length);
        var filled = 0;
        while (filled < length)
        {
            var rest = bytes[wireBytes..];
            if (!LooksLikeRecord(rest))
                return ClientHelloStatus.Malformed;
            if (rest.Length < RecordHeaderBytes)
                return wireBytes + RecordHeaderBytes > MaxBytes ? ClientHelloStatus.Malformed : ClientHelloStatus.NeedMore;
            var recordLength = RecordLength(rest);
            if (recordLength is 0 or > MaxRecordBytes || wireBytes + RecordHeaderBytes + Math.Min(recordLength, length - filled) > MaxBytes)
                return ClientHelloStatus.Malformed;
            var part = rest[RecordHeaderBytes..];
            var wanted = Math.Min(recordLength, length - filled);
            if (part.Length < wanted)
                return ClientHelloStatus.NeedMore;
            part[..wanted].CopyTo(target[filled..]);
            filled += wanted;
            wireBytes += RecordHeaderBytes + wanted;
        }

        joined = target;
        return ClientHelloStatus.Complete;
    }

    /// <summary>struct ClientHello, RFC 8446 4.1.2.</summary>
    private static bool ReadMessage(ReadOnlySpan<byte> body, ClientHello hello)
    {
        const int versionAndRandom = 2 + 32;
        if (body.Length < versionAndRandom)
            return false;
        hello.HighestVersion = BinaryPrimitives.ReadUInt16BigEndian(body);
        var rest = body[versionAndRandom..];
        if (!TakeVector8(ref rest, out var sessionId) || sessionId.Length > 32)
            return false;
        if (!TakeVector16(ref rest, out var suites) || suites.Length is 0 || suites.Length % 2 != 0)
            return false;
        if (!TakeVector8(ref rest, out var compression) || compression.IsEmpty)
            return false;
        // TLS 1.2 allows a greeting without extensions.
        if (rest.IsEmpty)
            return true;
        return TakeVector16(ref rest, out var extensions) && rest.IsEmpty && ReadExtensions(extensions, hello);
    }

    private static bool ReadExtensions(ReadOnlySpan<byte> extensions, ClientHello hello)
    {
        var seen = 0;
        while (!extensions.IsEmpty)
        {
            if (extensions.Length < 2)
                return false;
            var type = BinaryPrimitives.ReadUInt16BigEndian(extensions);
            extensions = extensions[2..];
            if (!TakeVector16(ref extensions, out var content))
                return false;
            var bit = type switch
            {
                ServerNameExtension => 1,
                AlpnExtension => 2,
                SupportedVersionsExtension => 4,
                _ => 0,
            };
            // RFC 8446 4.2: no extension twice.
            if ((seen & bit) != 0)
                return false;
            seen |= bit;
            var isGood = bit switch
            {
                1 => ReadServerName(content, hello),
                2 => ReadAlpn(content, hello),
                4 => ReadVersions(content, hello),
                _ => true,
            };
            if (!isGood)
                return false;
        }

        return true;
    }

    /// <summary>ServerNameList, RFC 6066 3: at most one name of each type, and host_name is the only type.</summary>
    private static bool ReadServerName(ReadOnlySpan<byte> content, ClientHello hello)
    {
        if (!TakeVector16(ref content, out var list) || !content.IsEmpty || list.IsEmpty)
            return false;
        var hasName = false;
        while (!list.IsEmpty)
        {
            var type = list[0];
            list = list[1..];
            if (!TakeVector16(ref list, out var name))
                return false;
            if (type != 0)
                continue;
            if (hasName || name.Length is 0 or > ClientHello.MaxServerNameBytes || name.ContainsAnyExceptInRange((byte)'!', (byte)'~'))
                return false;
            hello.SetServerName(name);
            hasName = true;
        }

        return true;
    }

    /// <summary>ProtocolNameList, RFC 7301 3.1.</summary>
    private static bool ReadAlpn(ReadOnlySpan<byte> content, ClientHello hello)
    {
        if (!TakeVector16(ref content, out var list) || !content.IsEmpty || list.Length is 0 or > ClientHello.MaxAlpnBytes)
            return false;
        for (var rest = list; !rest.IsEmpty;)
        {
            if (!TakeVector8(ref rest, out var name) || name.IsEmpty)
                return false;
        }

        hello.SetAlpn(list);
        return true;
    }

    /// <summary>SupportedVersions, RFC 8446 4.2.1; values beyond TLS 1.3 are those that clients invent to keep servers tolerant (RFC 8701).</summary>
    private static bool ReadVersions(ReadOnlySpan<byte> content, ClientHello hello)
    {
        if (!TakeVector8(ref content, out var list) || !content.IsEmpty || list.Length is 0 || list.Length % 2 != 0)
            return false;
        var highest = 0;
        for (var rest = list; !rest.IsEmpty; rest = rest[2..])
        {
            var version = BinaryPrimitives.ReadUInt16BigEndian(rest);
            if (version <= (int)TlsVersion.Tls13 && version > highest)
                highest = version;
        }

        hello.HighestVersion = highest;
        return true;
    }

    private static bool TakeVector8(ref ReadOnlySpan<byte> source, out ReadOnlySpan<byte> content)
    {
        content = default;
        if (source.IsEmpty || source.Length - 1 < source[0])
            return false;
        content = source.Slice(1, source[0]);
        source = source[(1 + content.Length)..];
        return true;
    }

    private static bool TakeVector16(ref ReadOnlySpan<byte> source, out ReadOnlySpan<byte> content)
    {
        content = default;
        if (source.Length < 2)
            return false;
        var length = BinaryPrimitives.ReadUInt16BigEndian(source);
        if (source.Length - 2 < length)
            return false;
        content = source.Slice(2, length);
        source = source[(2 + length)..];
        return true;
    }
}
