using Lateen.Net;

namespace Lateen.Proxy.Tests.Harness;

/// <summary>What a reactor's thread allocates on the managed heap while it serves.</summary>
/// <remarks>
/// Asking costs the reactor nothing. A task that the reactor completes would go on in the thread pool, and whoever hands work to the pool pays for
/// its queues and for the threads that it starts: some KiB at a time when the machine is busy, which are not the proxy's.
/// </remarks>
internal static class ReactorAllocation
{
    /// <summary>Rounds of work. Count. The first may meet code that is being compiled anew, and pools that still grow.</summary>
    private const int Rounds = 5;

    /// <summary>The bytes allocated in the best of some rounds of <paramref name="work"/>; 0 in one round means that the work itself allocates nothing.</summary>
    public static async Task<long> LeastAsync(Reactor reactor, Func<Task> work)
    {
        var best = long.MaxValue;
        for (var round = 0; round < Rounds && best > 0; round++)
        {
            var before = Allocated(reactor);
            await work();
            best = Math.Min(best, Allocated(reactor) - before);
        }

        return best;
    }

    private static long Allocated(Reactor reactor)
    {
        using var question = new Question();
        Assert.True(reactor.Post(static state => ((Question)state!).Answer(), question));
        return question.Wait();
    }

    private sealed class Question : IDisposable
    {
        private readonly ManualResetEventSlim _answered = new();
        private long _bytes;

        /// <summary>On the reactor.</summary>
        public void Answer()
        {
            _bytes = GC.GetAllocatedBytesForCurrentThread();
            _answered.Set();
        }

        public long Wait()
        {
            _answered.Wait(TestContext.Current.CancellationToken);
            return _bytes;
        }

        public void Dispose() => _answered.Dispose();
    }
}
