using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;
using Lateen.Net;

namespace Lateen.Bench.Upstream;

/// <summary>
/// A source and a sink of bytes for the scenarios that move many. The first octets of a connection say what it is:
/// <c>D</c> is sent bytes until it closes, <c>U</c> is read until it closes; <c>GET /.../N</c> is answered with a body of N bytes and
/// <c>PUT</c> with an empty one after its body (sized, not chunked) was read; HTTP connections go on to their next request.
/// </summary>
internal static class BulkServer
{
    private const int ChunkBytes = 256 * 1024;
    private const int HeadBytes = 4096;

    private static readonly byte[] Chunk = new byte[ChunkBytes];
    private static readonly byte[] Stored = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    internal static async ValueTask ServeAsync(TransportConnection connection)
    {
        // The bench has a handful of connections at a time: each may have a buffer of its own.
        var buffer = new byte[ChunkBytes];
        var held = 0;
        while (true)
        {
            if (!await connection.ReadableAsync()) return;
            var read = connection.Read(buffer.AsSpan(held, Math.Min(buffer.Length, HeadBytes) - held));
            if (read.Status is IoStatus.EndOfStream or IoStatus.Failed) return;
            held += read.Bytes;
            if (held == 0) continue;
            switch (buffer[0])
            {
                case (byte)'D':
                    await SendAsync(connection, long.MaxValue);
                    return;
                case (byte)'U':
                    await DiscardAsync(connection, buffer, long.MaxValue);
                    return;
            }

            var end = buffer.AsSpan(0, held).IndexOf("\r\n\r\n"u8);
            if (end < 0)
            {
                if (held == HeadBytes) return;
                continue;
            }

            var isUpload = buffer[0] == (byte)'P';
            var size = isUpload ? ContentLength(buffer.AsSpan(0, end)) : LastNumberOfPath(buffer.AsSpan(0, end));
            var body = held - (end + 4);
            held = 0;
            var goesOn = isUpload
                ? await DiscardAsync(connection, buffer, size - body) && await WriteAsync(connection, Stored)
                : await WriteAsync(connection, Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")) && await SendAsync(connection, size);
            if (!goesOn) return;
        }
    }

    private static long ContentLength(ReadOnlySpan<byte> head)
    {
        var text = Encoding.ASCII.GetString(head);
        var at = text.IndexOf("\r\ncontent-length:", StringComparison.OrdinalIgnoreCase);
        return at >= 0 && Utf8Parser.TryParse(head[(at + 17)..].TrimStart((byte)' '), out long size, out _) ? size : 0;
    }

    private static long LastNumberOfPath(ReadOnlySpan<byte> head)
    {
        var path = head[..head.IndexOf(" HTTP/"u8)];
        return Utf8Parser.TryParse(path[(path.LastIndexOf((byte)'/') + 1)..], out long size, out _) ? size : 0;
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder<>))]
    private static async ValueTask<bool> SendAsync(TransportConnection connection, long bytes)
    {
        while (bytes > 0)
        {
            var result = connection.Write(Chunk.AsSpan(0, (int)Math.Min(ChunkBytes, bytes)));
            if (result.Status == IoStatus.Failed) return false;
            bytes -= result.Bytes;
            if (result.Status == IoStatus.WouldBlock && !await connection.WritableAsync()) return false;
        }

        return true;
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder<>))]
    private static async ValueTask<bool> WriteAsync(TransportConnection connection, byte[] bytes)
    {
        for (var sent = 0; sent < bytes.Length;)
        {
            var result = connection.Write(bytes.AsSpan(sent));
            if (result.Status == IoStatus.Failed) return false;
            sent += result.Bytes;
            if (sent < bytes.Length && !await connection.WritableAsync()) return false;
        }

        return true;
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder<>))]
    private static async ValueTask<bool> DiscardAsync(TransportConnection connection, byte[] buffer, long bytes)
    {
        while (bytes > 0)
        {
            var read = connection.Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, bytes)));
            if (read.Status is IoStatus.EndOfStream or IoStatus.Failed) return false;
            bytes -= read.Bytes;
            if (read.Status == IoStatus.WouldBlock && !await connection.ReadableAsync()) return false;
        }

        return true;
    }
}
