using System.Buffers.Binary;

namespace Lateen.Proxy.Filters.Grpc;

/// <summary>Counts gRPC messages in a stream of bytes by their prefixes: one octet of flags and four of length (gRPC over HTTP/2, "Requests").</summary>
internal struct GrpcMessageCount
{
    private const int PrefixOctets = 5;

    private long _left;
    private uint _length;
    private int _prefix;

    /// <summary>Messages whose prefix was seen whole.</summary>
    public long Messages { get; private set; }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_left > 0)
            {
                int skipped = (int)Math.Min(_left, bytes.Length);
                _left -= skipped;
                bytes = bytes[skipped..];
                continue;
            }

            if (_prefix == 0 && bytes.Length >= PrefixOctets)
            {
                Begin(BinaryPrimitives.ReadUInt32BigEndian(bytes[1..]));
                bytes = bytes[PrefixOctets..];
                continue;
            }

            if (_prefix > 0) _length = (_length << 8) | bytes[0];
            bytes = bytes[1..];
            if (++_prefix == PrefixOctets) Begin(_length);
        }
    }

    private void Begin(uint length)
    {
        Messages++;
        _left = length;
        _length = 0;
        _prefix = 0;
    }
}
