using System.Buffers;
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Connections;

namespace Bookshop;

/// <summary>
/// Stands in for Redis on a machine that has none: PING, INCR and GET of RESP, in memory. Not HTTP and not TLS; to the mesh it is bytes.
/// A command is an array of strings, <c>*2\r\n$4\r\nINCR\r\n$8\r\nvisits:0\r\n</c>.
/// </summary>
internal sealed class Counter : ConnectionHandler
{
    private const int MostArguments = 16;
    private const int MostArgumentBytes = 1024;

    private const int MostKeys = 10_000;

    private static readonly ConcurrentDictionary<string, long> Counts = new();

    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        var (input, output) = (connection.Transport.Input, connection.Transport.Output);
        while (true)
        {
            var read = await input.ReadAsync();
            var rest = read.Buffer;
            while (TryTakeCommand(ref rest, out var command, out var isMalformed))
            {
                await output.WriteAsync(Encoding.ASCII.GetBytes(Answer(command)));
                if (isMalformed)
                {
                    return;
                }
            }

            input.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    private static string Answer(string[] command) => command switch
    {
        ["PING"] => "+PONG\r\n",
        ["INCR", var key] when Counts.Count < MostKeys || Counts.ContainsKey(key) => $":{Counts.AddOrUpdate(key, 1, (_, count) => count + 1)}\r\n",
        ["INCR", _] => "-ERR too many keys\r\n",
        ["GET", var key] when Counts.TryGetValue(key, out var count) => $"${count.ToString().Length}\r\n{count}\r\n",
        ["GET", _] => "$-1\r\n",
        [] => "-ERR protocol error\r\n",
        _ => $"-ERR unknown command '{command[0]}'\r\n",
    };

    /// <summary>Takes one whole command off <paramref name="input"/>. A malformed one reads as an empty command, after which nothing can be trusted.</summary>
    private static bool TryTakeCommand(ref ReadOnlySequence<byte> input, out string[] command, out bool isMalformed)
    {
        command = [];
        isMalformed = false;
        var reader = new SequenceReader<byte>(input);
        if (!TryReadNumber(ref reader, (byte)'*', MostArguments, out var count, out isMalformed))
        {
            return isMalformed;
        }

        var words = new string[count];
        for (var i = 0; i < count; i++)
        {
            if (!TryReadNumber(ref reader, (byte)'$', MostArgumentBytes, out var length, out isMalformed))
            {
                return isMalformed;
            }

            if (!reader.TryReadExact(length + 2, out var word))
            {
                return false;
            }

            words[i] = Encoding.ASCII.GetString(word.Slice(0, length));
        }

        if (count > 0)
        {
            words[0] = words[0].ToUpperInvariant();
        }

        command = words;
        input = input.Slice(reader.Position);
        return true;
    }

    private static bool TryReadNumber(ref SequenceReader<byte> reader, byte kind, int most, out int number, out bool isMalformed)
    {
        number = 0;
        isMalformed = false;
        if (!reader.TryReadTo(out ReadOnlySpan<byte> line, "\r\n"u8))
        {
            isMalformed = reader.Remaining > MostArgumentBytes;
            return false;
        }

        isMalformed = line.Length < 2 || line[0] != kind || !Utf8Parser.TryParse(line[1..], out number, out var used) || used != line.Length - 1 || number < 0 || number > most;
        return !isMalformed;
    }
}
