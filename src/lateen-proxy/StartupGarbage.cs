namespace Lateen.ProxyHost;

/// <summary>
/// Gives back what only the start needed. A proxy parses its bootstrap, its first certificate and its first configuration, some megabytes of objects, and then allocates
/// next to nothing per request: the collector, which acts on allocation, would leave them where they are for days.
/// </summary>
internal static class StartupGarbage
{
    /// <summary>After the proxy has begun to serve, so that what a control plane sends in its first moments is over too.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);

    /// <summary>Collects once, after a while; the heap is a few megabytes then, which stops the reactors for some milliseconds.</summary>
    public static async Task CollectAsync(Task initialized, TimeProvider time, CancellationToken stop)
    {
        try
        {
            await initialized.WaitAsync(stop);
            await Task.Delay(Pause, time, stop);
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
        catch (OperationCanceledException)
        {
            // The proxy ended before.
        }
    }
}
