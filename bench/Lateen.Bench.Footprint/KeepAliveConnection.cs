using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lateen.Bench.Footprint;

/// <summary>An answer: status, head as text, body.</summary>
internal sealed record Answer(int Status, string Head, byte[] Body)
{
    internal string? Header(string name)
    {
        int at = Head.IndexOf($"\r\n{name}:", StringComparison.OrdinalIgnoreCase);
        if (at < 0) return null;
        at += name.Length + 3;
        int end = Head.IndexOf("\r\n", at, StringComparison.Ordinal);
        return Head[at..(end < 0 ? Head.Length : end)].Trim();
    }
}

/// <summary>
/// One HTTP/1.1 connection on a blocking socket, nothing else in between: what is timed is the other side. Answers must have a length or be chunked.
/// </summary>
internal sealed class KeepAliveConnection : IDisposable
{
    private const int Patience = 30_000;

    private readonly Socket _socket;
    private byte[] _buffer;
    private int _held;

    private KeepAliveConnection(Socket socket, int bufferSize)
    {
        _socket = socket;
        _buffer = new byte[bufferSize];
    }

    /// <summary>Null while nobody listens.</summary>
    /// <param name="source">The client's address; the connections of many go over several.</param>
    /// <param name="bufferSize">First size of the receive buffer; it grows for longer answers.</param>
    internal static KeepAliveConnection? TryOpen(int port, IPAddress? source = null, int bufferSize = 16_384)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = Patience, SendTimeout = Patience };
        try
        {
            if (source is not null) socket.Bind(new IPEndPoint(source, 0));
            socket.Connect(IPAddress.Loopback, port);
            return new KeepAliveConnection(socket, bufferSize);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            socket.Dispose();
            return null;
        }
    }

    internal static KeepAliveConnection Open(int port) => TryOpen(port) ?? throw new InvalidOperationException($"nobody listens on port {port}");

    internal Answer Get(string path, string host)
    {
        Send($"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n", []);
        return Receive();
    }

    internal void SendJson(string path, byte[] body) =>
        Send($"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n", body);

    internal Answer Receive()
    {
        int end;
        while ((end = _buffer.AsSpan(0, _held).IndexOf("\r\n\r\n"u8)) < 0) Fill();
        string head = Encoding.Latin1.GetString(_buffer, 0, end);
        Drop(end + 4);
        var answer = new Answer(int.Parse(head.AsSpan(9, 3), CultureInfo.InvariantCulture), head, []);
        if (answer.Header("transfer-encoding") is not null) return answer with { Body = Chunks() };
        int length = answer.Header("content-length") is { } written ? int.Parse(written, CultureInfo.InvariantCulture) : 0;
        return answer with { Body = Take(length) };
    }

    public void Dispose() => _socket.Dispose();

    private byte[] Chunks()
    {
        var body = new List<byte>();
        while (true)
        {
            int end;
            while ((end = _buffer.AsSpan(0, _held).IndexOf("\r\n"u8)) < 0) Fill();
            int size = int.Parse(Encoding.ASCII.GetString(_buffer, 0, end), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            Drop(end + 2);
            body.AddRange(Take(size));
            Take(2);
            if (size == 0) return [.. body];
        }
    }

    private byte[] Take(int count)
    {
        while (_held < count) Fill();
        byte[] taken = _buffer[..count];
        Drop(count);
        return taken;
    }

    private void Drop(int count)
    {
        _buffer.AsSpan(count, _held - count).CopyTo(_buffer);
        _held -= count;
    }

    private void Fill()
    {
        if (_held == _buffer.Length) Array.Resize(ref _buffer, _buffer.Length * 2);
        int read = _socket.Receive(_buffer.AsSpan(_held));
        if (read == 0) throw new IOException("the other side closed the connection");
        _held += read;
    }

    private void Send(string head, byte[] body)
    {
        byte[] all = [.. Encoding.ASCII.GetBytes(head), .. body];
        int sent = 0;
        while (sent < all.Length) sent += _socket.Send(all.AsSpan(sent));
    }
}
