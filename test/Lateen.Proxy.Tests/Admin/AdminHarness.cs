using System.Net;
using Envoy.Config.Bootstrap.V3;
using Envoy.Config.Core.V3;
using Lateen.Proxy.Admin;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Logging;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.AccessLogs;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Tests.Admin;

/// <summary>A real admin server on a free port, over a proxy that is not there.</summary>
internal sealed class AdminHarness : IProxyLifecycle, IAsyncDisposable
{
    private readonly AdminServer _server;
    private readonly AccessLogWriter _accessLogs;
    private readonly HttpClient _client;

    public AdminHarness(AdminAccessLogs? accessLogs = null)
    {
        var registry = new StatsRegistry();
        Statistics = new ProxyStatistics(registry, reactorCount: 2);
        _accessLogs = new AccessLogWriter(new AccessLogWriterOptions(), registry);
        Log = new ProxyLog(Stream.Null);
        _ = Log.For("main");
        _ = Log.For("http");
        var context = new AdminContext
        {
            Statistics = Statistics,
            Snapshots = Snapshots,
            DumpAsync = _ => ValueTask.FromResult(Dump),
            Lifecycle = this,
            Log = Log,
            AccessLogs = _accessLogs,
            Node = new Node { Id = "node-1", Cluster = "shop" },
            StartedAt = TimeProvider.System.GetUtcNow(),
            Time = TimeProvider.System,
            ConfigPath = "/etc/lateen.yaml",
            Concurrency = 2,
        };
        _server = new AdminServer(new IPEndPoint(IPAddress.Loopback, 0), AdminPages.Create(context), Log, TimeProvider.System, accessLogs);
        Address = (IPEndPoint)_server.Address;
        _client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://{Address}") };
    }

    public IPEndPoint Address { get; }

    public ProxyStatistics Statistics { get; }

    public ProxySnapshotSource Snapshots { get; } = new();

    public ProxyLog Log { get; }

    public ConfigDumpView Dump { get; set; } = new() { Bootstrap = new Bootstrap { Node = new Node { Id = "node-1" } } };

    public ServerState State { get; set; }

    public IReadOnlyList<(string Listener, EndPoint Address)> BoundAddresses { get; set; } = [];

    public List<string> Commands { get; } = [];

    public void DrainListeners(bool graceful, bool inboundOnly) => Commands.Add($"drain graceful={graceful} inbound={inboundOnly}");

    public void SetHealthChecksFailing(bool failing) => Commands.Add($"failing={failing}");

    public void Quit() => Commands.Add("quit");

    public Task<(int Status, string Body)> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<(int Status, string Body)> PostAsync(string path) => SendAsync(HttpMethod.Post, path);

    public async Task<(int Status, string Body)> SendAsync(HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var response = await _client.SendAsync(request, TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    public async Task<HttpResponseMessage> RespondAsync(string path) => await _client.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
        await _accessLogs.DisposeAsync();
        Log.Dispose();
    }
}
