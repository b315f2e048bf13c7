namespace Lateen.ProxyHost;

/// <summary>
/// Gives back what only the start needed. A proxy parses its bootstrap, its first certificate and its first configuration, and then allocates next to nothing per request: the
/// collector, which acts on allocation, would leave that garbage where it is for days. With two thousand services it is as much again as what is alive.
/// </summary>
internal static class StartupGarbage
{
    /// <summary>After the proxy has begun to serve, so that what a control plane sends in its first moments is over too.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);

    /// <summary>Up to this size, in octets, the reactors may stand still for it: 3 ms where 4 MB of garbage lay around 1 MB that lives. A larger heap is collected beside them.</summary>
    private const long SmallHeap = 8 * 1024 * 1024;

    /// <summary>Collects once, after a while.</summary>
    public static async Task CollectAsync(Task initialized, TimeProvider time, CancellationToken stop)
    {
        try
        {
            await initialized.WaitAsync(stop);
            await Task.Delay(Pause, time, stop);
            if (GC.GetTotalMemory(forceFullCollection: false) <= SmallHeap) GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            else GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
        }
        catch (OperationCanceledException)
        {
            // The proxy ended before.
        }
    }
}
