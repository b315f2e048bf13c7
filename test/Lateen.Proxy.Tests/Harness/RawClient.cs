using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lateen.Proxy.Tests.Harness;

/// <summary>A client that sends the bytes that it is told to and shows the bytes that it gets.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly MemoryStream _unread = new();
    private byte[] _rest = [];

    private RawClient(Socket socket) => _socket = socket;

    public int LocalPort => ((IPEndPoint)_socket.LocalEndPoint!).Port;

    public static async Task<RawClient> ConnectAsync(IPEndPoint address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address, TestContext.Current.CancellationToken);
        return new RawClient(socket);
    }

    /// <summary>One request on one connection.</summary>
    public static async Task<RawResponse> ExchangeAsync(IPEndPoint address, string request)
    {
        using var client = await ConnectAsync(address);
        await client.SendAsync(request);
        return await client.ReadResponseAsync(isHead: request.StartsWith("HEAD", StringComparison.Ordinal));
    }

    public Task SendAsync(string bytes) => SendAsync(Encoding.Latin1.GetBytes(bytes));

    public async Task SendAsync(byte[] bytes)
    {
        var sent = 0;
        while (sent < bytes.Length) sent += await _socket.SendAsync(bytes.AsMemory(sent), TestContext.Current.CancellationToken);
    }

    public void ShutdownSend() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Closes with RST.</summary>
    public void Abort()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
    }

    /// <summary>The next response, by its framing.</summary>
    public async Task<RawResponse> ReadResponseAsync(bool isHead = false)
    {
        int end;
        while ((end = _rest.AsSpan().IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (!await FillAsync()) throw new IOException($"the connection ended in a head: '{Encoding.Latin1.GetString(_rest)}'");
        }

        var head = Encoding.Latin1.GetString(_rest.AsSpan(0, end + 4));
        _rest = _rest[(end + 4)..];
        var response = new RawResponse(head);
        if (isHead || response.Status is 204 or 304 or < 200) return response;
        if (response.Header("transfer-encoding") == "chunked")
        {
            var body = new StringBuilder();
            while (true)
            {
                var size = Convert.ToInt32(await ReadLineAsync(), 16);
                if (size == 0) break;
                body.Append(await ReadExactlyAsync(size));
                await ReadLineAsync();
            }

            var trailers = new List<string>();
            for (var line = await ReadLineAsync(); line.Length > 0; line = await ReadLineAsync()) trailers.Add(line);
            return response with { Body = body.ToString(), Trailers = trailers };
        }

        if (response.Header("content-length") is { } length) return response with { Body = await ReadExactlyAsync(int.Parse(length)) };
        return response with { Body = await ReadToEndAsync() };
    }

    /// <summary>Everything up to the peer's end; <c>RST</c> at the end of the text when it was reset.</summary>
    public async Task<string> ReadToEndAsync()
    {
        try
        {
            while (await FillAsync())
            {
            }
        }
        catch (SocketException)
        {
            return Encoding.Latin1.GetString(_rest) + "RST";
        }

        var text = Encoding.Latin1.GetString(_rest);
        _rest = [];
        return text;
    }

    /// <summary>At least so many bytes, or what there is at the end.</summary>
    public async Task<string> ReadAtLeastAsync(int count)
    {
        while (_rest.Length < count && await FillAsync())
        {
        }

        var text = Encoding.Latin1.GetString(_rest);
        _rest = [];
        return text;
    }

    public void Dispose()
    {
        _socket.Dispose();
        _unread.Dispose();
    }

    private async Task<string> ReadLineAsync()
    {
        int end;
        while ((end = _rest.AsSpan().IndexOf("\r\n"u8)) < 0)
        {
            if (!await FillAsync()) throw new IOException("the connection ended in a line");
        }

        var line = Encoding.Latin1.GetString(_rest.AsSpan(0, end));
        _rest = _rest[(end + 2)..];
        return line;
    }

    private async Task<string> ReadExactlyAsync(int count)
    {
        while (_rest.Length < count)
        {
            if (!await FillAsync()) throw new IOException($"the connection ended {count - _rest.Length} bytes before its content did");
        }

        var text = Encoding.Latin1.GetString(_rest.AsSpan(0, count));
        _rest = _rest[count..];
        return text;
    }

    private async Task<bool> FillAsync()
    {
        var count = await _socket.ReceiveAsync(_buffer, TestContext.Current.CancellationToken);
        _rest = [.. _rest, .. _buffer.AsSpan(0, count)];
        return count > 0;
    }
}

/// <summary>A response as it came over the wire.</summary>
internal sealed record RawResponse(string Head)
{
    public string Body { get; init; } = "";

    public IReadOnlyList<string> Trailers { get; init; } = [];

    public int Status => int.Parse(Head.AsSpan(9, 3));

    public bool KeepsAlive => Header("connection") != "close";

    /// <summary>The value of a header; null when it is absent. Several are joined by a bar.</summary>
    public string? Header(string name)
    {
        var values = Head.Split("\r\n").Skip(1).Where(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))
            .Select(line => line[(name.Length + 1)..].Trim()).ToList();
        return values.Count == 0 ? null : string.Join('|', values);
    }
}
