using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using Lateen.Http;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.Statistics;
using Lateen.Xds.Text;

namespace Lateen.Proxy.Tests.Harness;

/// <summary>The engine in this process, on loopback, with a configuration made by the test.</summary>
internal sealed class EngineUnderTest : IAsyncDisposable
{
    private readonly ClusterDirectory _directory = new();
    private readonly Dictionary<string, ClusterState> _clusterStates = [];
    private readonly Dictionary<(string, EndPoint), EndpointState> _endpointStates = [];
    private readonly int _concurrency;

    private EngineUnderTest(EngineRecipe recipe)
    {
        _concurrency = recipe.Concurrency;
        Registry = new StatsRegistry();
        Statistics = new ProxyStatistics(Registry, recipe.Concurrency);
        Engine = new ProxyEngine(Snapshots, Statistics, new ProxyEngineOptions
        {
            Concurrency = recipe.Concurrency,
            MaxConnections = recipe.MaxConnections,
            Node = recipe.Node,
            TimeProvider = recipe.TimeProvider,
            DefectReported = Defects.Add,
        });
    }

    public ProxySnapshotSource Snapshots { get; } = new();

    public StatsRegistry Registry { get; }

    public ProxyStatistics Statistics { get; }

    public ProxyEngine Engine { get; }

    public ProxySnapshot Current => Snapshots.Current;

    /// <summary>Exceptions that escaped a connection; the engine's end asserts that there were none.</summary>
    public System.Collections.Concurrent.ConcurrentBag<Exception> Defects { get; } = [];

    public IPEndPoint Address => (IPEndPoint)Engine.Listeners.Listeners[0].Addresses[0];

    public static EngineUnderTest Start(Action<EngineRecipe> configure)
    {
        var recipe = new EngineRecipe();
        configure(recipe);
        var engine = new EngineUnderTest(recipe);
        recipe.AddFilters?.Invoke(engine.Registry);
        engine.Engine.Start();
        engine.Publish(recipe);
        return engine;
    }

    /// <summary>Makes a recipe the running configuration, as the control plane would.</summary>
    public void Publish(EngineRecipe recipe)
    {
        var previous = Snapshots.Current;
        var errors = new ConfigurationErrors();
        var routes = new RouteTableCompiler(_directory, recipe.Extensions).Compile(recipe.ParseRoutes(), null, FieldPath.Root, errors);
        Assert.False(errors.Any, errors.ToString());
        var clusters = recipe.Clusters.Select(Build).ToList();
        var bySlot = new ClusterSnapshot?[_directory.SlotCount];
        foreach (var cluster in clusters) bySlot[cluster.Reference.Slot] = cluster;
        var listener = recipe.BuildListener(routes!);
        var current = new ProxySnapshot(
            previous.Revision + 1, [listener], FrozenDictionary<string, RouteTable>.Empty, bySlot,
            clusters.ToFrozenDictionary(one => one.Name, one => one.Reference));
        var kept = clusters.SelectMany(one => one.Endpoints).Select(one => one.State).ToHashSet();
        var retired = previous.Clusters.SelectMany(one => one.Endpoints).Select(one => one.State).Where(one => !kept.Contains(one)).ToImmutableArray();
        foreach (var endpoint in retired) endpoint.Retire();
        Snapshots.Publish(new SnapshotChange
        {
            Previous = previous,
            Current = current,
            AddedListeners = previous.Listeners.IsEmpty ? [listener] : [],
            ChangedListeners = !previous.Listeners.IsEmpty && recipe.ChangesListener ? [listener] : [],
            RetiredEndpoints = retired,
        });
    }

    /// <summary>Completes when each reactor has done all that was to do before this call, and has armed its timers.</summary>
    public async Task SettleAsync()
    {
        for (var i = 0; i < 3; i++)
        {
            foreach (var reactor in Engine.Reactors) await reactor.InvokeAsync(static () => { });
        }
    }

    /// <summary>The value of a statistic once it is what is expected; fails with the last value when that takes too long.</summary>
    public async Task EventuallyAsync(string statistic, long expected)
    {
        var deadline = TimeProvider.System.GetTimestamp() + (10 * TimeProvider.System.TimestampFrequency);
        long? last;
        while ((last = Registry.Find(statistic) ?? 0) != expected)
        {
            Assert.True(TimeProvider.System.GetTimestamp() < deadline, $"{statistic} stayed {last}, expected {expected}");
            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        Assert.Empty(Defects);
    }

    private ClusterSnapshot Build(ClusterRecipe recipe)
    {
        if (!_clusterStates.TryGetValue(recipe.Name, out var state)) _clusterStates.Add(recipe.Name, state = new ClusterState(recipe.Name, _concurrency));
        var endpoints = recipe.Endpoints.Select(address => new EndpointSnapshot { State = StateOf(recipe.Name, address) }).ToArray();
        return new ClusterSnapshot
        {
            Reference = _directory.Reference(recipe.Name),
            StatName = recipe.Name,
            State = state,
            Discovery = ClusterDiscovery.Static,
            Algorithm = LoadBalancingAlgorithm.RoundRobin,
            LoadBalancer = LoadBalancerFactory.Create([new EndpointGroup(EndpointLocality.None, 0, null, endpoints)], LoadBalancingOptions.Default, _concurrency),
            Endpoints = [.. endpoints],
            Limits = recipe.Limits,
            ConnectTimeout = recipe.ConnectTimeout,
            Connections = recipe.Connections,
            UpstreamProtocol = recipe.Protocol,
        };
    }

    private EndpointState StateOf(string cluster, EndPoint address)
    {
        if (_endpointStates.TryGetValue((cluster, address), out var state) && !state.IsRetired) return state;
        return _endpointStates[(cluster, address)] = new EndpointState(cluster, address, _concurrency);
    }
}

/// <summary>What a test wants of a cluster.</summary>
internal sealed class ClusterRecipe(string name, params EndPoint[] endpoints)
{
    public string Name { get; } = name;

