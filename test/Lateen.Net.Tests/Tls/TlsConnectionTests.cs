using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Lateen.Net.Tls;

namespace Lateen.Net.Tests.Tls;

/// <summary>What TransportConnection promises, kept by TLS.</summary>
public sealed class TlsConnectionTests : IDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly TlsServerContext _server;
    private readonly TlsClientContext _client;

    public TlsConnectionTests()
    {
        _server = TlsHarness.Server(new() { Certificates = [_authority.Issue(["a.example"]).Options] });
        _client = TlsHarness.Client(new() { Verification = _authority.Trust });
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _server.Dispose();
        _client.Dispose();
        _authority.Dispose();
    }

    [Theory]
    [InlineData(TlsVersion.Tls12)]
    [InlineData(TlsVersion.Tls13)]
    public async Task Every_cut_of_the_wire_is_survived(TlsVersion version)
    {
        await using var harness = new TlsHarness();
        using var server = TlsHarness.Server(new()
        {
            Certificates = [_authority.Issue(["a.example"]).Options],
            MaxVersion = version,
            ClientCertificates = TlsClientCertificateMode.Required,
            Verification = _authority.Trust,
        });
        using var client = TlsHarness.Client(new() { Verification = _authority.Trust, Certificates = [_authority.Issue(["c"]).Options] });
        var (near, far) = await harness.Establish(server, client, wrap: static connection => new TrickleTransport(connection));
        var content = RandomNumberGenerator.GetBytes(20_000);
        var received = await harness.Test.Run(async () =>
        {
            harness.Reactor.Spawn(static pair => SendAndEnd(pair.near, pair.content), (near, content));
            return await ReadToEnd(far);
        });
        Assert.Equal(content, received);
        // The other direction is open still.
        received = await harness.Test.Run(async () =>
        {
            harness.Reactor.Spawn(static pair => SendAndEnd(pair.far, pair.content), (far, content));
            return await ReadToEnd(near);
        });
        Assert.Equal(content, received);
    }

    [Fact]
    public async Task Large_transfers_both_ways_at_once_arrive_whole()
    {
        await using var harness = new TlsHarness();
        var (near, far) = await harness.Establish(_server, _client);
        var up = RandomNumberGenerator.GetBytes(8 << 20);
        var down = RandomNumberGenerator.GetBytes(8 << 20);
        var (atServer, atClient) = await harness.Test.Run(async () =>
        {
            harness.Reactor.Spawn(static pair => SendAndEnd(pair.near, pair.up), (near, up));
            harness.Reactor.Spawn(static pair => SendAndEnd(pair.far, pair.down), (far, down));
            var reading = ReadToEnd(far).AsTask();
            var back = await ReadToEnd(near);
            return (await reading, back);
        });
        Assert.Equal(SHA256.HashData(up), SHA256.HashData(atServer));
        Assert.Equal(SHA256.HashData(down), SHA256.HashData(atClient));
        Assert.Equal(up.Length, near.BytesWritten);
        Assert.Equal(up.Length, far.BytesRead);
        Assert.True(near.Inner.BytesWritten > up.Length);
    }

    [Fact]
    public async Task Reader_that_stops_stops_the_writer_and_one_record_at_most_waits()
    {
        await using var harness = new TlsHarness();
        var (near, far) = await harness.Establish(_server, _client);
        var content = RandomNumberGenerator.GetBytes(64 * 1024);
        var written = await harness.Test.Run(() =>
        {
            long total = 0;
            while (true)
            {
                var result = near.Write(content);
                if (result.Status == IoStatus.WouldBlock)
                    return total;
                Assert.True(result.IsOk, result.ToString());
                total += result.Bytes;
            }
        });
        Assert.True(written > 0);
        await harness.Test.Run(() =>
        {
            Assert.False(near.CanWrite);
            Assert.Equal(written, near.BytesWritten);
            // The record that the kernel took half of.
            Assert.InRange(harness.Reactor.Buffers.RentedBytes, 0, BufferPool.BytesOf(BufferSize.Large));
        });
        // What would block may be followed by other content: nothing of it was taken.
        var tail = "the end"u8.ToArray();
        var received = await harness.Test.Run(async () =>
        {
            harness.Reactor.Spawn(static pair => SendAndEnd(pair.near, pair.tail), (near, tail));
            return await ReadToEnd(far);
        });
        Assert.Equal(written + tail.Length, received.Length);
        Assert.Equal(tail, received[^tail.Length..]);
        await harness.Test.Run(() => Assert.Equal(0, harness.Reactor.Buffers.RentedBytes));
    }

    [Fact]
    public async Task Disposing_still_sends_what_was_taken()
    {
        await using var harness = new TlsHarness();
        var (near, far) = await harness.Establish(_server, _client);
        var content = new byte[1 << 20];
        var written = await harness.Test.Run(() =>
        {
            long total = 0;
            while (near.Write(content) is { IsOk: true } result)
                total += result.Bytes;
            near.Dispose();
            Assert.True(near.IsClosed);
            Assert.Equal(TransportError.ClosedLocally, near.Write(content).Error);
            Assert.Equal(TransportError.ClosedLocally, near.Read(content).Error);
            return total;
        });
        var received = await harness.Test.Run(() => ReadToEnd(far));
        Assert.Equal(written, received.Length);
        await harness.Test.Run(() => Assert.True(near.Inner.IsClosed));
    }

    [Fact]
    public async Task Disposing_the_transport_below_disposes_TLS_in_good_order()
    {
        await using var harness = new TlsHarness();
        var (near, far) = await harness.Establish(_server, _client);
        await harness.Test.Run(near.Inner.Dispose);
        await harness.Test.Run(() => Assert.True(near.IsClosed));
        Assert.Equal(IoStatus.EndOfStream, (await harness.ReadOne(far)).Status);
    }

    [Fact]
    public async Task Head_and_small_body_leave_as_one_record_in_one_call()
    {
        await using var harness = new TlsHarness();
        var (near, far) = await harness.Establish(_server, _client);
        await harness.Exchange(far, near);
        var (writes, wire) = await harness.Test.Run(() =>
        {
            var before = harness.Reactor.Counters.WriteCount;
            var bytes = near.Inner.BytesWritten;
            Assert.Equal(8 + 5000, near.Write("head"u8, new byte[5000], "tail"u8).Bytes);
            return (harness.Reactor.Counters.WriteCount - before, near.Inner.BytesWritten - bytes);
        });
        Assert.Equal(1, writes);
        // RFC 8446 5.2: header 5, type 1, tag 16.
        Assert.Equal(8 + 5000 + 22, wire);
        var received = await harness.Test.Run(() => ReadExactly(far, 5008));
        Assert.Equal("head"u8.ToArray(), received[..4]);
        Assert.Equal("tail"u8.ToArray(), received[^4..]);
    }

    [Theory]
    [InlineData(10, 40_000, 3)]
    [InlineData(20_000, 0, 7)]
    [InlineData(0, 0, 5)]
    [InlineData(16_384, 16_384, 16_384)]
    public async Task Gathered_pieces_of_any_length_keep_their_order(int first, int second, int third)
    {
        await using var harness = new TlsHarness();
        var (near, far) = await harness.Establish(_server, _client);
        var content = RandomNumberGenerator.GetBytes(first + second + third);
        var received = await harness.Test.Run(async () =>
        {
            var result = near.Write(content.AsSpan(0, first), content.AsSpan(first, second), content.AsSpan(first + second));
            Assert.Equal(content.Length, result.Bytes);
            return await ReadExactly(far, content.Length);
        });
        Assert.Equal(content, received);
    }

    [Fact]
    public async Task Small_record_is_read_by_one_call_of_the_kernel()
    {
        await using var harness = new TlsHarness();
        var (near, far) = await harness.Establish(_server, _client);
        await harness.Exchange(near, far);
        var reads = await harness.Test.Run(async () =>
        {
            var before = harness.Reactor.Counters.ReadCount;
            for (var i = 0; i < 10; i++)
            {
                await near.WriteAll(new byte[100]);
                Assert.Equal(100, (await far.ReadSome(new byte[1000])).Bytes);
                Assert.False(far.CanRead);
            }

            return harness.Reactor.Counters.ReadCount - before;
        });
        Assert.Equal(10, reads);
    }

    [Fact]
    public async Task Shutdown_ends_one_direction_only()
    {
        await using var harness = new TlsHarness();
        var (near, far) = await harness.Establish(_server, _client);
        await harness.Test.Run(near.ShutdownWrite);
        Assert.Equal(IoStatus.EndOfStream, (await harness.ReadOne(far)).Status);
        await harness.Test.Run(() =>
        {
            Assert.True(far.IsPeerClosed);
            Assert.Equal(TransportError.ConnectionReset, near.Write(new byte[1]).Error);
        });
        await harness.Exchange(far, near);
        await harness.Test.Run(far.ShutdownWrite);
        Assert.Equal(IoStatus.EndOfStream, (await harness.ReadOne(near)).Status);
        Assert.Equal(IoStatus.EndOfStream, (await harness.ReadOne(near)).Status);
    }

    [Fact]
    public async Task End_without_close_notify_is_a_reset()
    {
        await using var harness = new TlsHarness();
        var (near, far) = await harness.Establish(_server, _client);
        await harness.Test.Run(() => near.Inner.ShutdownWrite());
        var read = await harness.ReadOne(far);
        Assert.Equal(TransportError.ConnectionReset, read.Error);
        Assert.Equal(TlsFailureCause.PeerClosed, far.Failure?.Cause);
        Assert.Equal(TransportError.ConnectionReset, (await harness.ReadOne(far)).Error);
    }

    [Fact]
    public async Task Unannounced_end_is_told_from_a_reset_and_from_a_record_that_was_cut()
    {
        await using var harness = new TlsHarness();
        var (near, far) = await harness.Establish(_server, _client);
        await harness.Test.Run(near.ShutdownWriteUnannounced);
        Assert.Equal(TransportError.ConnectionReset, (await harness.ReadOne(far)).Error);
        await harness.Test.Run(() => Assert.True(far.HasEndedUnannounced && !far.HasFailed));
        await harness.Exchange(far, near);

        var (cutter, reader) = await harness.Establish(_server, _client);
        await harness.Test.Run(() => cutter.Inner.WriteAll(new byte[] { 23, 3, 3, 0, 20, 1, 2, 3 }));
        await harness.Test.Run(cutter.Inner.ShutdownWrite);
        Assert.Equal(TransportError.ConnectionReset, (await harness.ReadOne(reader)).Error);
        await harness.Test.Run(() => Assert.False(reader.HasEndedUnannounced));
    }

    [Fact]
    public async Task Broken_record_fails_the_read_and_is_answered_by_an_alert()
    {
        await using var harness = new TlsHarness();
        var (near, far) = await harness.Establish(_server, _client);
        await harness.Test.Run(() => near.Inner.WriteAll(new byte[] { 23, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 }));
        Assert.Equal(TransportError.ProtocolViolation, (await harness.ReadOne(far)).Error);
        Assert.Equal(TlsFailureCause.ProtocolViolation, far.Failure?.Cause);
        Assert.Equal(TransportError.ProtocolViolation, (await harness.ReadOne(far)).Error);
        Assert.Equal(TransportError.ProtocolViolation, (await harness.ReadOne(near)).Error);
        Assert.Equal(TlsFailureCause.PeerAlert, near.Failure?.Cause);
        Assert.Equal(20, near.Failure?.Alert);
    }

    [Fact]
    public async Task Tickets_on_an_idle_connection_are_kept_and_wake_no_watch()
    {
        await using var harness = new TlsHarness();
        using var client = TlsHarness.Client(new() { Verification = _authority.Trust });
        var (near, far) = await harness.Establish(_server, client);
        var fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ticketsCame = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await harness.Test.Run(() =>
        {
            near.Observer = new Notice(() =>
            {
                if (client.SessionCount == 2)
                    ticketsCame.TrySetResult();
            });
            Assert.True(near.WatchIdle(_ => fired.TrySetResult(), null));
            if (client.SessionCount == 2)
                ticketsCame.TrySetResult();
        });
        await ticketsCame.Task.WaitAsync(TestReactor.Patience, Cancellation);
        await harness.Test.Run(() =>
        {
            Assert.False(fired.Task.IsCompleted);
            Assert.False(near.CanRead);
            near.Unwatch();
            Assert.True(near.WatchIdle(_ => fired.TrySetResult(), null));
        });
        await harness.Test.Run(() => far.WriteAll(new byte[1]));
        await fired.Task.WaitAsync(TestReactor.Patience, Cancellation);
        await harness.Test.Run(() => Assert.False(near.WatchIdle(static _ => { }, null)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Watch_fires_when_the_peer_ends(bool isIdleWatch)
    {
        await using var harness = new TlsHarness();
        var (near, far) = await harness.Establish(_server, _client);
        await harness.Exchange(far, near);
        var fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await harness.Test.Run(() => Assert.True(isIdleWatch
            ? near.WatchIdle(_ => fired.TrySetResult(), null)
            : near.WatchPeerClosed(_ => fired.TrySetResult(), null)));
        await harness.Test.Run(far.Dispose);
        await fired.Task.WaitAsync(TestReactor.Patience, Cancellation);
        await harness.Test.Run(() =>
        {
            Assert.True(near.IsPeerClosed);
            Assert.False(near.WatchPeerClosed(static _ => { }, null));
        });
    }

    [Fact]
    public async Task Waits_end_with_false_on_interrupt_and_on_abort()
    {
        await using var harness = new TlsHarness();
        var (near, far) = await harness.Establish(_server, _client);
        await harness.Exchange(far, near);
        await harness.Test.Run(async () =>
        {
            var wait = near.ReadableAsync();
            near.InterruptReadable();
            Assert.False(wait.IsCompleted);
            Assert.False(await wait);
            wait = near.ReadableAsync();
            near.Abort();
            Assert.False(wait.IsCompleted);
            Assert.False(await wait);
            Assert.False(await near.WritableAsync());
        });
        Assert.Equal(IoStatus.Failed, (await harness.ReadOne(far)).Status);
    }

    [Fact]
    public async Task Observer_hears_of_data_of_the_end_and_of_our_own_close()
    {
        await using var harness = new TlsHarness();
        var (near, far) = await harness.Establish(_server, _client);
        await harness.Exchange(far, near);
        using var news = new SemaphoreSlim(0);
        await harness.Test.Run(() => near.Observer = new Notice(() => news.Release()));
        await harness.Test.Run(() => far.WriteAll(new byte[1]));
        Assert.True(await news.WaitAsync(TestReactor.Patience, Cancellation));
        await harness.Test.Run(() => Assert.Equal(1, near.Read(new byte[9]).Bytes));
        await harness.Test.Run(near.Abort);
        Assert.True(await news.WaitAsync(TestReactor.Patience, Cancellation));
    }

    [Fact]
    public async Task Forced_end_of_the_reactor_ends_idle_connections()
    {
        var harness = new TlsHarness();
        await harness.Establish(_server, _client);
        await harness.Test.Reactor.StopAsync(TimeSpan.Zero).WaitAsync(TestReactor.Patience, Cancellation);
        Assert.Empty(harness.Test.Leaks);
    }

    [Fact]
    public async Task Runs_inside_another_TLS_connection()
    {
        await using var harness = new TlsHarness();
        var (outerNear, outerFar) = await harness.Establish(_server, _client);
        var accepting = harness.Test.Run(() => TlsHandshake.AcceptAsync(outerFar, _server, TlsHarness.HandshakeMilliseconds));
        var connecting = harness.Test.Run(
            () => TlsHandshake.ConnectAsync(outerNear, _client, TlsClientParameters.None, TlsHarness.HandshakeMilliseconds));
        var near = (await connecting).Connection!;
        var far = (await accepting).Connection!;
        var content = RandomNumberGenerator.GetBytes(3 << 20);
        var received = await harness.Test.Run(async () =>
        {
            harness.Reactor.Spawn(static pair => SendAndEnd(pair.near, pair.content), (near, content));
            return await ReadToEnd(far);
        });
        Assert.Equal(SHA256.HashData(content), SHA256.HashData(received));
        await harness.Exchange(far, near);
        await harness.Test.Run(() =>
        {
            // Whoever holds the lower one closes all.
            outerFar.Inner.Dispose();
            Assert.True(far.IsClosed && outerFar.IsClosed);
            near.Dispose();
            Assert.True(outerNear.IsClosed);
        });
    }

    [Fact]
    public async Task Ping_pong_allocates_nothing_per_round()
    {
        AllocationTests.SkipInDebug();
        await using var harness = new TlsHarness();
        var (near, far) = await harness.Establish(_server, _client);
        var allocated = await harness.Test.Run(async () =>
        {
            harness.Reactor.Spawn(Echo, far);
            await PingPong(near, 300);
            var before = GC.GetAllocatedBytesForCurrentThread();
            await PingPong(near, 3000);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        });
        AllocationTests.AssertNothingPerRound(allocated, 3000);
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    private static async ValueTask PingPong(TransportConnection connection, int rounds)
    {
        using var buffer = connection.Reactor.Buffers.Rent(BufferSize.Small);
        for (var i = 0; i < rounds; i++)
        {
            connection.Write(buffer.Span[..100], buffer.Span[..50]);
            for (var got = 0; got < 150;)
                got += (await connection.ReadSome(buffer.Memory)).Bytes;
        }
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    private static async ValueTask Echo(TransportConnection connection)
    {
        using var buffer = connection.Reactor.Buffers.Rent(BufferSize.Small);
        while (await connection.ReadSome(buffer.Memory) is { IsOk: true } result)
            await connection.WriteAll(buffer.Memory[..result.Bytes]);
    }

    private static async ValueTask SendAndEnd(TransportConnection connection, byte[] content)
    {
        await connection.WriteAll(content);
        connection.ShutdownWrite();
    }

    private static async ValueTask<byte[]> ReadToEnd(TransportConnection connection)
    {
        var content = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var result = await connection.ReadSome(buffer);
            if (result.Status == IoStatus.EndOfStream)
                return content.ToArray();
            Assert.True(result.IsOk, result.ToString());
            content.Write(buffer.AsSpan(0, result.Bytes));
        }
    }

    private static async ValueTask<byte[]> ReadExactly(TransportConnection connection, int bytes)
    {
        var content = new byte[bytes];
        for (var filled = 0; filled < bytes;)
        {
            var result = await connection.ReadSome(content.AsMemory(filled));
            Assert.True(result.IsOk, result.ToString());
            filled += result.Bytes;
        }

        return content;
    }

    private sealed class Notice(Action action) : ITransportObserver
    {
        public void OnReady(TransportConnection connection) => action();
    }
}
