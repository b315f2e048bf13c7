using System.Collections.Immutable;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Identity;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Tls;
using Lateen.Xds;

namespace Lateen.Proxy.Configuration;

/// <summary>What a <see cref="ProxyConfiguration"/> needs of the process.</summary>
public sealed record ProxyConfigurationOptions
{
    /// <summary>How many reactors run requests; state per endpoint is kept for that many.</summary>
    public required int ReactorCount { get; init; }

    public required ExtensionCatalog Extensions { get; init; }

    public IHostResolver Resolver { get; init; } = new SystemHostResolver();

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Of the jitter of name refreshes.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>
    /// Asked about every listener that a control plane sends, before it is taken: why it cannot listen (its address is not ours, or in
    /// use), null when it can. A listener that is refused here is refused like a bad resource. Called on the configuration thread.
    /// </summary>
    public Func<ListenerSnapshot, string?>? RefuseListener { get; init; }

    /// <summary>
    /// Told what a received resource asks for that this version passes over, each place once. On the configuration thread.
    /// </summary>
    public Action<string>? OnWarning { get; init; }

    /// <summary>Told, once of each, which fields come that only Envoy has a use for. On the configuration thread.</summary>
    public Action<string>? OnNote { get; init; }

    /// <summary>Told how much each accepted version of a resource asks for that is passed over. On the configuration thread.</summary>
    public Action<int>? OnPassedOver { get; init; }

    /// <summary>Told of every attempt to take a version of a secret that has a name. On the configuration thread.</summary>
    public Action<SecretEvent>? OnSecretEvent { get; init; }

    /// <summary>Told of bugs on the configuration thread, which go on.</summary>
    public Action<Exception>? OnFault { get; init; }
}

/// <summary>
/// All configuration of one proxy: it takes the bootstrap file and the control plane's resources, keeps what is good, and publishes one
/// snapshot after the other.
/// </summary>
/// <remarks>
/// Public members may be called from any thread; the work runs on its own <see cref="Thread"/>, never on a reactor. Whatever one call or
/// one response changes becomes one snapshot.
/// </remarks>
public sealed class ProxyConfiguration : IDisposable
{
    private readonly ClusterStore _clusters;
    private readonly RouteStore _routes;
    private readonly ListenerStore _listeners;
    private readonly SecretStore _secrets;
    private readonly IdentityStore _identity;
    private readonly SnapshotAssembler _assembler;
    private readonly SubscriptionLedger _subscriptions = new();
    private readonly ConfigurationLedgers _ledgers;
    private readonly TaskCompletionSource _initialized = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly UpdatesInForce _updates;
    private readonly TimeProvider _time;
    private BootstrapConfig? _bootstrap;
    private DateTimeOffset _bootstrapLoaded;
    private readonly Dictionary<string, ITimer?> _awaited = [];

    public ProxyConfiguration(ProxyConfigurationOptions options)
    {
        _time = options.Time;
        Thread = new ConfigurationThread(options.OnFault);
        _ledgers = new ConfigurationLedgers(options.Time);
        var environment = new ClusterEnvironment(Thread, options.Resolver, options.Time, options.ReactorCount, options.Seed);
        var directory = new ClusterDirectory();
        var compiler = new RouteTableCompiler(directory, options.Extensions);
        _secrets = new SecretStore(environment, _subscriptions, _ledgers.Secrets)
        {
            Stirred = Advance,
            OnWarning = options.OnWarning,
            OnEvent = options.OnSecretEvent,
        };
        _identity = new IdentityStore(_secrets, _ledgers.Secrets);
        var tls = new TlsScope(_secrets.StaticContent, () => _bootstrap?.ControlPlane?.ClusterName, new TicketKeyring(options.Time))
        {
            TrustDomain = () => _bootstrap?.Identity?.Id.TrustDomain.Name,
        };
        _clusters = new ClusterStore(environment, directory, _subscriptions, _secrets, _ledgers) { Stirred = Advance };
        _routes = new RouteStore(compiler, _ledgers.Routes);
        _listeners = new ListenerStore(environment, _subscriptions, _routes, _secrets, _ledgers.Listeners) { Stirred = Advance };
        _assembler = new SnapshotAssembler(_clusters, _routes, _listeners, directory, Snapshots);
        var intake = new ResourceIntake(new ResourceStores(_clusters, _routes, _listeners, _secrets, _identity), _subscriptions, _ledgers, options.Extensions, compiler, tls)
        {
            Fields = new ReceivedFields { OnWarning = options.OnWarning, OnNote = options.OnNote, OnCount = options.OnPassedOver },
            RefuseListener = options.RefuseListener,
        };
        _updates = new UpdatesInForce(_routes, _listeners, environment);
        Xds = new XdsConfiguration(this, intake, _ledgers, _updates);
    }

