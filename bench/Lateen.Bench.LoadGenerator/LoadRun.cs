using Lateen.Net;

namespace Lateen.Bench.LoadGenerator;

/// <summary>
/// Makes HTTP/1.1 load over keep-alive connections and reports what became of it. For programs and tests alike:
/// <c>var report = await LoadRun.RunAsync(options, cancellation); Assert.Equal(0, report.Failed);</c>
/// </summary>
public static class LoadRun
{
    /// <summary>Runs the load to its bound.</summary>
    /// <param name="options">The load.</param>
    /// <param name="cancellation">Ends the load early and in good order: requests in flight are waited for, the report is of what was done.</param>
    public static async Task<LoadReport> RunAsync(LoadOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Connections, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Paths.Count, 1);
        var threads = Math.Clamp(options.Threads, 1, options.Connections);
        Exception? bug = null;
        await using var group = new ReactorGroup(threads, new ReactorOptions
        {
            Name = "load",
            UnhandledException = (exception, _) => Interlocked.CompareExchange(ref bug, exception, null),
        });
        group.Start();
        var workers = new LoadWorker[threads];
        for (var i = 0; i < threads; i++)
        {
            var connections = (options.Connections / threads) + (i < options.Connections % threads ? 1 : 0);
            var requests = options.MaxRequests == long.MaxValue
                ? long.MaxValue
                : (options.MaxRequests / threads) + (i < options.MaxRequests % threads ? 1 : 0);
            workers[i] = new LoadWorker(group[i], options, connections, options.Rate / threads, requests);
        }

        await Task.WhenAll(workers.Select(worker => worker.Reactor.InvokeAsync(() => worker.RunAsync(cancellation)))).ConfigureAwait(false);
        if (bug is not null)
            throw new InvalidOperationException("The load generator has a bug.", bug);
        return Sum(workers.Select(worker => worker.Tally()).ToList());
    }

    private static LoadReport Sum(List<LoadTally> tallies)
    {
        var latencies = new LatencyHistogram();
        foreach (var tally in tallies)
            latencies.Add(tally.Latencies);
        return new LoadReport
        {
            Requests = tallies.Sum(tally => tally.Requests),
            Succeeded = tallies.Sum(tally => tally.Succeeded),
            Statuses = SumByKey(tallies.Select(tally => tally.Statuses)),
            Failures = SumByKey(tallies.Select(tally => tally.Failures)),
            Latencies = latencies,
            ConnectionsOpened = tallies.Sum(tally => tally.ConnectionsOpened),
            BytesReceived = tallies.Sum(tally => tally.BytesReceived),
            Elapsed = tallies.Max(tally => tally.Elapsed),
        };
    }

    private static Dictionary<TKey, long> SumByKey<TKey>(IEnumerable<IReadOnlyDictionary<TKey, long>> tables)
        where TKey : notnull =>
        tables.SelectMany(table => table).GroupBy(pair => pair.Key).ToDictionary(group => group.Key, group => group.Sum(pair => pair.Value));
}
