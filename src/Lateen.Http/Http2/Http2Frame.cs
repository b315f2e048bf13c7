using System.Buffers.Binary;

namespace Lateen.Http;

/// <summary>Frame types of RFC 9113 section 6. Any other is ignored (section 4.1).</summary>
internal enum Http2FrameType : byte
{
    Data = 0x0,
    Headers = 0x1,
    Priority = 0x2,
    ResetStream = 0x3,
    Settings = 0x4,
    PushPromise = 0x5,
    Ping = 0x6,
    GoAway = 0x7,
    WindowUpdate = 0x8,
    Continuation = 0x9,
}

/// <summary>Frame flags; a bit means what its frame type says.</summary>
[Flags]
internal enum Http2Flags : byte
{
    None = 0,
    EndStream = 0x1,
    Ack = EndStream,
    EndHeaders = 0x4,
    Padded = 0x8,
    Priority = 0x20,
}

/// <summary>
/// What every frame begins with: <c>[24 length][8 type][8 flags][1 reserved][31 stream identifier]</c>, RFC 9113 section 4.1.
/// </summary>
internal readonly record struct Http2FrameHeader(int Length, Http2FrameType Type, Http2Flags Flags, int StreamId)
{
    /// <summary>Octets of a frame header.</summary>
    internal const int Octets = 9;

    /// <summary>The least that SETTINGS_MAX_FRAME_SIZE can be, its default, and what we keep it at: section 4.2. A larger frame holds the connection longer for one stream.</summary>
    internal const int MaxPayloadOctets = 16_384;

    internal bool Has(Http2Flags flag) => (Flags & flag) != 0;

    internal static Http2FrameHeader Read(ReadOnlySpan<byte> header)
    {
        uint lengthAndType = BinaryPrimitives.ReadUInt32BigEndian(header);
        int streamId = (int)(BinaryPrimitives.ReadUInt32BigEndian(header[5..]) & 0x7FFF_FFFF);
        return new Http2FrameHeader((int)(lengthAndType >> 8), (Http2FrameType)(byte)lengthAndType, (Http2Flags)header[4], streamId);
    }

    internal static void Write(Span<byte> destination, int length, Http2FrameType type, Http2Flags flags, int streamId)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, ((uint)length << 8) | (byte)type);
        destination[4] = (byte)flags;
        BinaryPrimitives.WriteInt32BigEndian(destination[5..], streamId);
    }
}
