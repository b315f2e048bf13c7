using System.Buffers;
using System.Buffers.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Lateen.Proxy.Statistics;

/// <summary>The value of <c>x-envoy-peer-metadata</c>: base64 (RFC 4648 section 4) of a serialised <c>google.protobuf.Struct</c> with the
/// keys of node metadata, as Istio's proxies write it.</summary>
public static class PeerHeader
{
    /// <summary>Longest value that is read. Octets; Istio's own are under 1 KiB. Longer ones count as missing.</summary>
    public const int MaxLength = 8 * 1024;

    /// <summary>The value that tells of a workload. Equal workloads give equal bytes: the keys are written in order.</summary>
    public static byte[] Encode(MeshWorkload workload)
    {
        var message = workload.ToStruct().ToByteArray();
        var encoded = new byte[Base64.GetMaxEncodedToUtf8Length(message.Length)];
        Base64.EncodeToUtf8(message, encoded, out _, out _);
        return encoded;
    }

    /// <summary>Reads a value that a peer sent.</summary>
    /// <returns>Null when it is too long, no base64 or no message.</returns>
    public static MeshWorkload? Decode(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty || value.Length > MaxLength) return null;
        var message = new byte[Base64.GetMaxDecodedFromUtf8Length(value.Length)];
        if (Base64.DecodeFromUtf8(value, message, out _, out var length) != OperationStatus.Done) return null;
        try
        {
            return MeshWorkload.Read(Struct.Parser.ParseFrom(message, 0, length));
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }
}
