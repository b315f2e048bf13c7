using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Lateen.Net.Tests;

/// <summary>Bytes that go from socket to socket by way of a pipe in the kernel.</summary>
public sealed class SpliceTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Spliced_bytes_arrive_unchanged_and_the_end_is_reported()
    {
        await using var reactor = new Reactor();
        reactor.Start();
        var (source, from) = await PairAsync(reactor);
        var (sink, to) = await PairAsync(reactor);
        var sent = RandomNumberGenerator.GetBytes(2_000_000);
        var sending = Task.Run(async () =>
        {
            await source.SendAsync(sent, Cancel);
            source.Shutdown(SocketShutdown.Send);
        }, Cancel);
        var moving = reactor.InvokeAsync(async () =>
        {
            var pipe = reactor.SplicePipes.TryRent();
            Assert.NotNull(pipe);
            while (true)
            {
                var result = from.SpliceInto(pipe);
                if (result.Status == IoStatus.WouldBlock)
                {
                    await from.ReadableAsync();
                    continue;
                }

                if (result.Status == IoStatus.EndOfStream) break;
                Assert.True(result.IsOk);
                while (pipe.Buffered > 0)
                {
                    if (to.SpliceFrom(pipe).Status == IoStatus.WouldBlock) await to.WritableAsync();
                }
            }

            reactor.SplicePipes.Return(pipe);
            Assert.Equal(0, reactor.SplicePipes.RentedCount);
            to.ShutdownWrite();
            Assert.Equal((sent.Length, sent.Length), ((int)from.BytesRead, (int)to.BytesWritten));
        });
        var received = new byte[sent.Length + 1];
        var total = 0;
        int count;
        while ((count = await sink.ReceiveAsync(received.AsMemory(total), Cancel)) > 0) total += count;
        await moving;
        await sending;

        Assert.True(sent.AsSpan().SequenceEqual(received.AsSpan(0, total)));
        source.Dispose();
        sink.Dispose();
    }

    [Fact]
    public async Task A_peer_that_went_away_is_a_value_and_not_a_signal()
    {
        await using var reactor = new Reactor();
        reactor.Start();
        var (source, from) = await PairAsync(reactor);
        var (sink, to) = await PairAsync(reactor);
        sink.LingerState = new LingerOption(true, 0);
        sink.Dispose();
        await source.SendAsync(new byte[1000], Cancel);
        var last = await reactor.InvokeAsync(async () =>
        {
            await to.ReadableAsync();
            await from.ReadableAsync();
            var pipe = reactor.SplicePipes.TryRent()!;
            Assert.True(from.SpliceInto(pipe).IsOk);
            var result = to.SpliceFrom(pipe);
            reactor.SplicePipes.Return(pipe);
            return result;
        });

        Assert.Equal((IoStatus.Failed, TransportError.ConnectionReset), (last.Status, last.Error));
        source.Dispose();
    }

    private static async Task<(Socket Peer, TransportConnection Connection)> PairAsync(Reactor reactor)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var result = await reactor.InvokeAsync(() => TransportConnector.ConnectAsync(reactor, listener.LocalEndPoint!, ConnectOptions.Default));
        Assert.True(result.IsConnected);
        return (await listener.AcceptAsync(Cancel), result.Connection);
    }
}
