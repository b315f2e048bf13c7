using System.Buffers;
using Lateen.Xds.Schema;

namespace Lateen.Xds.Wire;

/// <summary>Rewrites messages inside of a message, at any depth, those packed in an <c>Any</c> of a known type included. All else stays as it is, octet for octet.</summary>
public static class NestedMessages
{
    /// <summary>Levels of nesting, as protobuf's own parsers have it. What lies deeper could not be parsed, and stays.</summary>
    private const int MaxDepth = 100;

    /// <summary>Is asked of a message and of each that it holds, from the outside.</summary>
    /// <param name="typeName">Full name of the message.</param>
    /// <returns>What takes its place; null: it stays, and those inside of it are asked about.</returns>
    public delegate byte[]? Rewriter(string typeName, ReadOnlySpan<byte> message);

    /// <summary>The message with what <paramref name="rewrite"/> says in place of those that it names.</summary>
    public static byte[] Rewrite(MessageSchema type, ReadOnlySpan<byte> message, Rewriter rewrite)
    {
        ArgumentNullException.ThrowIfNull(type);
        ArgumentNullException.ThrowIfNull(rewrite);
        return Rewrite(type, message, rewrite, MaxDepth);
    }

    private static byte[] Rewrite(MessageSchema type, ReadOnlySpan<byte> message, Rewriter rewrite, int depth)
    {
        if (rewrite(type.FullName, message) is { } other) return other;
        if (depth == 0) return message.ToArray();
        MessageSchema? packed = type.FullName == XdsTypeRegistry.AnyName ? PackedType(message) : null;
        var output = new ArrayBufferWriter<byte>(Math.Max(message.Length, 1));
        var reader = new WireReader(message);
        while (reader.MoveNext())
        {
            MessageSchema? inner = null;
            if (reader.IsLengthDelimited)
            {
                if (packed is not null && reader.FieldNumber == 2) inner = packed;
                else if (type.Find(reader.FieldNumber) is { Kind: FieldKind.Message } field) inner = field.MessageType;
            }

            if (inner is null)
            {
                output.Write(message[reader.Start..reader.End]);
                continue;
            }

            byte[] payload = Rewrite(inner, reader.Payload, rewrite, depth - 1);
            MessageDraft.Varint(output, MessageDraft.Tag(reader.FieldNumber, WireType.LengthDelimited));
            MessageDraft.Varint(output, (ulong)payload.Length);
            output.Write(payload);
        }

        // What cannot be read is not passed on: nobody knows what is in it.
        return output.WrittenSpan.ToArray();
    }

    private static MessageSchema? PackedType(ReadOnlySpan<byte> any) =>
        XdsTypeRegistry.Default.TryFind(WireReader.ReadName(any), out MessageSchema? type) ? type : null;
}
