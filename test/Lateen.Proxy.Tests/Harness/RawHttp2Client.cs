using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lateen.Proxy.Tests.Harness;

/// <summary>An HTTP/2 frame as it came over the wire.</summary>
internal sealed record RawFrame(int Type, int Flags, int Stream, byte[] Payload)
{
    public const int Data = 0;
    public const int Headers = 1;
    public const int Reset = 3;
    public const int Settings = 4;
    public const int Ping = 6;
    public const int GoAway = 7;
    public const int WindowUpdate = 8;
    public const int EndStream = 1;
    public const int Ack = 1;
    public const int EndHeaders = 4;

    /// <summary>The error code of RST_STREAM or GOAWAY.</summary>
    public int Error => BinaryPrimitives.ReadInt32BigEndian(Payload.AsSpan(Type == GoAway ? 4 : 0));

    /// <summary>Which stream a GOAWAY names as the last.</summary>
    public int LastStream => BinaryPrimitives.ReadInt32BigEndian(Payload);

    public bool EndsStream => (Flags & EndStream) != 0 && Type is Data or Headers;
}

/// <summary>An HTTP/2 client that sends the frames that it is told to, legal or not, and shows what comes back.</summary>
internal sealed class RawHttp2Client : IDisposable
{
    private readonly Socket _socket;
    private readonly byte[] _header = new byte[9];

    private RawHttp2Client(Socket socket) => _socket = socket;

    /// <summary>Connects, sends preface and SETTINGS, and takes the server's.</summary>
    public static async Task<RawHttp2Client> ConnectAsync(IPEndPoint address, params (int Id, int Value)[] settings)
    {
        var client = await OpenAsync(address);
        await client.SendBytesAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
        var payload = new byte[settings.Length * 6];
        for (var i = 0; i < settings.Length; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(i * 6), (ushort)settings[i].Id);
            BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan((i * 6) + 2), settings[i].Value);
        }

        await client.SendAsync(RawFrame.Settings, 0, 0, payload);
        return client;
    }

    /// <summary>Connects and sends nothing.</summary>
    public static async Task<RawHttp2Client> OpenAsync(IPEndPoint address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address, TestContext.Current.CancellationToken);
        return new RawHttp2Client(socket);
    }

    public static byte[] Frame(int type, int flags, int stream, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[9 + payload.Length];
        frame[0] = (byte)(payload.Length >> 16);
        frame[1] = (byte)(payload.Length >> 8);
        frame[2] = (byte)payload.Length;
        frame[3] = (byte)type;
        frame[4] = (byte)flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }

    /// <summary>A HEADERS frame with a GET, from the static table and one literal.</summary>
    public static byte[] Get(int stream, bool endStream = true, string method = "\u0082")
    {
        byte[] block = [(byte)method[0], 0x86, 0x84, 0x41, 4, .. "shop"u8];
        return Frame(RawFrame.Headers, RawFrame.EndHeaders | (endStream ? RawFrame.EndStream : 0), stream, block);
    }

    /// <summary>A HEADERS frame with a POST whose content follows.</summary>
    public static byte[] Post(int stream) => Get(stream, endStream: false, method: "\u0083");

    public Task SendAsync(int type, int flags, int stream, byte[] payload) => SendBytesAsync(Frame(type, flags, stream, payload));

    public Task ResetAsync(int stream) => SendAsync(RawFrame.Reset, 0, stream, [0, 0, 0, 8]);

    public async Task SendBytesAsync(params byte[][] frames)
    {
        var bytes = frames.SelectMany(static frame => frame).ToArray();
        for (var sent = 0; sent < bytes.Length;) sent += await _socket.SendAsync(bytes.AsMemory(sent), TestContext.Current.CancellationToken);
    }

    /// <summary>The next frame; null at the end of the connection, however it came.</summary>
    public async Task<RawFrame?> ReadAsync()
    {
        if (!await FillAsync(_header)) return null;
        var payload = new byte[(_header[0] << 16) | (_header[1] << 8) | _header[2]];
        if (!await FillAsync(payload)) return null;
        return new RawFrame(_header[3], _header[4], BinaryPrimitives.ReadInt32BigEndian(_header.AsSpan(5)), payload);
    }

    /// <summary>The next frame that satisfies the condition; others are dropped.</summary>
    public async Task<RawFrame> ReadAsync(Func<RawFrame, bool> condition)
    {
        while (await ReadAsync() is { } frame)
        {
            if (condition(frame)) return frame;
        }

        throw new IOException("the connection ended before the frame came");
    }

    /// <summary>Reads up to the end of the connection.</summary>
    public async Task<List<RawFrame>> ReadToEndAsync()
    {
        var frames = new List<RawFrame>();
        while (await ReadAsync() is { } frame) frames.Add(frame);
        return frames;
    }

    /// <summary>All content of a stream.</summary>
    public async Task<string> ReadContentAsync(int stream)
    {
        var content = new StringBuilder();
        while (true)
        {
            var frame = await ReadAsync(one => one.Stream == stream);
            if (frame.Type == RawFrame.Reset) throw new IOException($"stream {stream} was reset with {frame.Error}");
            if (frame.Type == RawFrame.Data) content.Append(Encoding.Latin1.GetString(frame.Payload));
            if (frame.EndsStream) return content.ToString();
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task<bool> FillAsync(byte[] buffer)
    {
        try
        {
            for (var count = 0; count < buffer.Length;)
            {
                var read = await _socket.ReceiveAsync(buffer.AsMemory(count), TestContext.Current.CancellationToken);
                if (read == 0) return false;
                count += read;
            }

            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
