using System.Collections.Immutable;
using System.Net;
using Lateen.Net;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Statistics;

namespace Lateen.Proxy.Listeners;

/// <summary>A listener as it really listens.</summary>
/// <param name="Snapshot">Its configuration.</param>
/// <param name="Addresses">Where it can be reached; port 0 has become the kernel's choice. Empty when it has no socket.</param>
/// <param name="Failure">Why it could not be opened; empty when it is open.</param>
public sealed record BoundListener(ListenerSnapshot Snapshot, ImmutableArray<EndPoint> Addresses, string Failure);

/// <summary>
/// All listeners of the proxy: follows the configuration, opens, updates, drains and closes.
/// </summary>
/// <remarks>
/// Called on the configuration thread, and on the one that drains; a lock keeps the two apart. Nothing here is on the request path.
/// An update that keeps the address keeps the sockets. Otherwise the new ones are opened before the old ones close, so that there is no
/// moment at which nobody listens, unless both want the same port.
/// </remarks>
public sealed class ListenerSet
{
    private readonly Lock _lock = new();
    private readonly ReactorGroup _reactors;
    private readonly ProxyWorker[] _workers;
    private readonly ProxyStatistics _statistics;
    private readonly ConnectionBudget _budget;
    private readonly SortedDictionary<string, ListenerState> _listeners = new(StringComparer.Ordinal);
    private readonly HashSet<Func<ListenerSnapshot, bool>> _stopped = [];
    private bool _isDraining;

    internal ListenerSet(ReactorGroup reactors, ProxyWorker[] workers, ProxyStatistics statistics, ConnectionBudget budget)
    {
        _reactors = reactors;
        _workers = workers;
        _statistics = statistics;
        _budget = budget;
    }

    /// <summary>Told about each listener that was opened or could not be, with the thread that changed it.</summary>
    public event Action<BoundListener>? Changed;

    /// <summary>All listeners, by name.</summary>
    public ImmutableArray<BoundListener> Listeners
    {
        get
        {
            lock (_lock) return [.. _listeners.Values.Select(Describe)];
        }
    }

    /// <summary>True once <see cref="Drain"/> was called: the proxy is ending.</summary>
    public bool IsDraining
    {
        get
        {
            lock (_lock) return _isDraining;
        }
    }

    internal void Apply(SnapshotChange change)
    {
        lock (_lock)
        {
            if (_isDraining) return;
            FreeAddresses(change);
            foreach (ListenerSnapshot listener in change.AddedListeners) Open(listener);
            foreach (ListenerSnapshot listener in change.ChangedListeners) Update(listener);
            foreach (ListenerSnapshot listener in change.RemovedListeners) Remove(listener.Name);
            _statistics.Registry.Shared.Set(_statistics.Listeners.Active, _listeners.Count);
        }
    }

    /// <summary>
    /// From now on responses on the listeners concerned say <c>Connection: close</c>; they still take connections. The first half of
    /// <c>/drain_listeners?graceful</c>.
    /// </summary>
    public void BeginDrain(Func<ListenerSnapshot, bool> concerns)
    {
        lock (_lock)
        {
            foreach (ListenerState listener in _listeners.Values.Where(one => concerns(one.Snapshot))) listener.Scope?.BeginDrain();
        }
    }

    /// <summary>The listeners concerned take no new connections, nor will those that configuration still brings. Connections that are there live on.</summary>
    public void Close(Func<ListenerSnapshot, bool> concerns)
    {
        lock (_lock)
        {
            _stopped.Add(concerns);
            foreach (ListenerState listener in _listeners.Values.Where(one => concerns(one.Snapshot)))
            {
                if (listener.IsOpen) _statistics.Registry.Shared.Add(_statistics.Listeners.Stopped);
                listener.Close();
            }
        }
    }

    /// <summary>Closes all listening sockets for good; connections end after their current exchange.</summary>
    public void Drain()
    {
        lock (_lock) _isDraining = true;
        BeginDrain(static _ => true);
        Close(static _ => true);
    }

