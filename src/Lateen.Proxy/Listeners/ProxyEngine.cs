using System.Text;
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

    /// <summary>Who this proxy is, for connection managers that say so (<c>add_user_agent</c>).</summary>
    public LocalNode Node { get; init; } = LocalNode.Nobody;

    /// <summary>Where all time comes from.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Told exceptions that cost a connection: each is a bug of this program. Called on a reactor; must not throw.</summary>
    public Action<Exception>? DefectReported { get; init; }
}

/// <summary>The bootstrap's node as header values.</summary>
/// <remarks>Immutable.</remarks>
public sealed class LocalNode(string cluster, string id)
{
    public static readonly LocalNode Nobody = new(string.Empty, string.Empty);

    /// <summary><c>node.cluster</c>; empty when it is not given.</summary>
    public byte[] Cluster { get; } = Encoding.Latin1.GetBytes(cluster);

    /// <summary><c>node.id</c>; empty when it is not given.</summary>
    public byte[] Id { get; } = Encoding.Latin1.GetBytes(id);
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
    private readonly TimeProvider _time;
    private readonly Dictionary<Func<ListenerSnapshot, bool>, ITimer> _graces = [];

    public ProxyEngine(ProxySnapshotSource snapshots, ProxyStatistics statistics, ProxyEngineOptions options)
    {
        _snapshots = snapshots;
        _time = options.TimeProvider;
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
        _workers = [.. _reactors.Reactors.Select(reactor => new ProxyWorker(reactor, options, snapshots, statistics))];
        Listeners = new ListenerSet(_reactors, _workers, statistics, new ConnectionBudget(options.MaxConnections));
        ReactorStats[] reactorStats = [.. _reactors.Reactors.Select(reactor => ReactorStats.Open(statistics.Registry, reactor.Index))];
        statistics.Registry.OnCollect(shared =>
        {
            foreach (Reactor reactor in _reactors.Reactors) reactorStats[reactor.Index].Publish(shared, reactor.Counters.Snapshot());
        });
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

    /// <summary>
    /// Takes listeners out of service. At once, responses on them say <c>Connection: close</c>; after the grace they take no new connections.
    /// </summary>
    /// <param name="concerns">Which. A grace that was begun with the same is not begun anew.</param>
    /// <param name="grace">
    /// Not cut short when the last connection ends: it is for whoever still sends new ones, such as a load balancer that has not looked yet. Zero: none.
    /// </param>
    public void DrainListeners(Func<ListenerSnapshot, bool> concerns, TimeSpan grace)
    {
        Listeners.BeginDrain(concerns);
        if (grace == TimeSpan.Zero)
        {
            Listeners.Close(concerns);
            return;
        }

        lock (_graces)
        {
            if (!_graces.ContainsKey(concerns)) _graces.Add(concerns, _time.CreateTimer(_ => Listeners.Close(concerns), null, grace, Timeout.InfiniteTimeSpan));
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
        lock (_graces)
        {
            foreach (ITimer grace in _graces.Values) grace.Dispose();
        }

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
