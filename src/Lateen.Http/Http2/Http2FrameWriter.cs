using System.Buffers.Binary;
using System.Diagnostics;

namespace Lateen.Http;

/// <summary>Writes frames into the session's output, and counts those that wait there for a peer who does not read.</summary>
internal sealed class Http2FrameWriter(IHttp2Output output, Http2Options options)
{
    private int _waiting;
    private int _waitingControl;

    /// <summary>SETTINGS_MAX_FRAME_SIZE of the peer, as far as we use it.</summary>
    internal static int MaxPayloadOctets => Http2FrameHeader.MaxPayloadOctets;

    /// <summary>The bound that was hit, or none. It stays.</summary>
    internal Http2Violation Overflow { get; private set; }

    internal void WritePreface()
    {
        ReadOnlySpan<byte> preface = Http2ServerConnection.Preface;
        preface.CopyTo(output.GetSpan(preface.Length));
        output.Advance(preface.Length);
    }

    /// <summary>SETTINGS, without those that have their initial value.</summary>
    internal void WriteSettings(ReadOnlySpan<(Http2Setting Id, uint Value)> settings)
    {
        Span<byte> payload = Begin(settings.Length * 6, Http2FrameType.Settings, Http2Flags.None, 0, isControl: true);
        foreach ((Http2Setting id, uint value) in settings)
        {
            BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)id);
            BinaryPrimitives.WriteUInt32BigEndian(payload[2..], value);
            payload = payload[6..];
        }

        output.Advance(Http2FrameHeader.Octets + (settings.Length * 6));
    }

    internal void WriteSettingsAck()
    {
        Begin(0, Http2FrameType.Settings, Http2Flags.Ack, 0, isControl: true);
        output.Advance(Http2FrameHeader.Octets);
    }

    internal void WritePing(ulong payload, bool isAck)
    {
        BinaryPrimitives.WriteUInt64BigEndian(Begin(8, Http2FrameType.Ping, isAck ? Http2Flags.Ack : Http2Flags.None, 0, isControl: true), payload);
        output.Advance(Http2FrameHeader.Octets + 8);
    }

    internal void WriteReset(int streamId, Http2ErrorCode error) => WriteWord(Http2FrameType.ResetStream, streamId, (uint)error, isControl: true);

    /// <summary>Not a control frame in the sense of the bound: there is one for half a window of content at the most.</summary>
    internal void WriteWindowUpdate(int streamId, int increment) => WriteWord(Http2FrameType.WindowUpdate, streamId, (uint)increment, isControl: false);

    internal void WriteGoAway(int lastStreamId, Http2ErrorCode error)
    {
        Span<byte> payload = Begin(8, Http2FrameType.GoAway, Http2Flags.None, 0, isControl: false);
        BinaryPrimitives.WriteInt32BigEndian(payload, lastStreamId);
        BinaryPrimitives.WriteUInt32BigEndian(payload[4..], (uint)error);
        output.Advance(Http2FrameHeader.Octets + 8);
    }

    /// <summary>Room for content behind a frame header; at most what was wanted, at least one octet.</summary>
    internal Span<byte> ReserveData(int wanted)
    {
        Span<byte> span = output.GetSpan(Math.Min(Http2FrameHeader.Octets + wanted, IHttp2Output.MaxRequestedOctets));
        return span.Slice(Http2FrameHeader.Octets, Math.Min(wanted, span.Length - Http2FrameHeader.Octets));
    }

    /// <summary>Makes a frame of the first octets that were put into <see cref="ReserveData"/>'s room.</summary>
    internal void CommitData(int streamId, int octets, bool endStream)
    {
        Begin(octets, Http2FrameType.Data, endStream ? Http2Flags.EndStream : Http2Flags.None, streamId, isControl: false);
        output.Advance(Http2FrameHeader.Octets + octets);
    }

    /// <summary>HEADERS, and CONTINUATION as needed, of a block that is in a buffer elsewhere.</summary>
    internal void WriteHeaderBlock(int streamId, ReadOnlySpan<byte> block, bool endStream)
    {
        var type = Http2FrameType.Headers;
        Http2Flags flags = endStream ? Http2Flags.EndStream : Http2Flags.None;
        do
        {
            ReadOnlySpan<byte> fragment = block[..Math.Min(block.Length, MaxPayloadOctets)];
            block = block[fragment.Length..];
            Begin(0, type, flags | (block.Length == 0 ? Http2Flags.EndHeaders : Http2Flags.None), streamId, isControl: false, fragment.Length);
            output.Advance(Http2FrameHeader.Octets);
            while (fragment.Length > 0)
            {
                Span<byte> span = output.GetSpan(Math.Min(fragment.Length, IHttp2Output.MaxRequestedOctets));
                int copied = Math.Min(span.Length, fragment.Length);
                fragment[..copied].CopyTo(span);
                output.Advance(copied);
                fragment = fragment[copied..];
            }

            type = Http2FrameType.Continuation;
            flags = Http2Flags.None;
        }
        while (block.Length > 0);
    }

    /// <summary>Room for a block that fits with its frame header into one span, to be written in place; empty when it may not.</summary>
    internal Span<byte> ReserveHeaderBlock(int bound)
    {
        if (bound > IHttp2Output.MaxRequestedOctets - Http2FrameHeader.Octets) return default;
        return output.GetSpan(Http2FrameHeader.Octets + bound)[Http2FrameHeader.Octets..];
    }

    internal void CommitHeaderBlock(int streamId, int octets, bool endStream)
    {
        Http2Flags flags = endStream ? Http2Flags.EndHeaders | Http2Flags.EndStream : Http2Flags.EndHeaders;
        Begin(octets, Http2FrameType.Headers, flags, streamId, isControl: false);
        output.Advance(Http2FrameHeader.Octets + octets);
    }

    private void WriteWord(Http2FrameType type, int streamId, uint value, bool isControl)
    {
        BinaryPrimitives.WriteUInt32BigEndian(Begin(4, type, Http2Flags.None, streamId, isControl), value);
        output.Advance(Http2FrameHeader.Octets + 4);
    }

    /// <summary>Writes a frame header without accepting it. The room behind it holds the payload.</summary>
    /// <param name="room">Octets of payload that follow in the same span.</param>
    /// <param name="elsewhere">Octets of payload that follow in others.</param>
    private Span<byte> Begin(int room, Http2FrameType type, Http2Flags flags, int streamId, bool isControl, int elsewhere = 0)
    {
        // No frame is shorter than its header, so what is pending bounds how many frames can still be waiting.
        int atMost = output.PendingOctets / Http2FrameHeader.Octets;
        _waiting = Math.Min(_waiting, atMost) + 1;
        if (_waiting > options.MaxOutboundFrames) Overflow = Http2Violation.OutboundFlood;
        if (isControl)
        {
            _waitingControl = Math.Min(_waitingControl, atMost) + 1;
            if (_waitingControl > options.MaxOutboundControlFrames) Overflow = Http2Violation.OutboundControlFlood;
        }

        Span<byte> span = output.GetSpan(Math.Min(Http2FrameHeader.Octets + room, IHttp2Output.MaxRequestedOctets));
        Debug.Assert(span.Length >= Http2FrameHeader.Octets + room, "the output gave less room than it was asked for");
        Http2FrameHeader.Write(span, room + elsewhere, type, flags, streamId);
        return span[Http2FrameHeader.Octets..];
    }
}