    public EndPoint[] Endpoints { get; } = endpoints;

    public CircuitBreakerLimits Limits { get; set; } = CircuitBreakerLimits.Default;

    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    public UpstreamConnectionOptions Connections { get; set; } = UpstreamConnectionOptions.Default;

    public UpstreamProtocol Protocol { get; set; }
}

/// <summary>What a test wants of a proxy: one listener on a free port, routes in YAML, clusters.</summary>
internal sealed class EngineRecipe
{
    public List<ClusterRecipe> Clusters { get; } = [];

    /// <summary>A route configuration; by default all requests go to the cluster <c>backend</c>.</summary>
    public string Routes { get; set; } = """
        name: test
        virtual_hosts:
        - name: all
          domains: ["*"]
          routes:
          - match: {prefix: "/"}
            route: {cluster: backend}
        """;

    /// <summary>Requests with <c>x-tenant: other</c> go to a cluster <c>other</c>, the rest to <c>backend</c>.</summary>
    public void DivertTenants(IPEndPoint other)
    {
        Cluster("other", other);
        Routes = """
            name: test
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: "/", headers: [{name: x-tenant, string_match: {exact: other}}]}
                route: {cluster: other}
              - match: {prefix: "/"}
                route: {cluster: backend}
            """;
    }

    /// <summary>The filters that routes may configure.</summary>
    public ExtensionCatalog? Extensions { get; set; }

    public int Concurrency { get; set; } = 1;

    public long MaxConnections { get; set; } = ProxyEngineOptions.DefaultMaxConnections;

    public bool IgnoresConnectionLimit { get; set; }

    public LocalNode Node { get; set; } = LocalNode.Nobody;

    public bool AddUserAgent { get; set; }

    public uint BufferLimitBytes { get; set; } = 1024 * 1024;

    public bool ReusePort { get; set; } = true;

    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    public EndPoint Address { get; set; } = new IPEndPoint(IPAddress.Loopback, 0);

    /// <summary>On a further publication: the listener is another one.</summary>
    public bool ChangesListener { get; set; }

    public HttpTimeouts Timeouts { get; set; } = new();

    public RequestLimits Limits { get; set; } = new();

    public PathOptions Path { get; set; } = new();

    public ClientAddressOptions ClientAddress { get; set; } = new();

    public RequestIdOptions RequestId { get; set; } = new();

    public Http1Options Http1 { get; set; } = new();

    public HttpCodecType Codec { get; set; }

    public Http2Options Http2 { get; set; } = Http2Options.Default;

    public string Via { get; set; } = "";

    public string ServerName { get; set; } = "lateen";

    public ServerHeaderTransformation ServerHeader { get; set; }

    public bool Proxy100Continue { get; set; }

    public UpgradeRules Upgrades { get; set; } = UpgradeRules.None;

    public HostPortStripping StripHostPort { get; set; }

    public bool StripTrailingHostDot { get; set; }

    public List<CompiledExtension> Filters { get; } = [];

    public List<CompiledExtension> AccessLogs { get; } = [];

    /// <summary>Adds filters that count in the engine's registry.</summary>
    public Action<StatsRegistry>? AddFilters { get; set; }

    public ImmutableArray<FilterChainSnapshot>? Chains { get; set; }

    public ClusterRecipe Cluster(string name, params EndPoint[] endpoints)
    {
        var cluster = new ClusterRecipe(name, endpoints);
        Clusters.Add(cluster);
        return cluster;
    }

    public Envoy.Config.Route.V3.RouteConfiguration ParseRoutes()
    {
        var message = ProtoYamlReader.ReadText<Envoy.Config.Route.V3.RouteConfiguration>(Routes, out var faults);
        Assert.Empty(faults);
        return message!;
    }

    public ListenerSnapshot BuildListener(RouteTable routes) => new()
    {
        Name = "test",
        StatPrefix = "test",
        Address = Address,
        IgnoresConnectionLimit = IgnoresConnectionLimit,
        BufferLimitBytes = BufferLimitBytes,
        ReusePort = ReusePort,
        FilterChains = Chains ?? [new FilterChainSnapshot { Name = "", HttpConnectionManager = BuildManager(routes) }],
    };

    public HttpConnectionManagerSnapshot BuildManager(RouteTable routes) => new()
    {
        StatPrefix = "in",
        InlineRoutes = routes,
        HttpFilters = [.. Filters, RouterFilter.Default],
        AccessLogs = [.. AccessLogs],
        Timeouts = Timeouts,
        Limits = Limits,
        Path = Path,
        ClientAddress = ClientAddress,
        RequestId = RequestId,
        Http1 = Http1,
        Codec = Codec,
        Http2 = Http2,
        Via = Via,
        AddUserAgent = AddUserAgent,
        ServerName = ServerName,
        ServerHeader = ServerHeader,
        Proxy100Continue = Proxy100Continue,
        Upgrades = Upgrades,
        StripHostPort = StripHostPort,
        StripTrailingHostDot = StripTrailingHostDot,
    };
}
