using System.Collections.Immutable;
using System.Net;
using Lateen.Net;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Statistics;

namespace Lateen.Proxy.Listeners;

/// <summary>One listener at work: its sockets, one per reactor and address, and the chains that new connections get.</summary>
/// <remarks>
/// Changed on the configuration thread; <see cref="Serve"/> runs on reactors and reads the current version once per connection. An update
/// that keeps the address keeps the sockets: nobody is refused in between.
/// </remarks>
internal sealed class ListenerState(ProxyWorker[] workers, ProxyStatistics statistics, ConnectionBudget budget)
{
    private readonly List<TransportListener> _sockets = [];
    private volatile ListenerVersion? _current;

    public ListenerSnapshot Snapshot => _current!.Snapshot;

    /// <summary>What new connections, and new requests of old ones, are served by; null before there is a snapshot.</summary>
    public ListenerVersion? Current => _current;

    /// <summary>Of the connections that are accepted now; null before there is a snapshot.</summary>
    public ListenerScope? Scope => _current?.Scope;

    /// <summary>Where it can be reached: port 0 has become the kernel's choice.</summary>
    public ImmutableArray<EndPoint> Addresses { get; private set; } = [];

    public bool IsOpen => _sockets.Count > 0;

    /// <summary>Why it could not be opened; empty when it is open.</summary>
    public string Failure { get; private set; } = string.Empty;

    /// <summary>Makes the snapshot the one that new connections are served by. Those that came before begin to drain, and new requests on them are judged by it too.</summary>
    public void Adopt(ListenerSnapshot snapshot)
    {
        ListenerScope? former = _current?.Scope;
        _current = new ListenerVersion(snapshot, new ListenerScope(), statistics, workers.Length);
        former?.GiveWayTo(this);
    }

    /// <summary>Binds all addresses on all reactors and begins to accept.</summary>
    /// <returns>False when an address cannot be had; then none is kept.</returns>
    public bool TryOpen(ReactorGroup reactors)
    {
        ListenerSnapshot snapshot = Snapshot;
        if (!snapshot.BindToPort) return true;
        ListenerOptions options = new()
        {
            IsShared = !snapshot.ReusePort,
            Backlog = snapshot.Backlog is { } backlog ? (int)Math.Min(backlog, int.MaxValue) : ListenerOptions.Default.Backlog,
            KeepAlive = snapshot.KeepAlive is { } keepAlive
                ? new KeepAliveOptions { Idle = keepAlive.Time, Interval = keepAlive.Interval, Probes = (int?)keepAlive.Probes }
                : null,
            Budget = snapshot.IgnoresConnectionLimit ? null : budget,
            Refused = CountRefused,
        };
        var addresses = ImmutableArray.CreateBuilder<EndPoint>();
        foreach (EndPoint address in (EndPoint[])[snapshot.Address, .. snapshot.AdditionalAddresses])
        {
            var bound = reactors.Bind(TransportAddress.Of(address), options, Serve);
            if (!bound.IsBound)
            {
                Failure = CannotBind(address, bound.Error, bound.ErrorNumber);
                CloseSockets();
                return false;
            }

            _sockets.AddRange(bound.Value);
            addresses.Add(bound.Value[0].LocalEndPoint);
        }

        Addresses = addresses.ToImmutable();
        Failure = string.Empty;
        foreach (TransportListener socket in _sockets) socket.Start();
        return true;
    }

    /// <summary>The words for an address that cannot be had.</summary>
    public static string CannotBind(EndPoint address, TransportError error, int errorNumber) => $"cannot bind {address}: {error} (errno {errorNumber})";

    /// <summary>No new connections. Those that are there live on.</summary>
    public ListenerScope? Close()
    {
        CloseSockets();
        return _current?.Scope;
    }

    /// <summary>As <see cref="Close"/>, and returns when the addresses are free: the next listener may want one of them.</summary>
    /// <remarks>Waits for a turn of each reactor; must not be called on one.</remarks>
    public ListenerScope? CloseAndWait()
    {
        Task.WaitAll([.. _sockets.Select(static socket => socket.CloseAsync())]);
        _sockets.Clear();
        return _current?.Scope;
    }

    private void CloseSockets()
    {
        foreach (TransportListener socket in _sockets) socket.Close();
        _sockets.Clear();
    }

    private void CountRefused(Reactor reactor) => workers[reactor.Index].Shard.Increment(_current!.Stats.GlobalConnectionOverflow);

    private ValueTask Serve(TransportConnection connection) => _current!.Serve(workers[connection.Reactor.Index], connection);
}