    /// <summary>Where reactors read the configuration.</summary>
    public ProxySnapshotSource Snapshots { get; } = new();

    /// <summary>What an xDS client feeds.</summary>
    public XdsConfiguration Xds { get; }

    /// <summary>Runs all of it. The composition root starts it; a test may drive it by hand instead.</summary>
    public ConfigurationThread Thread { get; }

    /// <summary>
    /// Completes when the first configuration is whole: static clusters know their endpoints, static listeners run, and the control plane,
    /// if there is one, has spoken about listeners and clusters and what it named is ready. Or when the patience with it is over.
    /// </summary>
    public Task Initialized => _initialized.Task;

    /// <summary>Takes a bootstrap that <see cref="BootstrapLoader"/> found good.</summary>
    public Task LoadAsync(BootstrapConfig bootstrap) => Thread.InvokeAsync(() =>
    {
        Load(bootstrap);
        return true;
    });

    /// <summary>Everything that is held, for <c>/config_dump</c>. Costs the configuration thread a walk over all names.</summary>
    public Task<ConfigDumpView> DumpAsync() => Thread.InvokeAsync(() => new ConfigDumpView
    {
        Bootstrap = _bootstrap?.Source,
        BootstrapLoaded = _bootstrapLoaded,
        ListenersVersion = _ledgers.Listeners.Version,
        ClustersVersion = _ledgers.Clusters.Version,
        Listeners = _ledgers.Listeners.Entries,
        Clusters = _ledgers.Clusters.Entries,
        Routes = _ledgers.Routes.Entries,
        Endpoints = _ledgers.Endpoints.Entries,
        Secrets = _ledgers.Secrets.Entries,
    });

    /// <summary>The certificates that TLS contexts use now, for <c>/certs</c>.</summary>
    public Task<ImmutableArray<CertificatesInUse>> CertificatesAsync() => Thread.InvokeAsync(() => _secrets.CertificatesInUse);

    /// <summary>When the first certificate in use ends; null: none is in use.</summary>
    public DateTimeOffset? FirstCertificateExpiry => _secrets.FirstExpiryTicks is > 0 and var ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    public void Dispose()
    {
        Thread.Dispose();
        StopWaiting();
        _secrets.Dispose();
    }

    /// <summary>The roots that the mesh is trusted by; null before the first certificate. Any thread.</summary>
    internal MeshRoots? IdentityBundle => _identity.Bundle;

    /// <summary>Takes a certificate of the workload, and the roots that came with it, into use.</summary>
    /// <returns>Why not; null when they are.</returns>
    internal Task<string?> InstallIdentityAsync(WorkloadCredentials credentials, MeshRoots roots) => Thread.InvokeAsync(() =>
    {
        var fault = _identity.TryInstall(credentials, roots);
        Advance();
        return fault;
    });

    internal void Attach(IXdsSubscriptions subscriptions) => Thread.Post(() => _subscriptions.Attach(subscriptions));

