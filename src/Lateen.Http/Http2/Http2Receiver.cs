using System.Buffers;
using System.Buffers.Binary;

namespace Lateen.Http;

/// <summary>
/// The reading half of a <see cref="Http2Connection"/>: what each frame does in each state, RFC 9113 sections 4 to 6. It answers a fault by
/// <see cref="Http2Connection.Fail"/> or <see cref="Http2Connection.FailStream"/> at the first octet that shows it.
/// </summary>
internal sealed class Http2Receiver : IHttp2FrameHandler
{
    /// <summary>What the PING of a drain carries; those of the keep-alive count from 1.</summary>
    internal const ulong DrainPing = 0x6472_6169_6e00_0000;

    private readonly Http2Connection _connection;
    private readonly Http2FrameReader _reader = new();
    private readonly int _maxBlockOctets;
    private int _prefaceCount;
    private bool _settingsSeen;
    private int _goAwayLast = int.MaxValue;

    // A field block that goes on in CONTINUATION frames.
    private int _blockStream;
    private bool _blockEndsStream;
    private int _blockCount;
    private int _continuations;
    private byte[]? _block;

    // The DATA frame that is being read.
    private Http2Stream? _dataStream;
    private int _content;
    private bool _isPadLengthDue;

    internal Http2Receiver(Http2Connection connection)
    {
        _connection = connection;
        _maxBlockOctets = connection.Limits.MaxHeadOctets + Http2FrameHeader.MaxPayloadOctets;
        if (!connection.IsServer) _prefaceCount = Http2ServerConnection.Preface.Length;
    }

    internal void Read(ReadOnlySpan<byte> input)
    {
        ReadOnlySpan<byte> preface = Http2ServerConnection.Preface;
        if (_prefaceCount < preface.Length)
        {
            int length = Math.Min(preface.Length - _prefaceCount, input.Length);
            if (!input[..length].SequenceEqual(preface.Slice(_prefaceCount, length)))
            {
                _connection.Fail(Http2Violation.PrefaceInvalid);
                return;
            }

            _prefaceCount += length;
            input = input[length..];
            if (_prefaceCount < preface.Length) return;
        }

        _reader.Read(input, this);
    }

    /// <summary>Gives back what is borrowed.</summary>
    internal void Stop()
    {
        _reader.Stop();
        ReturnBlock();
        _dataStream = null;
    }

    /// <summary>A stream is closed; its object may soon be another one.</summary>
    internal void OnClosed(Http2Stream stream)
    {
        if (_dataStream == stream) _dataStream = null;
    }

    /// <summary>
    /// When what is unfinished now began, in the session's milliseconds: a field block, or another frame that counts only when it is whole; -1: nothing
    /// is. Content does not count, it is used as it comes.
    /// </summary>
    internal long UnfinishedSince { get; private set; } = -1;

    /// <summary>The stream of an unfinished field block, 0 when there is none.</summary>
    internal int UnfinishedBlock { get; private set; }

    public Http2Payload OnFrameHeader(in Http2FrameHeader frame)
    {
        Http2Payload payload = Judge(frame);
        if (payload == Http2Payload.Gather && UnfinishedSince < 0)
        {
            UnfinishedSince = _connection.Now;
            UnfinishedBlock = frame.Type == Http2FrameType.Headers ? frame.StreamId : 0;
        }

        return payload;
    }

