using System.Buffers;
using System.Buffers.Binary;
using Grpc.Core;

namespace Lateen.Proxy.ControlPlane;

/// <summary>
/// Puts the messages of a gRPC stream together: <c>[1 compressed][4 length][message]</c>, wherever DATA frames cut them. A message is one array
/// of its length, made when its prefix is complete.
/// </summary>
/// <param name="maxMessageOctets">A longer message is refused before anything is allocated for it.</param>
internal sealed class GrpcMessageReader(int maxMessageOctets)
{
    private const int PrefixOctets = 5;

    private readonly byte[] _prefix = new byte[PrefixOctets];
    private int _prefixCount;
    private byte[]? _message;
    private int _messageCount;

    /// <summary>True between messages: the only place where a stream may end.</summary>
    public bool IsBetweenMessages => _prefixCount == 0;

    /// <summary>Takes bytes, up to the end of a message.</summary>
    /// <param name="input">What is taken is cut off.</param>
    /// <param name="message">A complete message, or null.</param>
    /// <returns>Why the stream is refused; null when it is not.</returns>
    public Status? TryRead(ref ReadOnlySpan<byte> input, out byte[]? message)
    {
        message = null;
        if (_message is null)
        {
            int taken = Math.Min(PrefixOctets - _prefixCount, input.Length);
            input[..taken].CopyTo(_prefix.AsSpan(_prefixCount));
            input = input[taken..];
            _prefixCount += taken;
            if (_prefixCount < PrefixOctets) return null;
            if (_prefix[0] != 0) return new Status(StatusCode.Internal, "the server compresses its messages, which it was not asked to");
            uint length = BinaryPrimitives.ReadUInt32BigEndian(_prefix.AsSpan(1));
            if (length > maxMessageOctets)
                return new Status(StatusCode.ResourceExhausted, $"a message of {length} octets is larger than the limit of {maxMessageOctets}");
            _message = GC.AllocateUninitializedArray<byte>((int)length);
            _messageCount = 0;
        }

        int copied = Math.Min(_message.Length - _messageCount, input.Length);
        input[..copied].CopyTo(_message.AsSpan(_messageCount));
        input = input[copied..];
        _messageCount += copied;
        if (_messageCount < _message.Length) return null;
        message = _message;
        _message = null;
        _prefixCount = 0;
        return null;
    }

    /// <summary>A message with its prefix, ready to be sent.</summary>
    public static byte[] Frame<TMessage>(Marshaller<TMessage> marshaller, TMessage message)
    {
        var buffer = new MessageBuffer();
        marshaller.ContextualSerializer(message, buffer);
        return buffer.ToFrame();
    }

    /// <summary>A message from its octets.</summary>
    public static TMessage Parse<TMessage>(Marshaller<TMessage> marshaller, byte[] message) =>
        marshaller.ContextualDeserializer(new MessageOctets(message));

    private sealed class MessageBuffer : SerializationContext
    {
        private readonly ArrayBufferWriter<byte> _writer = new(256);
        private byte[]? _payload;

        public override void SetPayloadLength(int payloadLength)
        {
        }

        public override IBufferWriter<byte> GetBufferWriter() => _writer;

        public override void Complete()
        {
        }

        public override void Complete(byte[] payload) => _payload = payload;

        public byte[] ToFrame()
        {
            ReadOnlySpan<byte> payload = _payload ?? _writer.WrittenSpan;
            byte[] frame = new byte[PrefixOctets + payload.Length];
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), payload.Length);
            payload.CopyTo(frame.AsSpan(PrefixOctets));
            return frame;
        }
    }

    private sealed class MessageOctets(byte[] octets) : DeserializationContext
    {
        public override int PayloadLength => octets.Length;

        public override byte[] PayloadAsNewBuffer() => octets;

        public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => new(octets);
    }
}