    /// <summary>Lets everything move on that can, and publishes what came of it. On the configuration thread.</summary>
    internal void Advance()
    {
        // Order matters: clusters wait for secrets, routes wait for clusters, listeners for routes, and clusters leave when no route names them any more.
        if (_secrets.TakeNews()) _clusters.Advance();
        Func<ClusterReference, bool>? isWarming = _clusters.IsAnyWarming ? _clusters.IsWarming : null;
        _routes.Advance(isWarming);
        _listeners.Advance(isWarming);
        if (_clusters.IsAnyLeaving) _clusters.CloseLeaving(ReferencedClusters());
        _assembler.PublishIfChanged();
        _updates.Settle();
        _secrets.Settle();
        CompleteIfWhole();
    }

    private void Load(BootstrapConfig bootstrap)
    {
        _bootstrap = bootstrap;
        _bootstrapLoaded = _time.GetUtcNow();
        if (bootstrap.Identity is { } identity)
        {
            _identity.Open();

            // New roots have to be here before anything is signed by them, so they come unasked.
            if (bootstrap.ControlPlane is not null) _subscriptions.Need(XdsTypeUrls.Secret, IdentitySecrets.Roots);
        }

        Xds.LoadStatic(bootstrap.Source.StaticResources);

        // The stream to the control plane uses its cluster's context as the loader made it, whose secrets come and change like any others.
        if (bootstrap.ControlPlane?.Tls is ISecretUser user) _secrets.Attach(user);
        if (bootstrap.ControlPlane is { GivesClusters: true } clusters) Await(XdsTypeUrls.Cluster, clusters.ClustersFetchTimeout);
        if (bootstrap.ControlPlane is { GivesListeners: true } listeners) Await(XdsTypeUrls.Listener, listeners.ListenersFetchTimeout);
        Advance();
    }

    /// <summary>Start-up is not over before the control plane has spoken about resources of this type, or the patience with it is.</summary>
    private void Await(string typeUrl, TimeSpan? patience) =>
        _awaited[typeUrl] = patience is not { } time ? null : _time.CreateTimer(_ => Thread.Post(() => StopWaitingFor(typeUrl)), null, time, Timeout.InfiniteTimeSpan);

    private void StopWaitingFor(string typeUrl)
    {
        if (_awaited.Remove(typeUrl, out var timer)) timer?.Dispose();
        CompleteIfWhole();
    }

    private void StopWaiting()
    {
        foreach (var timer in _awaited.Values) timer?.Dispose();
        _awaited.Clear();
    }

    private void CompleteIfWhole()
    {
        if (_initialized.Task.IsCompleted || _bootstrap is null) return;
        if (_clusters.IsAnyWarming || _listeners.IsAnyWarming) return;
        if (!_awaited.Keys.All(Xds.HasSpokenOf)) return;
        StopWaiting();
        _initialized.TrySetResult();
    }

    private HashSet<ClusterReference> ReferencedClusters()
    {
        var referenced = new HashSet<ClusterReference>();
        foreach (var table in _routes.AllTables.Concat(_listeners.InlineTables)) referenced.UnionWith(table.ReferencedClusters());
        return referenced;
    }
}

/// <summary>The ledgers of the resource types.</summary>
internal sealed class ConfigurationLedgers(TimeProvider time)
{
    public ResourceLedger Listeners { get; } = new(time, XdsTypeUrls.Listener);

    public ResourceLedger Clusters { get; } = new(time, XdsTypeUrls.Cluster);

    public ResourceLedger Routes { get; } = new(time, XdsTypeUrls.RouteConfiguration);

    public ResourceLedger Endpoints { get; } = new(time, XdsTypeUrls.ClusterLoadAssignment);

    /// <summary>Bodies are without private keys.</summary>
    public ResourceLedger Secrets { get; } = new(time, XdsTypeUrls.Secret);

    public ResourceLedger Of(string typeUrl) => typeUrl switch
    {
        XdsTypeUrls.Listener => Listeners,
        XdsTypeUrls.Cluster => Clusters,
        XdsTypeUrls.RouteConfiguration => Routes,
        XdsTypeUrls.Secret => Secrets,
        _ => Endpoints,
    };
}
