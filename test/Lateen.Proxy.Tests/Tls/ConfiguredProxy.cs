using System.Net;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.Statistics;
using Lateen.Xds;
using Lateen.Xds.Client;

namespace Lateen.Proxy.Tests.Tls;

/// <summary>Configuration thread and engine of a whole proxy in this process; the test is its control plane.</summary>
internal sealed class ConfiguredProxy : IAsyncDisposable
{
    private readonly ProxyConfiguration _configuration;
    private readonly ProxyEngine _engine;
    private readonly ClusterTally _clusters;

    private ConfiguredProxy(int concurrency, ExtensionCatalog extensions)
    {
        Registry = new StatsRegistry();
        var statistics = new ProxyStatistics(Registry, concurrency);
        _configuration = new ProxyConfiguration(new ProxyConfigurationOptions
        {
            ReactorCount = concurrency,
            Extensions = extensions,
            OnWarning = Warnings.Enqueue,
            OnSecretEvent = new SecretTally(Registry).Count,
            OnFault = fault => Warnings.Enqueue(fault.ToString()),
        });
        _engine = new ProxyEngine(_configuration.Snapshots, statistics, new ProxyEngineOptions { Concurrency = concurrency, DefectReported = defect => Warnings.Enqueue(defect.ToString()) });
        _clusters = new ClusterTally(statistics, _configuration.Snapshots, TimeProvider.System);
        _engine.Start();
        _configuration.Thread.Start();
    }

    /// <summary>The router, and what tells endpoints the protocol of a request.</summary>
    public static ExtensionCatalog Extensions { get; } =
        new([new Lateen.Proxy.Filters.RouterFilterCompiler(), new Lateen.Proxy.Filters.MutualTls.AlpnFilterCompiler()], []);

    public StatsRegistry Registry { get; }

    /// <summary>Warnings and defects, in order.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<string> Warnings { get; } = [];

    public ProxyConfiguration Configuration => _configuration;

    /// <summary>Where the first listener can be reached.</summary>
    public IPEndPoint Address => (IPEndPoint)_engine.Listeners.Listeners[0].Addresses[0];

    /// <summary>The first listener listens.</summary>
    public bool HasListener => _engine.Listeners.Listeners is [{ Addresses.Length: > 0 }, ..];

    public static async Task<ConfiguredProxy> StartAsync(string bootstrap, int concurrency = 2, ExtensionCatalog? extensions = null)
    {
        extensions ??= Extensions;
        var errors = new ConfigurationErrors();
        var config = new BootstrapLoader(extensions).TryLoad(bootstrap, errors);
        Assert.Equal(string.Empty, errors.ToString());
        var proxy = new ConfiguredProxy(concurrency, extensions);
        proxy._configuration.Xds.Attach(static (_, _) => { }, static (_, _) => { });
        await proxy._configuration.LoadAsync(config!);
        return proxy;
    }

    /// <summary>One response of the control plane; nothing in it may be refused.</summary>
    public async Task ApplyAsync(string typeUrl, params XdsResource[] resources) =>
        Assert.Empty(await _configuration.Xds.ApplyAsync(new XdsUpdate(typeUrl, "v", [.. resources], []), TestContext.Current.CancellationToken) ?? []);

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _clusters.Dispose();
        _configuration.Dispose();
    }
}