    /// <summary>
    /// Why this listener could not be opened now: an address that somebody else has, or that is not this machine's. Null when nothing
    /// speaks against it. Asked before a listener is accepted, so that the control plane learns of it as a refusal.
    /// </summary>
    /// <remarks>
    /// Addresses that a listener of ours holds are left alone: a second socket there would take connections
    /// away from it.
    /// </remarks>
    public string? WhyNot(ListenerSnapshot snapshot)
    {
        if (!snapshot.BindToPort) return null;
        lock (_lock)
        {
            var held = _listeners.Values.SelectMany(static listener => listener.Addresses).ToHashSet();
            foreach (IPEndPoint address in new[] { snapshot.Address }.Concat(snapshot.AdditionalAddresses).OfType<IPEndPoint>())
            {
                if (address.Port == 0 || held.Contains(address)) continue;
                (TransportError error, int errorNumber) = TransportListener.Probe(address, ListenerOptions.Default);
                if (error != TransportError.None) return ListenerState.CannotBind(address, error, errorNumber);
            }
        }

        return null;
    }

    /// <summary>A port that changes hands, because a listener was renamed or two swapped theirs, is given up before its new owner asks for it.</summary>
    private void FreeAddresses(SnapshotChange change)
    {
        var wanted = change.AddedListeners.Concat(change.ChangedListeners)
            .SelectMany(static listener => listener.AdditionalAddresses.Prepend(listener.Address).Select(address => (Address: address, listener.Name)))
            .ToLookup(static claim => claim.Address, static claim => claim.Name);
        foreach (ListenerSnapshot listener in change.RemovedListeners.Concat(change.ChangedListeners))
        {
            if (!_listeners.TryGetValue(listener.Name, out ListenerState? holder)) continue;
            if (holder.Addresses.Any(address => wanted[address].Any(name => name != listener.Name))) EndConnections(holder.CloseAndWait());
        }
    }

    private void Open(ListenerSnapshot snapshot)
    {
        var listener = new ListenerState(_workers, _statistics, _budget);
        listener.Adopt(snapshot);
        _listeners[snapshot.Name] = listener;
        bool isOpen = IsStopped(snapshot) || listener.TryOpen(_reactors);
        _statistics.Registry.Shared.Add(_statistics.Listeners.Added, 1);
        _statistics.Registry.Shared.Add(isOpen ? _statistics.Listeners.CreateSuccess : _statistics.Listeners.CreateFailure, 1);
        Changed?.Invoke(Describe(listener));
    }

    private void Update(ListenerSnapshot snapshot)
    {
        if (!_listeners.TryGetValue(snapshot.Name, out ListenerState? listener))
        {
            Open(snapshot);
            return;
        }

        _statistics.Registry.Shared.Add(_statistics.Listeners.Modified, 1);
        if (IsStopped(snapshot) || (listener.IsOpen && listener.Snapshot.BindsLike(snapshot)))
        {
            if (IsStopped(snapshot)) listener.Close();
            _statistics.Registry.Shared.Add(_statistics.Listeners.InPlaceUpdated, 1);
            listener.Adopt(snapshot);
            Changed?.Invoke(Describe(listener));
            return;
        }

        var successor = new ListenerState(_workers, _statistics, _budget);
        successor.Adopt(snapshot);
        if (!successor.TryOpen(_reactors))
        {
            // Perhaps it is our own former self that holds the port.
            listener.CloseAndWait();
            successor.TryOpen(_reactors);
        }

        EndConnections(listener.Close());
        _listeners[snapshot.Name] = successor;
        Changed?.Invoke(Describe(successor));
    }

    private void Remove(string name)
    {
        if (!_listeners.Remove(name, out ListenerState? listener)) return;
        _statistics.Registry.Shared.Add(_statistics.Listeners.Removed, 1);
        EndConnections(listener.Close());
    }

    private void EndConnections(ListenerScope? scope)
    {
        if (scope is null) return;
        scope.BeginDrain();
        foreach (ProxyWorker worker in _workers)
        {
            worker.Reactor.Post(static state =>
            {
                var (target, ending) = ((ProxyWorker, ListenerScope))state!;
                target.EndConnectionsOf(ending);
            }, (worker, scope));
        }
    }

    private bool IsStopped(ListenerSnapshot listener) => _stopped.Any(concerns => concerns(listener));

    private static BoundListener Describe(ListenerState listener) => new(listener.Snapshot, listener.Addresses, listener.Failure);
}
