using System.Collections.Immutable;
using System.Net;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Clusters;

/// <summary>What is watched: a name, the addresses wanted, and how often to look again.</summary>
internal readonly record struct WatchedName(string Host, HostFamily Family, TimeSpan RefreshRate);

/// <summary>
/// Keeps the addresses of one name fresh. It looks again <see cref="WatchedName.RefreshRate"/> after an answer, plus up to a tenth of
/// jitter so that names learned together do not stay in step; a failed lookup keeps the last good addresses and is tried again in the same
/// rhythm.
/// </summary>
/// <remarks>Configuration thread only; the resolver answers from anywhere and the answer is posted back.</remarks>
internal sealed class NameWatch : IDisposable
{
    private const double JitterShare = 0.1;

    private readonly WatchedName _name;
    private readonly ClusterEnvironment _environment;
    private readonly CancellationTokenSource _stop = new();
    private readonly ITimer _timer;
    private bool _isLooking;

    public NameWatch(WatchedName name, ClusterEnvironment environment)
    {
        _name = name;
        _environment = environment;
        _timer = environment.Time.CreateTimer(_ => environment.Thread.Post(Look), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Called on the configuration thread when there is a first answer (good or bad) and whenever addresses changed.</summary>
    public Action? Changed { get; set; }

    /// <summary>A lookup has come back, good or bad.</summary>
    public bool HasAnswered { get; private set; }

    /// <summary>Of the last lookup that succeeded.</summary>
    public ImmutableArray<IPAddress> Addresses { get; private set; } = [];

    /// <summary>Why the last lookup failed; null when it did not.</summary>
    public string? Failure { get; private set; }

    /// <summary>Starts from what another watch of the same name knows.</summary>
    public void Adopt(NameWatch other)
    {
        HasAnswered = other.HasAnswered;
        Addresses = other.Addresses;
        Failure = other.Failure;
    }

    /// <summary>Asks the resolver now, unless it is being asked.</summary>
    public void Look()
    {
        if (_isLooking || _stop.IsCancellationRequested) return;
        _isLooking = true;
        _ = LookAsync();
    }

    public void Dispose()
    {
        _stop.Cancel();
        _timer.Dispose();
        _stop.Dispose();
        Changed = null;
    }

    private async Task LookAsync()
    {
        HostResolution answer;
        try
        {
            answer = await _environment.Resolver.ResolveAsync(_name.Host, _name.Family, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        _environment.Thread.Post(() => Accept(answer));
    }

    private void Accept(HostResolution answer)
    {
        _isLooking = false;
        if (_stop.IsCancellationRequested) return;

        var isNews = !HasAnswered || (answer.Succeeded && !answer.Addresses.AsSpan().SequenceEqual(Addresses.AsSpan()));
        HasAnswered = true;
        Failure = answer.Failure;
        if (answer.Succeeded) Addresses = answer.Addresses;
        _timer.Change(_name.RefreshRate * (1 + (_environment.NextShare() * JitterShare)), Timeout.InfiniteTimeSpan);
        if (isNews) Changed?.Invoke();
    }
}

/// <summary>
/// What running clusters need of the process: its clock, its resolver, its configuration thread, how many reactors there are.
/// </summary>
internal sealed class ClusterEnvironment(ConfigurationThread thread, IHostResolver resolver, TimeProvider time, int reactorCount, ulong seed)
{
    private readonly ReactorRandom _random = new(seed);

    public ConfigurationThread Thread { get; } = thread;

    public IHostResolver Resolver { get; } = resolver;

    public TimeProvider Time { get; } = time;

    public int ReactorCount { get; } = reactorCount;

    /// <summary>A number in [0, 1), for jitter. Configuration thread only.</summary>
    public double NextShare() => _random.Below(1 << 20) / (double)(1 << 20);
}
