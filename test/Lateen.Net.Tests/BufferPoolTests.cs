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
    public async Task Memory_of_a_burst_goes_back_to_the_system_save_one_spare_slab()
    {
        await using var test = new TestReactor();
        await test.Run(() =>
        {
            var pool = test.Reactor.Buffers;
            var burst = Enumerable.Range(0, 200).Select(_ => pool.Rent(BufferSize.Medium)).ToList();
            var peak = pool.ReservedBytes;
            Assert.True(peak >= 200 * 16 * 1024);
            burst.ForEach(buffer => buffer.Dispose());
            Assert.Equal(16 * 16 * 1024, pool.ReservedBytes);
            Assert.Equal(0, pool.RentedBytes);
        });
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
}
