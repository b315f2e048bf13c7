using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Bookshop;

/// <summary>
/// How often each page was opened, kept in Redis. Speaks just enough of its protocol (RESP: a command is an array of strings, a number comes
/// back as <c>:17\r\n</c>) over one connection that is opened again when it fails. One question at a time; a page does not wait longer than a second.
/// </summary>
internal sealed class Visits(DnsEndPoint address) : IDisposable
{
    private const int MostReplyBytes = 512;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _turn = new(1);
    private Socket? _socket;

    /// <summary>Counts a visit and says how many there were; null when the counter could not be had, with the reason.</summary>
    public async Task<(long? Count, string? Failure)> CountAsync(int bookId)
    {
        using var patience = new CancellationTokenSource(Patience);
        var held = false;
        try
        {
            await _turn.WaitAsync(patience.Token);
            held = true;
            _socket ??= await ConnectAsync(patience.Token);
            var key = $"visits:{bookId}";
            await _socket.SendAsync(Encoding.ASCII.GetBytes($"*2\r\n$4\r\nINCR\r\n${key.Length}\r\n{key}\r\n"), patience.Token);
            return (await ReadNumberAsync(_socket, patience.Token), null);
        }
        catch (Exception failure) when (failure is SocketException or OperationCanceledException or InvalidDataException)
        {
            if (held)
            {
                _socket?.Dispose();
                _socket = null;
            }

            return (null, failure is SocketException error ? error.SocketErrorCode.ToString() : failure is InvalidDataException ? failure.Message : "timed out");
        }
        finally
        {
            if (held)
            {
                _turn.Release();
            }
        }
    }

    public void Dispose()
    {
        _socket?.Dispose();
        _turn.Dispose();
    }

    private async Task<Socket> ConnectAsync(CancellationToken cancel)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, cancel);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<long> ReadNumberAsync(Socket socket, CancellationToken cancel)
    {
        var reply = new byte[MostReplyBytes];
        for (var length = 0; length < reply.Length;)
        {
            var received = await socket.ReceiveAsync(reply.AsMemory(length), cancel);
            if (received == 0)
            {
                throw new InvalidDataException("connection closed");
            }

            length += received;
            if (reply.AsSpan(0, length).EndsWith("\r\n"u8))
            {
                return reply[0] == ':' && Utf8Parser.TryParse(reply.AsSpan(1), out long number, out _)
                    ? number
                    : throw new InvalidDataException(Encoding.ASCII.GetString(reply, 0, length).Trim());
            }
        }

        throw new InvalidDataException("not a number");
    }
}
