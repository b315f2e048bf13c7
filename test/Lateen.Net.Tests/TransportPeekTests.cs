using System.Net.Sockets;
using System.Text;

namespace Lateen.Net.Tests;

/// <summary>Looking at what has arrived without taking it, and waiting for more of it.</summary>
public sealed class TransportPeekTests
{
    [Fact]
    public async Task Peeked_bytes_are_read_afterwards()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var owned = client;
        await client.SendText("hello");
        await test.Run(async () =>
        {
            Assert.True(server.CanPeek);
            Assert.True(await server.MoreToPeekAsync());
            var buffer = new byte[16];
            Assert.Equal(5, server.Peek(buffer).Bytes);
            Assert.Equal(5, server.Peek(buffer).Bytes);
            Assert.Equal(2, server.Peek(buffer.AsSpan(0, 2)).Bytes);
            Assert.Equal(0, server.BytesRead);
            // Whoever takes over waits for readability first; what was seen counts as readable.
            Assert.True(await server.ReadableAsync());
            Assert.Equal(5, server.Read(buffer).Bytes);
            Assert.Equal("hello", Encoding.ASCII.GetString(buffer, 0, 5));
            Assert.Equal(IoStatus.WouldBlock, server.Peek(buffer).Status);
            server.Dispose();
        });
    }

    [Fact]
    public async Task Wait_for_more_sleeps_until_more_comes()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var owned = client;
        const string text = "a greeting that comes letter by letter";
        var peeking = test.Run(async () =>
        {
            var buffer = new byte[64];
            var seen = 0;
            var rounds = 0;
            while (seen < text.Length)
            {
                Assert.True(await server.MoreToPeekAsync());
                seen = Math.Max(seen, server.Peek(buffer).Bytes);
                rounds++;
            }

            return rounds;
        });
        foreach (var letter in text)
            await client.SendText(letter.ToString());
        Assert.InRange(await peeking, 1, text.Length + 1);
        var (turns, isPending) = await test.Run(async () =>
        {
            var wait = server.MoreToPeekAsync();
            var before = test.Reactor.Counters.TurnCount;
            // Turns pass; the wait does not spin through them.
            await Task.Yield();
            await Task.Yield();
            var isWaiting = !wait.IsCompleted;
            server.InterruptReadable();
            Assert.False(await wait);
            return (test.Reactor.Counters.TurnCount - before, isWaiting);
        });
        Assert.True(isPending);
        Assert.InRange(turns, 1, 10);
        Assert.Equal(text, await test.Run(() =>
        {
            var buffer = new byte[64];
            var count = server.Read(buffer).Bytes;
            server.Dispose();
            return Encoding.ASCII.GetString(buffer, 0, count);
        }));
    }

    [Fact]
    public async Task End_wakes_the_wait_for_more_though_the_bytes_are_the_same()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var owned = client;
        await client.SendText("ab");
        await test.Run(async () =>
        {
            var buffer = new byte[8];
            Assert.True(await server.MoreToPeekAsync());
            Assert.Equal(2, server.Peek(buffer).Bytes);
            var wait = server.MoreToPeekAsync();
            client.Shutdown(SocketShutdown.Send);
            Assert.True(await wait);
            Assert.True(server.IsPeerClosed);
            Assert.Equal(2, server.Peek(buffer).Bytes);
            Assert.Equal(2, server.Read(buffer).Bytes);
            Assert.Equal(IoStatus.EndOfStream, server.Peek(buffer).Status);
            Assert.Equal(IoStatus.EndOfStream, server.Read(buffer).Status);
            server.Dispose();
            Assert.Equal(TransportError.ClosedLocally, server.Peek(buffer).Error);
        });
    }

    [Fact]
    public async Task Full_buffer_does_not_wait_for_more()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var owned = client;
        await client.SendText("abcd");
        await test.Run(async () =>
        {
            Assert.True(await server.MoreToPeekAsync());
            Assert.Equal(4, server.Peek(new byte[4]).Bytes);
            Assert.True(await server.MoreToPeekAsync());
            server.Dispose();
        });
    }
}
