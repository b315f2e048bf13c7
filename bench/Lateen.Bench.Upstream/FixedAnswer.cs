using System.Runtime.CompilerServices;
using System.Text;
using Lateen.Net;

namespace Lateen.Bench.Upstream;

/// <summary>
/// Answers each request head with the same bytes. As little as a server can do, so that what a benchmark measures is the proxy before it.
/// Requests have no bodies; what follows a head's empty line is the next head.
/// </summary>
internal sealed class FixedAnswer(int bodyBytes)
{
    private readonly byte[] _answer = Encoding.ASCII.GetBytes(
        $"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {bodyBytes}\r\n\r\n{new string('x', bodyBytes)}");

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    internal async ValueTask ServeAsync(TransportConnection connection)
    {
        // How much of "\r\n\r\n" the bytes so far end with; the only thing that is remembered between reads.
        var matched = 0;
        while (await connection.ReadableAsync())
        {
            var buffer = connection.Reactor.Buffers.Rent(BufferSize.Small);
            var read = connection.Read(buffer.Span);
            var heads = read.IsOk ? CountHeads(buffer.Span[..read.Bytes], ref matched) : 0;
            buffer.Dispose();
            if (read.Status is IoStatus.EndOfStream or IoStatus.Failed)
                return;
            for (; heads > 0; heads--)
            {
                for (var sent = 0; sent < _answer.Length;)
                {
                    var result = connection.Write(_answer.AsSpan(sent));
                    if (result.Status == IoStatus.Failed)
                        return;
                    sent += result.Bytes;
                    if (sent < _answer.Length && !await connection.WritableAsync())
                        return;
                }
            }
        }
    }

    private static int CountHeads(ReadOnlySpan<byte> input, ref int matched)
    {
        if (matched == 0 && input.EndsWith("\r\n\r\n"u8) && input.IndexOf("\r\n\r\n"u8) == input.Length - 4)
            return 1;
        var heads = 0;
        foreach (var octet in input)
        {
            var expected = (matched & 1) == 0 ? (byte)'\r' : (byte)'\n';
            matched = octet == expected ? matched + 1 : octet == (byte)'\r' ? 1 : 0;
            if (matched == 4)
            {
                heads++;
                matched = 0;
            }
        }

        return heads;
    }
}
