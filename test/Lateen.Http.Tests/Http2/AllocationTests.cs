namespace Lateen.Http.Tests.Http2;

/// <summary>Streams cost no garbage once their objects exist, and an idle connection holds little.</summary>
public sealed class AllocationTests
{
    [Fact]
    public void Stream_with_content_and_trailers_both_ways_allocates_nothing()
    {
        using var loop = new PooledLoop();
        for (int i = 0; i < 300; i++) loop.Exchange();
        // The least of three rounds: the runtime may allocate once for its own purposes when it compiles a hot method again.
        long least = long.MaxValue;
        for (int round = 0; round < 3; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++) loop.Exchange();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
        Assert.Equal(3300, loop.Answered);
    }

    [Fact]
    public void Connection_that_served_requests_and_is_idle_holds_less_than_its_budget()
    {
        using var loop = new PooledLoop();
        for (int i = 0; i < 1000; i++) loop.Exchange();
        Assert.InRange(loop.Server.ResidentBytes, 1, 2048);
    }

    [Fact]
    public void New_connection_costs_less_than_two_kilobytes()
    {
        var session = new RecordingSession();
        var output = new MemoryOutput();
        var pool = new Http2StreamPool();
        var requests = new Http1RequestOptions();
        var counters = new Http2Counters();
        for (int i = 0; i < 10; i++) Make();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Make();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2048);

        void Make()
        {
            var connection = new Http2ServerConnection(Http2Options.Default, requests, session, output, pool, counters);
            connection.Start(0);
            output.Take(output.PendingOctets);
        }
    }
}