    private Http2Payload Judge(in Http2FrameHeader frame)
    {
        if (_connection.HasEnded) return Http2Payload.Stop;
        if (_connection.Frames.Overflow != Http2Violation.None) return Fail(_connection.Frames.Overflow);
        if (!_settingsSeen && (frame.Type != Http2FrameType.Settings || frame.Has(Http2Flags.Ack))) return Fail(Http2Violation.SettingsMissing);
        if (frame.Length > Http2FrameHeader.MaxPayloadOctets) return Fail(Http2Violation.FrameTooLarge);
        if (_blockStream != 0 && (frame.Type != Http2FrameType.Continuation || frame.StreamId != _blockStream))
            return Fail(Http2Violation.HeaderBlockInterrupted);

        switch (frame.Type)
        {
            case Http2FrameType.Data: return BeginData(frame);
            case Http2FrameType.Headers: return BeginHeaders(frame);
            case Http2FrameType.Continuation: return BeginContinuation(frame);
            case Http2FrameType.Priority: return BeginPriority(frame);
            case Http2FrameType.ResetStream: return BeginFixed(frame, length: 4, isOfStream: true);
            case Http2FrameType.Settings: return BeginSettings(frame);
            case Http2FrameType.PushPromise: return Fail(Http2Violation.PushForbidden);
            case Http2FrameType.Ping: return BeginFixed(frame, length: 8, isOfStream: false);
            case Http2FrameType.GoAway:
                if (frame.StreamId != 0) return Fail(Http2Violation.StreamIdentifierInvalid);
                return frame.Length < 8 ? Fail(Http2Violation.FrameLengthInvalid) : Http2Payload.Gather;
            case Http2FrameType.WindowUpdate: return frame.Length == 4 ? Http2Payload.Gather : Fail(Http2Violation.FrameLengthInvalid);
            default:
                Http2Violation flood = _connection.Guard.OnUnknownFrame(frame, _connection.Now);
                return flood == Http2Violation.None ? Http2Payload.Skip : Fail(flood);
        }
    }

