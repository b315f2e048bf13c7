using System.Collections.Immutable;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Tls;
using Lateen.Xds;

namespace Lateen.Proxy.Configuration;

/// <summary>All listeners, by name: which version of each runs and which one waits for its routes.</summary>
/// <remarks>
/// Configuration thread only. A listener runs when every route configuration and every secret that it names has come, or is known not to exist, or
/// when its patience is over: then it answers 404 until the routes come, and refuses connections to chains whose secrets have not, rather than not
/// listening at all.
/// </remarks>
internal sealed class ListenerStore(
    ClusterEnvironment environment, SubscriptionLedger subscriptions, RouteStore routes, SecretStore secrets, ResourceLedger ledger)
{
    private readonly SortedDictionary<string, ListenerRecord> _records = new(StringComparer.Ordinal);

    /// <summary>Something outside of a call changed: a wait is over.</summary>
    public Action? Stirred { get; set; }

    /// <summary>The set of listeners, or one of them, differs from the last publication.</summary>
    public bool IsStale { get; set; }

    public bool IsAnyWarming => _records.Values.Any(static record => record.Warming is not null);

    public ImmutableArray<ListenerSnapshot> Active => [.. _records.Values.Select(static record => record.Active).OfType<ListenerSnapshot>()];

    /// <summary>Tables that stand inside listeners that run or wait to.</summary>
    public IEnumerable<RouteTable> InlineTables => _records.Values
        .SelectMany(static record => new[] { record.Active, record.Warming })
        .OfType<ListenerSnapshot>()
        .SelectMany(ManagersOf)
        .Select(static manager => manager.InlineRoutes)
        .OfType<RouteTable>();

    /// <summary>Clusters that TCP proxies inside listeners that run or wait to name.</summary>
    public IEnumerable<ClusterReference> TcpClusters => _records.Values
        .SelectMany(static record => new[] { record.Active, record.Warming })
        .OfType<ListenerSnapshot>()
        .SelectMany(TcpClustersOf);

    public bool IsStatic(string name) => _records.TryGetValue(name, out var record) && (record.Active ?? record.Warming) is { IsStatic: true };

    /// <summary>
    /// The listener of that name that waits to run although its routes and secrets are there, so only for clusters; null when none does. One that waits
    /// for routes is no such: a control plane may send those after the listener has been acknowledged.
    /// </summary>
    public ListenerSnapshot? HeldByClusters(string name) =>
        _records.GetValueOrDefault(name)?.Warming is { } listener && RouteNamesOf(listener).All(routes.IsSettled)
        && SecretUsersOf(listener).All(secrets.IsSettled) ? listener : null;

    /// <summary>Takes a new or changed listener.</summary>
    public void Accept(ListenerSnapshot listener)
    {
        foreach (var name in RouteNamesOf(listener)) subscriptions.Need(XdsTypeUrls.RouteConfiguration, name);
        foreach (var user in SecretUsersOf(listener)) secrets.Attach(user);
        if (!_records.TryGetValue(listener.Name, out var record)) _records.Add(listener.Name, record = new ListenerRecord());
        if (record.Warming is { } superseded) Release(superseded);
        record.Warming = listener;
        record.IsPatienceOver = false;
        record.Timer?.Dispose();
        record.Timer = environment.Time.CreateTimer(
            _ => environment.Thread.Post(() => OnPatienceOver(record, listener)), null, ClusterDefinition.DefaultInitialFetchTimeout, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The control plane removed a listener.</summary>
    public void Remove(string name)
    {
        if (IsStatic(name) || !_records.Remove(name, out var record)) return;
        record.Timer?.Dispose();
        if (record.Active is not null) Release(record.Active);
        if (record.Warming is not null) Release(record.Warming);
        ledger.Removed(name);
        IsStale = true;
    }

    /// <summary>
    /// Lets listeners run whose routes are there, and, for their inline routes and TCP proxies, whose clusters are ready or unknown.
    /// </summary>
    /// <param name="isWarming">As for <see cref="RouteStore.Advance"/>.</param>
    public void Advance(Func<ClusterReference, bool>? isWarming)
    {
        foreach (var (name, record) in _records)
        {
            if (record.Warming is not { } listener || !(record.IsPatienceOver || IsReady(listener, isWarming))) continue;
            var former = record.Active;
            record.Active = listener;
            record.Warming = null;
            record.Timer?.Dispose();
            record.Timer = null;
            if (former is not null) Release(former);
            ledger.Activated(name);
            IsStale = true;
        }
    }

    private bool IsReady(ListenerSnapshot listener, Func<ClusterReference, bool>? isWarming)
    {
        if (!SecretUsersOf(listener).All(secrets.IsSettled)) return false;
        foreach (var manager in ManagersOf(listener))
        {
            if (manager.RouteConfigName is { } name && !routes.IsSettled(name)) return false;
            if (isWarming is not null && manager.InlineRoutes is { } table && table.ReferencedClusters().Any(isWarming)) return false;
        }

        return isWarming is null || !TcpClustersOf(listener).Any(isWarming);
    }

    private void OnPatienceOver(ListenerRecord record, ListenerSnapshot listener)
    {
        if (!ReferenceEquals(record.Warming, listener)) return;
        record.IsPatienceOver = true;
        Stirred?.Invoke();
    }

    private void Release(ListenerSnapshot listener)
    {
        foreach (var user in SecretUsersOf(listener)) secrets.Detach(user);
        foreach (var name in RouteNamesOf(listener))
        {
            if (subscriptions.Release(XdsTypeUrls.RouteConfiguration, name)) routes.Forget(name);
        }
    }

    private static IEnumerable<string> RouteNamesOf(ListenerSnapshot listener) =>
        ManagersOf(listener).Select(static manager => manager.RouteConfigName).OfType<string>();

    private static IEnumerable<ISecretUser> SecretUsersOf(ListenerSnapshot listener) =>
        listener.AllChains.Select(static chain => chain.DownstreamTls).OfType<ISecretUser>();

    private static IEnumerable<HttpConnectionManagerSnapshot> ManagersOf(ListenerSnapshot listener) =>
        listener.AllChains.Select(static chain => chain.HttpConnectionManager).OfType<HttpConnectionManagerSnapshot>();

    private static IEnumerable<ClusterReference> TcpClustersOf(ListenerSnapshot listener) =>
        from chain in listener.AllChains where chain.TcpProxy is not null from share in chain.TcpProxy!.Clusters select share.Cluster;

    private sealed class ListenerRecord
    {
        public ListenerSnapshot? Active { get; set; }

        public ListenerSnapshot? Warming { get; set; }

        public ITimer? Timer { get; set; }

        public bool IsPatienceOver { get; set; }
    }
}
