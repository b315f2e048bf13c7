using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Lateen.Testing;

/// <summary>
/// A client of HTTP/2 that keeps to no rule: writes the frames that a test wants (RFC 9113 section 4.1: length 24 bits, type, flags, stream), reads what comes
/// back, and goes on until the other side ends the connection.
/// </summary>
public sealed class Http2Attacker : IAsyncDisposable
{
    public const byte Data = 0, Headers = 1, Priority = 2, Reset = 3, Settings = 4, Ping = 6, GoAway = 7, WindowUpdate = 8, Continuation = 9, Unknown = 0xbe;

    public const byte EndStream = 1, EndHeaders = 4;

    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly Http2Flood _flood;
    private readonly MemoryStream _pending = new();
    private readonly SemaphoreSlim _writing = new(1);
    private Task _reading = Task.CompletedTask;

    private Http2Attacker(Socket socket, Stream stream, Http2Flood flood)
    {
        _socket = socket;
        _stream = stream;
        _flood = flood;
    }

    /// <summary>GET / for a host, and POST /sink: indexed fields and literals that are not indexed (RFC 7541 section 6).</summary>
    public static byte[] Get(string path = "/") => [0x82, 0x86, .. Literal(4, path), .. Literal(1, "web.example")];

    public static byte[] Post => [0x83, 0x86, .. Literal(4, "/sink"), .. Literal(1, "web.example")];

    /// <summary>A literal field with an indexed name, not added to the table.</summary>
    public static byte[] Literal(byte nameIndex, string value) => [nameIndex, (byte)value.Length, .. Encoding.ASCII.GetBytes(value)];

    /// <summary>A SETTINGS payload of one entry.</summary>
    public static byte[] Setting(byte identifier, int value)
    {
        byte[] entry = [0, identifier, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(entry.AsSpan(2), value);
        return entry;
    }

    /// <summary>Connects and says the preface with the flood's SETTINGS.</summary>
    /// <param name="tls">Null: in the clear, with prior knowledge; else HTTP/2 is agreed on by ALPN.</param>
    public static async Task<Http2Attacker> ConnectAsync(int port, Http2Flood flood, SslClientAuthenticationOptions? tls, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port, cancel);
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        if (tls is not null)
        {
            tls.ApplicationProtocols = [SslApplicationProtocol.Http2];
            var encrypted = new SslStream(stream);
            await encrypted.AuthenticateAsClientAsync(tls, cancel);
            if (encrypted.NegotiatedApplicationProtocol != SslApplicationProtocol.Http2) throw new InvalidOperationException("the server has not agreed to HTTP/2");
            stream = encrypted;
        }

        var attacker = new Http2Attacker(socket, stream, flood);
        attacker._pending.Write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        attacker.Add(Settings, 0, 0, flood.Settings);
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

    /// <summary>Floods until the peer ends the connection, which it must some time: batch after batch, or answer by answer where the flood has those.</summary>
    public async Task FloodUntilClosedAsync(CancellationToken cancel)
    {
        _reading = ReadAsync(cancel);
        try
        {
            for (var batch = 0; ; batch++)
            {
                await SendAsync(() => _flood.AddBatch(this, batch), cancel);
                if (!_flood.IsOfOneBatch) continue;
                await _reading;
                return;
            }
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            // Closed under a write, as a connection is that is not wanted any more.
        }
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Close();
        try
        {
            await _reading;
        }
        catch (OperationCanceledException)
        {
            // The test has had enough.
        }

        await _stream.DisposeAsync();
        _pending.Dispose();
        _writing.Dispose();
    }

    private async Task SendAsync(Action add, CancellationToken cancel)
    {
        await _writing.WaitAsync(cancel);
        try
        {
            add();
            var bytes = _pending.ToArray();
            _pending.SetLength(0);
            await _stream.WriteAsync(bytes, cancel);
            await _stream.FlushAsync(cancel);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Reads to the end of the connection, so that what is provoked has somewhere to go, and answers what the flood wants answered.</summary>
    private async Task ReadAsync(CancellationToken cancel)
    {
        var head = new byte[9];
        var payload = new byte[64 * 1024];
        try
        {
            while (true)
            {
                await _stream.ReadExactlyAsync(head, cancel);
                await _stream.ReadExactlyAsync(payload.AsMemory(0, BinaryPrimitives.ReadInt32BigEndian(head) >>> 8), cancel);
                if (_flood.Answer is { } answer)
                {
                    await SendAsync(() => answer(this, head[3], head[4]), cancel);
                }
            }
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
            // The end of the connection, however it came.
        }
    }
}