    public void OnFrame(in Http2FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        switch (frame.Type)
        {
            case Http2FrameType.Headers:
                OnHeaders(frame, payload);
                break;
            case Http2FrameType.Continuation:
                OnContinuation(frame, payload);
                break;
            case Http2FrameType.ResetStream:
                OnResetStream(frame.StreamId, (Http2ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(payload));
                break;
            case Http2FrameType.Settings:
                OnSettings(frame, payload);
                break;
            case Http2FrameType.Ping:
                OnPing(frame, BinaryPrimitives.ReadUInt64BigEndian(payload));
                break;
            case Http2FrameType.GoAway:
                OnGoAway(
                    (int)(BinaryPrimitives.ReadUInt32BigEndian(payload) & 0x7FFF_FFFF), (Http2ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(payload[4..]));
                break;
            case Http2FrameType.WindowUpdate:
                OnWindowUpdate(frame.StreamId, (int)(BinaryPrimitives.ReadUInt32BigEndian(payload) & 0x7FFF_FFFF));
                break;
        }

        if (_blockStream != 0) return;
        UnfinishedSince = -1;
        UnfinishedBlock = 0;
    }

    public void OnDataPiece(in Http2FrameHeader frame, ReadOnlySpan<byte> piece, bool isLast)
    {
        if (_isPadLengthDue)
        {
            _isPadLengthDue = false;
            int padding = piece[0] + 1;
            piece = piece[1..];
            _content = frame.Length - padding;
            if (_content < 0)
            {
                _connection.Fail(Http2Violation.PaddingTooLong);
                return;
            }

            Http2Violation flood = _connection.Guard.OnPayloadFrame(frame, _content);
            if (flood != Http2Violation.None)
            {
                _connection.Fail(flood);
                return;
            }

            // Padding counts against the windows and nobody will consume it.
            if (_dataStream is null) _connection.CreditConnection(padding);
            else _connection.Credit(_dataStream, padding);
            CheckContentLength(frame.Has(Http2Flags.EndStream));
        }

        int taken = Math.Min(piece.Length, _content);
        _content -= taken;
        if (_dataStream is not { } stream)
        {
            _connection.CreditConnection(taken);
            return;
        }

        bool ends = isLast && frame.Has(Http2Flags.EndStream);
        if (taken == 0 && !ends) return;
        stream.Held += taken;
        stream.ContentReceived += taken;
        if (isLast) _dataStream = null;
        if (ends) _connection.EndRemote(stream);
        _connection.Session.OnData(stream, piece[..taken], ends);
    }

    private Http2Payload Fail(Http2Violation violation)
    {
        _connection.Fail(violation);
        return Http2Payload.Stop;
    }

    /// <summary>An identifier that nobody has opened; only the client opens streams.</summary>
    private bool IsIdle(int streamId) => (streamId & 1) == 0 || streamId > _connection.Closed.LastId;

    /// <summary>The client opened it before it saw our last GOAWAY: it is as if it had not come (RFC 9113 section 6.8).</summary>
    private bool IsAfterGoAway(int streamId) =>
        _connection.IsServer && _connection.DrainStep == Http2DrainStep.Final && (streamId & 1) == 1 && streamId > _connection.Closed.LastId;

    private Http2Payload BeginFixed(in Http2FrameHeader frame, int length, bool isOfStream)
    {
        if ((frame.StreamId != 0) != isOfStream) return Fail(Http2Violation.StreamIdentifierInvalid);
        return frame.Length == length ? Http2Payload.Gather : Fail(Http2Violation.FrameLengthInvalid);
    }

    private Http2Payload BeginSettings(in Http2FrameHeader frame)
    {
        if (frame.StreamId != 0) return Fail(Http2Violation.StreamIdentifierInvalid);
        if (frame.Has(Http2Flags.Ack)) return frame.Length == 0 ? Http2Payload.Gather : Fail(Http2Violation.SettingsAckWithPayload);
        if (frame.Length % 6 != 0) return Fail(Http2Violation.FrameLengthInvalid);
        _settingsSeen = true;
        Http2Violation flood = _connection.Guard.OnSettings(frame.Length / 6, _connection.Now);
        return flood == Http2Violation.None ? Http2Payload.Gather : Fail(flood);
    }

    /// <summary>Section 6.3: the scheme that it belonged to is gone, the frame and its rules about length and stream are not.</summary>
    private Http2Payload BeginPriority(in Http2FrameHeader frame)
    {
        if (frame.StreamId == 0) return Fail(Http2Violation.StreamIdentifierInvalid);
        Http2Violation flood = _connection.Guard.OnPriority();
        if (flood != Http2Violation.None) return Fail(flood);
        if (frame.Length == 5) return Http2Payload.Skip;
        if (IsIdle(frame.StreamId)) return Fail(Http2Violation.FrameLengthInvalid); // RST_STREAM may not be sent for an idle stream (section 6.4).
        if (_connection.Table.Find(frame.StreamId) is { } stream) _connection.FailStream(stream, Http2Violation.StreamFrameLengthInvalid);
        return _connection.HasEnded ? Http2Payload.Stop : Http2Payload.Skip;
    }

    private Http2Payload BeginHeaders(in Http2FrameHeader frame)
    {
        if (frame.StreamId == 0 || (frame.StreamId & 1) == 0) return Fail(Http2Violation.StreamIdentifierInvalid);
        Http2Violation flood = _connection.Guard.OnPayloadFrame(frame, frame.Length);
        if (flood != Http2Violation.None) return Fail(flood);
        int least = (frame.Has(Http2Flags.Padded) ? 1 : 0) + (frame.Has(Http2Flags.Priority) ? 5 : 0);
        return frame.Length < least ? Fail(Http2Violation.FrameLengthInvalid) : Http2Payload.Gather;
    }

    private Http2Payload BeginContinuation(in Http2FrameHeader frame)
    {
        if (_blockStream == 0) return Fail(Http2Violation.ContinuationUnexpected);
        Http2Violation flood = _connection.Guard.OnPayloadFrame(frame, frame.Length);
        if (flood != Http2Violation.None) return Fail(flood);
        if (++_continuations > _connection.Options.MaxContinuationFrames) return Fail(Http2Violation.ContinuationFlood);
        return _blockCount + frame.Length > _maxBlockOctets ? Fail(Http2Violation.HeaderBlockFlood) : Http2Payload.Gather;
    }

    private void OnHeaders(in Http2FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        int padding = 0;
        if (frame.Has(Http2Flags.Padded))
        {
            padding = payload[0];
            payload = payload[1..];
        }

        if (frame.Has(Http2Flags.Priority)) payload = payload[5..];
        if (padding > payload.Length)
        {
            Fail(Http2Violation.PaddingTooLong);
            return;
        }

        payload = payload[..^padding];
        if (frame.Has(Http2Flags.EndHeaders))
        {
            OnBlock(frame.StreamId, frame.Has(Http2Flags.EndStream), payload);
            return;
        }

        _blockStream = frame.StreamId;
        _blockEndsStream = frame.Has(Http2Flags.EndStream);
        _continuations = 0;
        Keep(payload);
    }

    private void OnContinuation(in Http2FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        Keep(payload);
        if (!frame.Has(Http2Flags.EndHeaders)) return;
        _blockStream = 0;
        OnBlock(frame.StreamId, _blockEndsStream, _block.AsSpan(0, _blockCount));
        ReturnBlock();
    }

    private void Keep(ReadOnlySpan<byte> fragment)
    {
        int needed = _blockCount + fragment.Length;
        if (_block is null || _block.Length < needed)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed * 2, 4096));
            _block.AsSpan(0, _blockCount).CopyTo(larger);
            if (_block is not null) ArrayPool<byte>.Shared.Return(_block);
            _block = larger;
        }

