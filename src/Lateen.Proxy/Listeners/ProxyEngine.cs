using Lateen.Net;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Forwarding.Pools;
using Lateen.Proxy.Statistics;

namespace Lateen.Proxy.Listeners;

/// <summary>How the engine is sized. Fixed for the life of the process.</summary>
public sealed record ProxyEngineOptions
{
    /// <summary>Reactors. Count, at least 1; one per core that the proxy may use.</summary>
    public int Concurrency { get; init; } = 1;

    /// <summary>The bound of connections that holds where nobody names one, as Envoy's best practice at the edge has it. Count.</summary>
    public const long DefaultMaxConnections = 50_000;

    /// <summary>
    /// Connections of clients that may be open at a time, on all listeners together. Count, at least 1. Hit: a connection is closed as soon as it was
    /// taken, and counted as <c>downstream_global_cx_overflow</c> of its listener.
    /// </summary>
    public long MaxConnections { get; init; } = DefaultMaxConnections;

    /// <summary>Where all time comes from.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Told exceptions that cost a connection: each is a bug of this program. Called on a reactor; must not throw.</summary>
    public Action<Exception>? DefectReported { get; init; }
}

/// <summary>
/// The data plane at work: reactors, listeners and what they serve, following the configuration that is published to it.
/// </summary>
/// <remarks>
/// <see cref="Start"/> once, then every published snapshot is followed without a lost connection. <see cref="StopAsync"/> drains: no new
/// connections, responses say <c>Connection: close</c>, and what is not done by the deadline is cut.
/// </remarks>
public sealed class ProxyEngine : IAsyncDisposable
{
    private readonly ProxySnapshotSource _snapshots;
    private readonly ReactorGroup _reactors;
    private readonly ProxyWorker[] _workers;

    public ProxyEngine(ProxySnapshotSource snapshots, ProxyStatistics statistics, ProxyEngineOptions options)
    {
        _snapshots = snapshots;
        _reactors = new ReactorGroup(options.Concurrency, new ReactorOptions
        {
            TimeProvider = options.TimeProvider,
            Name = "worker",
            UnhandledException = (exception, _) =>
            {
                statistics.Registry.Shared.Add(statistics.Server.Bugs, 1);
                options.DefectReported?.Invoke(exception);
            },
        });
        _workers = [.. _reactors.Reactors.Select(reactor => new ProxyWorker(reactor, options.Concurrency, snapshots, statistics))];
        Listeners = new ListenerSet(_reactors, _workers, statistics, new ConnectionBudget(options.MaxConnections));
    }

    public ListenerSet Listeners { get; }

    /// <summary>The reactors, for their counters.</summary>
    public IReadOnlyList<Reactor> Reactors => _reactors.Reactors;

    /// <summary>Begins to serve what is published already, and follows what will be.</summary>
    public void Start()
    {
        _reactors.Start();
        foreach (ProxyWorker worker in _workers) worker.Reactor.Post(static state => ((ProxyWorker)state!).Begin(), worker);
        _snapshots.Published += OnPublished;
        ProxySnapshot current = _snapshots.Current;
        if (!current.Listeners.IsEmpty)
        {
            Listeners.Apply(new SnapshotChange { Previous = ProxySnapshot.Empty, Current = current, AddedListeners = current.Listeners });
        }
    }

    /// <summary>Takes no new connections and lets those that are there come to an end.</summary>
    public void BeginDrain()
    {
        Listeners.Drain();
        foreach (ProxyWorker worker in _workers) worker.Reactor.Post(static state => ((ProxyWorker)state!).BeginDrain(), worker);
    }

    /// <summary>Drains, and ends when all connections have, or when the time is over. A second call can only shorten it.</summary>
    public async Task StopAsync(TimeSpan drain)
    {
        _snapshots.Published -= OnPublished;
        BeginDrain();
        await _reactors.StopAsync(drain);
    }

    public async ValueTask DisposeAsync() => await StopAsync(TimeSpan.Zero);

    private void OnPublished(SnapshotChange change)
    {
        Listeners.Apply(change);
        foreach (EndpointState endpoint in change.RetiredEndpoints)
        {
            foreach (ProxyWorker worker in _workers)
            {
                worker.Reactor.Post(static state =>
                {
                    var (target, retired) = ((ProxyWorker, EndpointState))state!;
                    if (retired.PeekSlot(target.Index) is { } slot) UpstreamPool.DrainAll(slot);
                }, (worker, endpoint));
            }
        }
    }
}
