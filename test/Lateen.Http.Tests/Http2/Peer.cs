using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Lateen.Http.Tests.Http2;

/// <summary>Frames by hand, for a peer that does what it wants.</summary>
internal static class Peer
{
    public const byte EndStream = 0x1;
    public const byte EndHeaders = 0x4;
    public const byte Padded = 0x8;
    public const byte Priority = 0x20;
    public const byte Ack = 0x1;

    public static readonly (string Name, string Value)[] Get = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")];
    public static readonly (string Name, string Value)[] Post = [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")];

    public static byte[] Preface => [.. Http2ServerConnection.Preface];

    /// <summary>Preface and empty SETTINGS.</summary>
    public static byte[] Hello => [.. Preface, .. Frame(4, 0, 0), .. Frame(4, Ack, 0)];

    public static byte[] Frame(int type, int flags, int id, params ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, ((uint)payload.Length << 8) | (byte)type);
        frame[4] = (byte)flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), id);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }

    public static byte[] Data(int id, string content, bool end = false) => Frame(0, end ? EndStream : 0, id, Reading.Bytes(content));

    public static byte[] Headers(int id, bool end, params (string Name, string Value)[] fields) =>
        Frame(1, EndHeaders | (end ? EndStream : 0), id, Block(fields));

    public static byte[] Reset(int id, Http2ErrorCode error = Http2ErrorCode.Cancel) => Frame(3, 0, id, Word((uint)error));

    public static byte[] WindowUpdate(int id, uint increment) => Frame(8, 0, id, Word(increment));

    public static byte[] Ping(byte first = 0) => Frame(6, 0, 0, [first, 0, 0, 0, 0, 0, 0, 0]);

    public static byte[] Settings(params (int Id, uint Value)[] entries) =>
        Frame(4, 0, 0, [.. entries.SelectMany(entry => (byte[])[(byte)(entry.Id >> 8), (byte)entry.Id, .. Word(entry.Value)])]);

    public static byte[] GoAway(int last, Http2ErrorCode error) => Frame(7, 0, 0, [.. Word((uint)last), .. Word((uint)error)]);

    public static byte[] Word(uint value)
    {
        byte[] word = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(word, value);
        return word;
    }

    /// <summary>Literal fields, not indexed, no Huffman.</summary>
    public static byte[] Block(params (string Name, string Value)[] fields)
    {
        var block = new List<byte>();
        foreach ((string name, string value) in fields)
        {
            block.Add(0);
            AddString(name);
            AddString(value);
        }

        return [.. block];

        void AddString(string text)
        {
            byte[] length = new byte[8];
            block.AddRange(length[..HpackInteger.Write(length, 0, 7, text.Length)]);
            block.AddRange(Reading.Bytes(text));
        }
    }

    public static byte[] Join(params byte[][] frames) => [.. frames.SelectMany(frame => frame)];

    /// <summary>What was written, one line per frame; field blocks in a decoder of the reader's own.</summary>
    public static List<string> Describe(ReadOnlySpan<byte> wire)
    {
        var lines = new List<string>();
        var decoder = new HpackDecoder(4096);
        while (wire.Length > 0)
        {
            int length = (int)(BinaryPrimitives.ReadUInt32BigEndian(wire) >> 8);
            byte flags = wire[4];
            int id = BinaryPrimitives.ReadInt32BigEndian(wire[5..]);
            ReadOnlySpan<byte> payload = wire.Slice(9, length);
            lines.Add(wire[3] switch
            {
                0 => $"DATA {id} {length}{((flags & EndStream) != 0 ? " end" : "")}",
                1 => $"HEADERS {id}{((flags & EndStream) != 0 ? " end" : "")} {Fields(decoder, payload)}",
                3 => $"RST_STREAM {id} {(Http2ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(payload)}",
                4 => (flags & Ack) != 0 ? "SETTINGS ack" : "SETTINGS",
                6 => (flags & Ack) != 0 ? $"PING ack {payload[0]}" : "PING",
                7 => $"GOAWAY {BinaryPrimitives.ReadInt32BigEndian(payload)} {(Http2ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(payload[4..])}",
                8 => $"WINDOW_UPDATE {id} {BinaryPrimitives.ReadUInt32BigEndian(payload)}",
                9 => $"CONTINUATION {id}",
                byte type => type.ToString(CultureInfo.InvariantCulture),
            });
            wire = wire[(9 + length)..];
        }

        return lines;
    }

    private static string Fields(HpackDecoder decoder, ReadOnlySpan<byte> block)
    {
        var text = new StringBuilder();
        decoder.Begin();
        while (decoder.TryRead(ref block, out HpackField field)) text.Append($"{Reading.Text(field.Name)}={Reading.Text(field.Value)};");
        decoder.End();
        return text.ToString();
    }
}