        fragment.CopyTo(_block.AsSpan(_blockCount));
        _blockCount = needed;
    }

    private void ReturnBlock()
    {
        _blockCount = 0;
        if (_block is null) return;
        ArrayPool<byte>.Shared.Return(_block);
        _block = null;
    }

    /// <summary>A whole field block. Whatever becomes of it, the decoder sees all of it.</summary>
    private void OnBlock(int streamId, bool endStream, ReadOnlySpan<byte> block)
    {
        HpackDecoder decoder = _connection.Decoder;
        Http2Stream? stream = _connection.Table.Find(streamId);
        if (stream is not null)
        {
            if (stream.IsRemoteEnded)
            {
                if (Discard(block)) _connection.FailStream(stream, Http2Violation.FrameAfterEndOfStream);
            }
            else if (stream.HasFinalHead)
            {
                OnTrailers(stream, endStream, block);
            }
            else
            {
                _connection.OnResponseBlock(stream, endStream, block);
            }
        }
        else if (IsAfterGoAway(streamId))
        {
            DiscardOfClosed(block);
        }
        else if (streamId > _connection.Closed.LastId)
        {
            _connection.OnNewStreamBlock(streamId, endStream, block);
        }
        else
        {
            switch (_connection.Closed.EndOf(streamId))
            {
                case Http2StreamEnd.Skipped:
                    Fail(Http2Violation.StreamIdentifierReused);
                    break;
                case Http2StreamEnd.ByPeer:
                    Fail(Http2Violation.FrameOnClosedStream);
                    break;
                default:
                    DiscardOfClosed(block);
                    break;
            }
        }

        if (decoder.IsBroken) Fail(decoder.IsExpanded ? Http2Violation.HeaderExpansionFlood : Http2Violation.CompressionBroken);
    }

    /// <summary>Reads a block that nobody wants.</summary>
    internal bool Discard(ReadOnlySpan<byte> block)
    {
        Http2ResponseReader.Discard(_connection.Decoder, block);
        return !_connection.Decoder.IsBroken;
    }

    private void DiscardOfClosed(ReadOnlySpan<byte> block)
    {
        Http2Violation flood = _connection.Guard.OnClosedStreamFrame();
        if (flood != Http2Violation.None) Fail(flood);
        else Discard(block);
    }

    private void OnTrailers(Http2Stream stream, bool endStream, ReadOnlySpan<byte> block)
    {
        if (!endStream || stream.Method == RequestMethod.Connect)
        {
            if (Discard(block)) _connection.FailMessage(stream, endStream ? HttpRejectionCode.HeadersInTunnel : HttpRejectionCode.EndStreamMissing);
            return;
        }

        HttpRejectionCode code = Http2ResponseReader.ReadTrailers(_connection.Decoder, block, stream.Trailers, _connection.Limits);
        if (_connection.Decoder.IsBroken) return;
        if (stream.ExpectedOctets >= 0 && stream.ContentReceived != stream.ExpectedOctets) code = HttpRejectionCode.ContentLengthMismatch;
        if (code != HttpRejectionCode.None)
        {
            _connection.NoteOverflow(code);
            if (!_connection.HasEnded) _connection.FailMessage(stream, code);
            return;
        }

        _connection.Counters.Trailers++;
        _connection.EndRemote(stream);
        _connection.Session.OnTrailers(stream);
    }

    private Http2Payload BeginData(in Http2FrameHeader frame)
    {
        int streamId = frame.StreamId;
        if (streamId == 0) return Fail(Http2Violation.StreamIdentifierInvalid);
        // How much of a padded frame is content its first octet says.
        _isPadLengthDue = frame.Has(Http2Flags.Padded);
        Http2Violation flood = _isPadLengthDue ? Http2Violation.None : _connection.Guard.OnPayloadFrame(frame, frame.Length);
        if (flood != Http2Violation.None) return Fail(flood);
        if (_isPadLengthDue && frame.Length == 0) return Fail(Http2Violation.FrameLengthInvalid);
        _connection.ConnectionReceiveWindow -= frame.Length;
        if (_connection.ConnectionReceiveWindow < 0) return Fail(Http2Violation.WindowExceeded);

        _dataStream = null;
        _content = frame.Length;
        Http2Stream? stream = _connection.Table.Find(streamId);
        if (stream is null)
        {
            if (IsAfterGoAway(streamId)) return Http2Payload.Stream;
            if (IsIdle(streamId)) return Fail(Http2Violation.FrameOnIdleStream);
            return _connection.Closed.EndOf(streamId) == Http2StreamEnd.ByUs ? Http2Payload.Stream : Fail(Http2Violation.FrameOnClosedStream);
        }

        if (stream.IsRemoteEnded)
        {
            _connection.FailStream(stream, Http2Violation.FrameAfterEndOfStream);
        }
        else if (stream.ReceiveWindow < frame.Length)
        {
            _connection.FailStream(stream, Http2Violation.StreamWindowExceeded);
        }
        else if (!stream.HasFinalHead)
        {
            _connection.FailMessage(stream, HttpRejectionCode.ContentBeforeHead);
        }
        else
        {
            stream.ReceiveWindow -= frame.Length;
            _dataStream = stream;
            if (!_isPadLengthDue) CheckContentLength(frame.Has(Http2Flags.EndStream));
        }

        return _connection.HasEnded ? Http2Payload.Stop : Http2Payload.Stream;
    }

    /// <summary>Section 8.1.1, before any of the frame's content is handed on: nobody may see more of a message than it declared.</summary>
    private void CheckContentLength(bool endStream)
    {
        if (_dataStream is not { ExpectedOctets: >= 0 } stream) return;
        long sum = stream.ContentReceived + _content;
        if (sum <= stream.ExpectedOctets && (!endStream || sum == stream.ExpectedOctets)) return;
        _connection.FailMessage(stream, HttpRejectionCode.ContentLengthMismatch);
    }

    private void OnResetStream(int streamId, Http2ErrorCode error)
    {
        _connection.Counters.ResetsReceived++;
        if (_connection.Table.Find(streamId) is not { } stream)
        {
            if (IsIdle(streamId) && !IsAfterGoAway(streamId))
            {
                Fail(Http2Violation.FrameOnIdleStream);
                return;
            }

            // It crossed our own reset or the end of the stream, which happens once to a stream.
            Http2Violation repeated = _connection.Guard.OnClosedStreamFrame();
            if (repeated != Http2Violation.None) Fail(repeated);
            return;
        }

        if (error is < Http2ErrorCode.NoError or > Http2ErrorCode.Http11Required) error = Http2ErrorCode.InternalError;
        _connection.CloseStream(stream, byPeer: true);
        Http2Violation flood = _connection.IsServer ? _connection.Guard.OnPeerReset(stream, _connection.Now) : Http2Violation.None;
        if (flood != Http2Violation.None) Fail(flood);
        _connection.Session.OnReset(stream, error, Http2ResetOrigin.Peer);
    }

    private void OnSettings(in Http2FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        if (frame.Has(Http2Flags.Ack))
        {
            if (!_connection.Liveness.AwaitsSettings)
            {
                Fail(Http2Violation.SettingsAckUnexpected);
                return;
            }

            // From here on the peer goes by what we asked for.
            _connection.Liveness.OnSettingsAck();
            _connection.MoveReceiveWindows(_connection.Options.InitialStreamWindow - _connection.StreamReceiveWindow);
            _connection.StreamReceiveWindow = _connection.Options.InitialStreamWindow;
            _connection.Decoder.ChangeLimit(_connection.Options.HpackTableOctets);
            return;
        }

        int window = _connection.Peer.InitialWindowSize;
        Http2Violation violation = _connection.Peer.Apply(payload, isFromServer: !_connection.IsServer);
        if (violation == Http2Violation.None && _connection.Peer.InitialWindowSize != window)
        {
            violation = _connection.Guard.OnInitialWindowChange(_connection.Now);
            if (violation == Http2Violation.None) violation = _connection.MoveStreamWindows(_connection.Peer.InitialWindowSize - window);
        }

        if (violation != Http2Violation.None)
        {
            Fail(violation);
            return;
        }

        _connection.Encoder.ChangeLimit(_connection.Peer.LeastHeaderTableSize);
        _connection.Encoder.ChangeLimit(_connection.Peer.HeaderTableSize);
        _connection.OnPeerSettings();
        _connection.Frames.WriteSettingsAck();
        if (_connection.Peer.InitialWindowSize > window) _connection.UnblockAll();
        _connection.Session.OnSettings();
    }

    private void OnPing(in Http2FrameHeader frame, ulong payload)
    {
        Http2Violation flood = _connection.Guard.OnPing(_connection.Now);
        if (flood != Http2Violation.None)
        {
            Fail(flood);
            return;
        }

        if (!frame.Has(Http2Flags.Ack)) _connection.Frames.WritePing(payload, isAck: true);
        // An acknowledgement of nothing is harmless: it makes us do nothing.
        else if (payload == DrainPing && _connection.DrainStep == Http2DrainStep.Announced) _connection.FinishDrain();
    }

    private void OnGoAway(int lastStreamId, Http2ErrorCode error)
    {
        Http2Violation flood = _connection.Guard.OnGoAway();
        if (flood != Http2Violation.None)
        {
            Fail(flood);
            return;
        }

        if (lastStreamId > _goAwayLast)
        {
            Fail(Http2Violation.GoAwayIncreased);
            return;
        }

        _goAwayLast = lastStreamId;
        _connection.IsGoAwayReceived = true;
        if (!_connection.IsServer)
        {
            int slot = 0;
            while (!_connection.HasEnded && _connection.Table.FindAbove(lastStreamId, ref slot) is { } stream)
            {
                _connection.CloseStream(stream, byPeer: true);
                _connection.Session.OnReset(stream, Http2ErrorCode.RefusedStream, Http2ResetOrigin.GoAway);
            }
        }

        _connection.Session.OnGoAway(error);
    }

    private void OnWindowUpdate(int streamId, int increment)
    {
        Http2Violation flood = _connection.Guard.OnWindowUpdate();
        if (flood != Http2Violation.None)
        {
            Fail(flood);
            return;
        }

        if (streamId == 0)
        {
            Http2Violation violation = increment == 0 ? Http2Violation.WindowIncrementZero : _connection.GrowConnectionWindow(increment);
            if (violation != Http2Violation.None) Fail(violation);
            return;
        }

        if (_connection.Table.Find(streamId) is not { } stream)
        {
            if (IsIdle(streamId) && !IsAfterGoAway(streamId)) Fail(Http2Violation.FrameOnIdleStream);
            return;
        }

        Http2Violation ofStream = increment == 0 ? Http2Violation.StreamWindowIncrementZero : _connection.GrowStreamWindow(stream, increment);
        if (ofStream != Http2Violation.None) _connection.FailStream(stream, ofStream);
    }
}
