using System.Buffers;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Net.Tests;

public sealed class BufferPoolTests
{
    [Theory]
    [InlineData(BufferSize.Small, 4 * 1024)]
    [InlineData(BufferSize.Medium, 16 * 1024)]
    [InlineData(BufferSize.Large, 64 * 1024)]
    public async Task Rented_block_has_its_class_size_and_is_writable_to_the_end(BufferSize size, int bytes)
    {
        await using var test = new TestReactor();
        await test.Run(() =>
        {
            var buffer = test.Reactor.Buffers.Rent(size);
            Assert.Equal(bytes, buffer.Length);
            buffer.Span.Fill(0xA5);
            Assert.Equal(bytes, buffer.Memory.Length);
            Assert.Equal(0xA5, buffer.Memory.Span[^1]);
            buffer.Dispose();
        });
    }

    [Fact]
    public async Task Blocks_that_are_rented_at_the_same_time_do_not_overlap()
    {
        await using var test = new TestReactor();
        await test.Run(() =>
        {
            var buffers = Enumerable.Range(0, 100).Select(_ => test.Reactor.Buffers.Rent(BufferSize.Small)).ToList();
            for (var i = 0; i < buffers.Count; i++)
                buffers[i].Span.Fill((byte)i);
            for (var i = 0; i < buffers.Count; i++)
                Assert.False(buffers[i].Span.ContainsAnyExcept((byte)i));
            buffers.ForEach(buffer => buffer.Dispose());
        });
    }

    [Fact]
    public async Task Second_return_of_a_block_throws()
    {
        await using var test = new TestReactor();
        await test.Run(() =>
        {
            var buffer = test.Reactor.Buffers.Rent(BufferSize.Small);
            buffer.Dispose();
            Assert.Throws<InvalidOperationException>(buffer.Dispose);
            Assert.Equal(0, test.Reactor.Buffers.RentedCount);
        });
    }

    [Fact]
    public async Task Renting_over_the_bound_is_refused_until_a_block_comes_back()
    {
        await using var test = new TestReactor(maxBufferBytes: 256 * 1024);
        await test.Run(() =>
        {
            var pool = test.Reactor.Buffers;
            var rented = Enumerable.Range(0, 4).Select(_ => pool.Rent(BufferSize.Large)).ToList();
            Assert.Null(pool.TryRent(BufferSize.Large));
            Assert.Throws<InsufficientMemoryException>(() => pool.Rent(BufferSize.Small));
            rented[0].Dispose();
            rented[0] = pool.Rent(BufferSize.Large);
            rented.ForEach(buffer => buffer.Dispose());
        });
    }

    [Fact]
    public async Task Memory_of_a_burst_goes_back_to_the_system_some_seconds_later_save_one_spare_slab()
    {
        var time = new FakeTimeProvider();
        await using var test = new TestReactor(time);
        var pool = test.Reactor.Buffers;
        var peak = await test.Run(() =>
        {
            RentAndReturn(pool, 200);
            return pool.ReservedBytes;
        });
        Assert.InRange(peak, 200 * 16 * 1024, long.MaxValue);
        for (var second = 0; second < 6; second++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await test.Run(() => { });
            await test.Run(() => { });
        }

        Assert.Equal(16 * 16 * 1024, await test.Run(() => pool.ReservedBytes));
        Assert.Equal(0, await test.Run(() => pool.RentedBytes));
        Assert.Equal(0, await test.Run(() => test.Reactor.Timers.ArmedCount));
    }

    [Fact]
    public async Task Load_that_swings_over_many_slabs_keeps_them_and_allocates_nothing()
    {
        var time = new FakeTimeProvider();
        await using var test = new TestReactor(time);
        var pool = test.Reactor.Buffers;
        var reserved = await test.Run(() =>
        {
            RentAndReturn(pool, 200);
            return pool.ReservedBytes;
        });
        for (var second = 0; second < 10; second++)
        {
            Assert.Equal(0, await test.Run(() =>
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                RentAndReturn(pool, 200);
                return GC.GetAllocatedBytesForCurrentThread() - before;
            }));
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(reserved, await test.Run(() => pool.ReservedBytes));
    }

    [Fact]
    public async Task Block_that_is_not_returned_is_reported_when_the_reactor_ends()
    {
        await using var test = new TestReactor();
        await test.Run(() => { test.Reactor.Buffers.Rent(BufferSize.Small, "a forgetful test"); });
        await test.Reactor.StopAsync(TimeSpan.Zero);
        var leak = Assert.Single(test.Leaks);
        Assert.StartsWith("4096 bytes rented by ", leak, StringComparison.Ordinal);
    }

    private static void RentAndReturn(BufferPool pool, int count)
    {
        var rented = ArrayPool<NativeBuffer>.Shared.Rent(count);
        for (var i = 0; i < count; i++)
            rented[i] = pool.Rent(BufferSize.Medium);
        for (var i = 0; i < count; i++)
            rented[i].Dispose();
        ArrayPool<NativeBuffer>.Shared.Return(rented);
    }
}
