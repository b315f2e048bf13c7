namespace Lateen.ControlPlane.Certificates;

/// <summary>
/// How much refused traffic is listened to. Each source (an address, or a caller that has proven who it is) has a bucket of refusals that refills with time. Whoever
/// has emptied it is spared nothing but work and lines in the log: good credentials of the same address still work.
/// </summary>
/// <remarks>Thread-safe. Success costs nothing, so a thousand proxies behind one address may start at once.</remarks>
internal sealed class RefusalBudget(TimeProvider time)
{
    /// <summary>Refusals that a source may have at once.</summary>
    public const int Burst = 100;

    /// <summary>Refusals per second that a source may go on with.</summary>
    public const int PerSecond = 10;

    /// <summary>Sources remembered. Count. Hit: all are forgotten, which gives a flood from that many sources one burst more each.</summary>
    public const int MaxSources = 4096;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (double Left, long At)> _buckets = new(StringComparer.Ordinal);

    public bool IsSpent(string source)
    {
        lock (_gate) return _buckets.TryGetValue(source, out var bucket) && Refilled(bucket) < 1;
    }

    public void Spend(string source)
    {
        lock (_gate)
        {
            double left = _buckets.TryGetValue(source, out var bucket) ? Refilled(bucket) : Burst;
            if (_buckets.Count >= MaxSources && !_buckets.ContainsKey(source)) _buckets.Clear();
            _buckets[source] = (Math.Max(0, left - 1), time.GetTimestamp());
        }
    }

    private double Refilled((double Left, long At) bucket) => Math.Min(Burst, bucket.Left + time.GetElapsedTime(bucket.At).TotalSeconds * PerSecond);
}
