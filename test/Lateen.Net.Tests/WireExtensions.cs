using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;

namespace Lateen.Net.Tests;

/// <summary>Whole reads and writes over partial ones, on the reactor's thread.</summary>
internal static class WireExtensions
{
    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    internal static async ValueTask WriteAll(this TransportConnection connection, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var result = connection.Write(bytes.Span);
            if (result.Status == IoStatus.Failed)
                throw new IOException(result.ToString());
            bytes = bytes[result.Bytes..];
            if (!bytes.IsEmpty && !await connection.WritableAsync())
                throw new IOException("closed while writing");
        }
    }

    /// <summary>Reads once something can be read; the status tells what came.</summary>
    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder<>))]
    internal static async ValueTask<IoResult> ReadSome(this TransportConnection connection, Memory<byte> buffer)
    {
        while (true)
        {
            var result = connection.Read(buffer.Span);
            if (result.Status != IoStatus.WouldBlock)
                return result;
            if (!await connection.ReadableAsync())
                return IoResult.ClosedLocally;
        }
    }

    /// <summary>Sends back what arrives until the peer ends.</summary>
    internal static async ValueTask Echo(TransportConnection connection)
    {
        var buffer = new byte[4096];
        while (true)
        {
            var result = await connection.ReadSome(buffer);
            if (!result.IsOk)
                return;
            await connection.WriteAll(buffer.AsMemory(0, result.Bytes));
        }
    }

    internal static async Task<string> ReceiveText(this Socket socket, int bytes)
    {
        var buffer = new byte[bytes];
        var filled = 0;
        while (filled < bytes)
        {
            var count = await socket.ReceiveAsync(buffer.AsMemory(filled), TestContext.Current.CancellationToken).AsTask()
                .WaitAsync(TestReactor.Patience);
            if (count == 0)
                break;
            filled += count;
        }

        return Encoding.ASCII.GetString(buffer, 0, filled);
    }

    internal static async Task SendText(this Socket socket, string text) =>
        await socket.SendAsync(Encoding.ASCII.GetBytes(text), TestContext.Current.CancellationToken);

    /// <summary>Closes with RST.</summary>
    internal static void Reset(this Socket socket)
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }
}
