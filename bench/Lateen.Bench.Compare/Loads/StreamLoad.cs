using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Lateen.Bench.Compare.Loads;

/// <summary>What each stream does with its connection until the time is up; adds to its count as it goes.</summary>
internal delegate void StreamWork(Socket socket, byte[] buffer, StreamClock clock);

/// <summary>One stream's end and its count of bytes.</summary>
internal sealed class StreamClock(long stopAt)
{
    internal long Bytes { get; set; }

    internal bool IsOver => Stopwatch.GetTimestamp() >= stopAt;
}

/// <summary>Large transfers: a thread with a blocking socket for each stream, which is the least that a client can cost.</summary>
internal static class StreamLoad
{
    private const int Streams = 4;
    private const int BodyBytes = 16 << 20;
    private const int BufferBytes = 256 * 1024;
    private const double BytesPerUnit = 1 << 20;

    /// <summary>Asks the server behind a relay for bytes and takes them.</summary>
    internal static void Relay(Socket socket, byte[] buffer, StreamClock clock)
    {
        SendAll(socket, "D"u8);
        while (!clock.IsOver)
            clock.Bytes += Receive(socket, buffer);
    }

    /// <summary>GET after GET.</summary>
    internal static void Download(Socket socket, byte[] buffer, StreamClock clock)
    {
        var request = Encoding.ASCII.GetBytes($"GET /catalog/{BodyBytes} HTTP/1.1\r\nHost: shop.bench.example\r\n\r\n");
        while (!clock.IsOver)
        {
            SendAll(socket, request);
            for (var left = ReadHead(socket, buffer, clock, BodyBytes); left > 0;)
            {
                var received = Receive(socket, buffer);
                clock.Bytes += received;
                left -= received;
            }
        }
    }

    /// <summary>PUT after PUT.</summary>
    internal static void Upload(Socket socket, byte[] buffer, StreamClock clock)
    {
        var head = Encoding.ASCII.GetBytes($"PUT /catalog/books HTTP/1.1\r\nHost: shop.bench.example\r\nContent-Length: {BodyBytes}\r\n\r\n");
        while (!clock.IsOver)
        {
            SendAll(socket, head);
            for (var left = BodyBytes; left > 0; left -= BufferBytes)
            {
                SendAll(socket, buffer.AsSpan(0, Math.Min(left, BufferBytes)));
                clock.Bytes += Math.Min(left, BufferBytes);
            }

            var answer = new byte[4096];
            ReadHead(socket, answer, clock, 0);
        }
    }

    internal static async Task<Measurement> MeasureAsync(Contender contender, CompareOptions options, StreamWork work)
    {
        var before = ProcessFigures.Cpu(contender.Pid);
        var started = Stopwatch.GetTimestamp();
        var stopAt = started + (long)(options.Seconds * Stopwatch.Frequency);
        var streams = Enumerable.Range(0, Streams).Select(_ => RunAsync(contender, work, new StreamClock(stopAt))).ToList();
        var units = (await Task.WhenAll(streams)).Sum() / BytesPerUnit;
        var elapsed = Stopwatch.GetElapsedTime(started);
        var spent = ProcessFigures.Cpu(contender.Pid) - before;
        return new Measurement(spent.UserMicroseconds / units, spent.SystemMicroseconds / units, units / elapsed.TotalSeconds);
    }

    private static Task<long> RunAsync(Contender contender, StreamWork work, StreamClock clock) => Task.Factory.StartNew(
        () =>
        {
            try
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 10_000, SendTimeout = 10_000 };
                socket.Connect(contender.Address);
                work(socket, new byte[BufferBytes], clock);
                return clock.Bytes;
            }
            catch (SocketException failure)
            {
                throw new InvalidOperationException($"{contender.Name} broke a stream after {clock.Bytes} bytes: {failure.Message}", failure);
            }
        },
        TaskCreationOptions.LongRunning);

    /// <summary>Reads an answer's head; returns what is left of its body, which must have the size that was asked for.</summary>
    private static long ReadHead(Socket socket, byte[] buffer, StreamClock clock, long expected)
    {
        var held = 0;
        int end;
        while ((end = buffer.AsSpan(0, held).IndexOf("\r\n\r\n"u8)) < 0)
            held += Receive(socket, buffer.AsSpan(held));
        var head = Encoding.ASCII.GetString(buffer, 0, end + 2);
        var length = head.IndexOf("\r\ncontent-length: ", StringComparison.OrdinalIgnoreCase) is var at and >= 0
            ? long.Parse(head.AsSpan(at + 18, head.IndexOf('\r', at + 18) - at - 18), CultureInfo.InvariantCulture)
            : -1;
        if (!head.StartsWith("HTTP/1.1 200", StringComparison.Ordinal) || length != expected)
            throw new InvalidOperationException($"An answer of {expected} bytes was wanted; this came:\n{head}");
        var body = held - end - 4;
        clock.Bytes += body;
        return length - body;
    }

    private static int Receive(Socket socket, Span<byte> buffer)
    {
        var received = socket.Receive(buffer);
        return received > 0 ? received : throw new SocketException((int)SocketError.ConnectionReset);
    }

    private static void SendAll(Socket socket, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[socket.Send(bytes)..];
    }
}
