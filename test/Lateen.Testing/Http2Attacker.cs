using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lateen.Testing;

/// <summary>
/// A client of HTTP/2 that keeps to no rule: writes the frames that a test wants (RFC 9113 section 4.1: length 24 bits, type, flags, stream) and goes
/// on until the other side ends the connection.
/// </summary>
public sealed class Http2Attacker : IDisposable
{
    public const byte Data = 0, Headers = 1, Priority = 2, Reset = 3, Settings = 4, Ping = 6, WindowUpdate = 8, Continuation = 9;

    public const byte EndStream = 1, EndHeaders = 4;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly MemoryStream _pending = new();

    private Http2Attacker()
    {
    }

    /// <summary>GET / for a host, and POST /sink: indexed fields and literals that are not indexed (RFC 7541 section 6).</summary>
    public static byte[] Get(string path = "/") => [0x82, 0x86, .. Literal(4, path), .. Literal(1, "web.example")];

    public static byte[] Post => [0x83, 0x86, .. Literal(4, "/sink"), .. Literal(1, "web.example")];

    /// <summary>A literal field with an indexed name, not added to the table.</summary>
    public static byte[] Literal(byte nameIndex, string value) => [nameIndex, (byte)value.Length, .. Encoding.ASCII.GetBytes(value)];

    /// <summary>Connects and says the preface, with a small receive buffer, so that what is sent back soon has nowhere to go.</summary>
    public static async Task<Http2Attacker> ConnectAsync(int port, CancellationToken cancel, byte[]? settings = null)
    {
        var attacker = new Http2Attacker();
        attacker._socket.ReceiveBufferSize = 4096;
        await attacker._socket.ConnectAsync(IPAddress.Loopback, port, cancel);
        attacker._pending.Write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        attacker.Add(Settings, 0, 0, settings ?? []);
        await attacker.SendAsync(cancel);
        return attacker;
    }

    /// <summary>Adds a frame to what is sent next.</summary>
    public void Add(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        Span<byte> head = stackalloc byte[9];
        BinaryPrimitives.WriteInt32BigEndian(head, (payload.Length << 8) | type);
        head[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(head[5..], stream);
        _pending.Write(head);
        _pending.Write(payload);
    }

    public async Task SendAsync(CancellationToken cancel)
    {
        var bytes = _pending.ToArray().AsMemory();
        _pending.SetLength(0);
        while (bytes.Length > 0)
        {
            bytes = bytes[await _socket.SendAsync(bytes, cancel)..];
        }
    }

    /// <summary>Sends batches until the peer ends the connection, which it must some time.</summary>
    /// <param name="addBatch">Adds the frames of a batch; told its number.</param>
    public async Task FloodUntilClosedAsync(Action<Http2Attacker, int> addBatch, CancellationToken cancel)
    {
        try
        {
            for (var batch = 0; ; batch++)
            {
                addBatch(this, batch);
                await SendAsync(cancel);
            }
        }
        catch (SocketException)
        {
            // Closed under a write, as a connection is that is not wanted any more.
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        _pending.Dispose();
    }
}
