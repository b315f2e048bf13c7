using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lateen.Proxy.Tests.Harness;

/// <summary>A server behind the proxy that does what the test says: by default it answers each request with 200 and a short body.</summary>
internal sealed class TestUpstream : IAsyncDisposable
{
    public const string Hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-type: text/plain\r\n\r\nhello";

    private readonly Socket _listener;
    private readonly Func<UpstreamPeer, Task> _serve;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Socket> _sockets = [];
    private readonly Task _accepting;
    private int _connections;

    private TestUpstream(Func<UpstreamPeer, Task> serve)
    {
        _serve = serve;
        _listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        Address = (IPEndPoint)_listener.LocalEndPoint!;
        _accepting = AcceptAsync();
    }

    public IPEndPoint Address { get; }

    /// <summary>Connections accepted so far.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>The heads of requests, in the order of arrival.</summary>
    public ConcurrentQueue<string> Heads { get; } = new();

    /// <summary>Answers every request with the same bytes.</summary>
    public static TestUpstream Answering(string response = Hello) => Answering(_ => response);

    /// <summary>Answers every request with what the function makes of its head.</summary>
    public static TestUpstream Answering(Func<string, string> response) => new(async peer =>
    {
        while (await peer.ReadRequestAsync() is { } request) await peer.SendAsync(response(request.Head));
    });

    /// <summary>Serves each connection as the test says.</summary>
    public static TestUpstream Serving(Func<UpstreamPeer, Task> serve) => new(serve);

    /// <summary>An address on loopback at which nobody listens.</summary>
    public static IPEndPoint NobodyThere()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }

    /// <summary>Closes the listening socket and all connections, with RST.</summary>
    public void Kill()
    {
        _listener.Dispose();
        foreach (var socket in _sockets)
        {
            socket.LingerState = new LingerOption(true, 0);
            socket.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        foreach (var socket in _sockets) socket.Dispose();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptAsync(_stop.Token);
                socket.NoDelay = true;
                _sockets.Add(socket);
                var number = Interlocked.Increment(ref _connections);
                _ = ServeAsync(new UpstreamPeer(socket, number, Heads, _stop.Token));
            }
        }
        catch (Exception ending) when (ending is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(UpstreamPeer peer)
    {
        try
        {
            await _serve(peer);
            peer.Close();
        }
        catch (Exception ending) when (ending is OperationCanceledException or SocketException or ObjectDisposedException or IOException)
        {
        }
    }
}

/// <summary>A request as the server got it.</summary>
internal sealed record UpstreamRequest(string Head, string Body);

/// <summary>One connection from the proxy, as the server sees it.</summary>
internal sealed class UpstreamPeer(Socket socket, int number, ConcurrentQueue<string> heads, CancellationToken stop)
{
    private readonly byte[] _buffer = new byte[64 * 1024];
    private byte[] _rest = [];

    /// <summary>1 for the first connection that the server accepted.</summary>
    public int Number { get; } = number;

    /// <summary>The next request with its content; null when the proxy closed the connection.</summary>
    public async Task<UpstreamRequest?> ReadRequestAsync()
    {
        if (await ReadHeadAsync() is not { } head) return null;
        var lower = head.ToLowerInvariant();
        if (lower.Contains("transfer-encoding: chunked"))
        {
            var body = new StringBuilder();
            while (true)
            {
                var size = Convert.ToInt32(await ReadLineAsync(), 16);
                if (size > 0) body.Append(await ReadExactlyAsync(size));
                var line = await ReadLineAsync();
                if (size > 0) continue;
                while (line.Length > 0)
                {
                    body.Append('|').Append(line);
                    line = await ReadLineAsync();
                }

                return new UpstreamRequest(head, body.ToString());
            }
        }

        var at = lower.IndexOf("content-length: ", StringComparison.Ordinal);
        if (at < 0) return new UpstreamRequest(head, "");
        var length = int.Parse(head.AsSpan(at + 16, head.IndexOf('\r', at) - at - 16));
        return new UpstreamRequest(head, await ReadExactlyAsync(length));
    }

    public async Task<string?> ReadHeadAsync()
    {
        int end;
        while ((end = _rest.AsSpan().IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (!await FillAsync()) return null;
        }

        var head = Encoding.Latin1.GetString(_rest.AsSpan(0, end + 4));
        _rest = _rest[(end + 4)..];
        heads.Enqueue(head);
        return head;
    }

    public async Task<string> ReadExactlyAsync(int count)
    {
        while (_rest.Length < count)
        {
            if (!await FillAsync()) throw new IOException("the proxy closed the connection in a body");
        }

        var text = Encoding.Latin1.GetString(_rest.AsSpan(0, count));
        _rest = _rest[count..];
        return text;
    }

    public async Task SendAsync(string bytes)
    {
        var data = Encoding.Latin1.GetBytes(bytes);
        var sent = 0;
        while (sent < data.Length) sent += await socket.SendAsync(data.AsMemory(sent), stop);
    }

    /// <summary>Waits until the proxy closes its side.</summary>
    public async Task WaitForCloseAsync()
    {
        try
        {
            while (await FillAsync())
            {
            }
        }
        catch (SocketException)
        {
            // A reset is a close as well.
        }
    }

    /// <summary>The proxy's end has arrived and nothing is left to read before it.</summary>
    public bool HasEnded => _rest.Length == 0 && socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0;

    public void Close() => socket.Dispose();

    /// <summary>The connection itself, for protocols that the framework speaks. Nothing may have been read before.</summary>
    public NetworkStream Stream() => new(socket);

    /// <summary>Ends this half; the client may go on.</summary>
    public void ShutdownSend() => socket.Shutdown(SocketShutdown.Send);

    public void Abort()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    private async Task<string> ReadLineAsync()
    {
        int end;
        while ((end = _rest.AsSpan().IndexOf("\r\n"u8)) < 0)
        {
            if (!await FillAsync()) throw new IOException("the proxy closed the connection in a line");
        }

        var line = Encoding.Latin1.GetString(_rest.AsSpan(0, end));
        _rest = _rest[(end + 2)..];
        return line;
    }

    private async Task<bool> FillAsync()
    {
        var count = await socket.ReceiveAsync(_buffer, stop);
        _rest = [.. _rest, .. _buffer.AsSpan(0, count)];
        return count > 0;
    }
}
