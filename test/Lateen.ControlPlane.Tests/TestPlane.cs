using System.Net.Http.Json;
using Lateen.ControlPlane.Api;
using Lateen.Discovery.Jwks;

namespace Lateen.ControlPlane.Tests;

/// <summary>A control plane on free ports and a directory of its own, and a client of its API.</summary>
internal sealed class TestPlane : IAsyncDisposable
{
    private readonly string _root;
    private readonly List<string> _log = [];
    private JwksOptions _jwks = JwksOptions.Default;

    private int? _securePort;
    private bool _isRunning;

    private TestPlane(string root) => _root = root;

    /// <summary>Changed before a start or a restart; each start takes what it gives.</summary>
    public Func<ControlPlaneOptions, ControlPlaneOptions> Options { get; set; } = static options => options;

    public string State => Path.Combine(_root, "state");

    public ControlPlaneHost Host { get; private set; } = null!;

    public HttpClient Http { get; private set; } = null!;

    public string Configuration => Path.Combine(_root, "config");

    public string XdsAddress => Host.XdsAddress!;

    public string[] Log
    {
        get
        {
            lock (_log) return [.. _log];
        }
    }

    public static Task<TestPlane> StartAsync(params (string File, string Text)[] files) => StartAsync(JwksOptions.Default, files);

    public static async Task<TestPlane> StartAsync(JwksOptions jwks, params (string File, string Text)[] files)
    {
        var plane = new TestPlane(Directory.CreateTempSubdirectory("lateen-plane-").FullName) { _jwks = jwks };
        Directory.CreateDirectory(plane.Configuration);
        foreach (var (file, text) in files) await File.WriteAllTextAsync(Path.Combine(plane.Configuration, file), text, TestContext.Current.CancellationToken);
        await plane.RunAsync(xdsPort: 0);
        return plane;
    }

    /// <summary>A control plane with a certificate authority and the port of mutual TLS.</summary>
    public static async Task<TestPlane> StartSecureAsync(Func<ControlPlaneOptions, ControlPlaneOptions>? options = null)
    {
        var plane = new TestPlane(Directory.CreateTempSubdirectory("lateen-plane-").FullName) { _securePort = 0 };
        if (options is not null) plane.Options = options;
        Directory.CreateDirectory(plane.Configuration);
        await plane.RunAsync(xdsPort: 0);
        return plane;
    }

    private async Task RunAsync(int xdsPort)
    {
        Host = await ControlPlaneHost.StartAsync(
            Options(new ControlPlaneOptions
            {
                SecurePort = _securePort,
                Directory = Configuration,
                Jwks = _jwks,
                StateDirectory = State,
                XdsPort = xdsPort,
                ApiPort = 0,
                Log = line =>
                {
                    lock (_log) _log.Add(line);
                },
            }),
            TestContext.Current.CancellationToken);
        _isRunning = true;
        Http = new HttpClient { BaseAddress = new Uri($"http://{Host.ApiAddress}/") };
    }

    /// <summary>Stops the control plane and starts another on the same addresses' xDS port, directory and state.</summary>
    public async Task RestartAsync()
    {
        int port = !_isRunning ? 0 : int.Parse(XdsAddress.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);
        Http.Dispose();
        if (_isRunning) await Host.DisposeAsync();
        _isRunning = false;
        await RunAsync(port);
    }

    public async Task<ApplyResponse> ApplyAsync(string text, bool dryRun = false)
    {
        using var response = await Http.PostAsJsonAsync("api/v1/resources/apply",
            new ApplyRequest([new SourceText("test.yaml", text)], dryRun), ApiJson.Default.ApplyRequest, TestContext.Current.CancellationToken);
        return (await response.Content.ReadFromJsonAsync(ApiJson.Default.ApplyResponse, TestContext.Current.CancellationToken))!;
    }

    public async Task<ServedResponse> ServedAsync(long revision, double seconds = 30) =>
        (await Http.GetFromJsonAsync(FormattableString.Invariant($"api/v1/revisions/{revision}/served?timeoutSeconds={seconds}"),
            ApiJson.Default.ServedResponse, TestContext.Current.CancellationToken))!;

    public async Task<ProxyListResponse> ProxiesAsync() =>
        (await Http.GetFromJsonAsync("api/v1/proxies", ApiJson.Default.ProxyListResponse, TestContext.Current.CancellationToken))!;

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_isRunning) await Host.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }

    public static string Service(string name, string address = "10.0.0.1", string ns = "shop") =>
        $$"""
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {name: {{name}}, namespace: {{ns}}}
        spec:
          hosts: [{{name}}.{{ns}}.svc.cluster.local]
          location: MESH_INTERNAL
          resolution: STATIC
          ports: [{number: 9080, name: http, protocol: HTTP}]
          endpoints:
          - address: {{address}}

        """;

    public static string Route(string name, string timeout = "0s", string ns = "shop") =>
        $$"""
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: {name: {{name}}, namespace: {{ns}}}
        spec:
          hosts: [{{name}}]
          http:
          - timeout: {{timeout}}
            route:
            - destination: {host: {{name}} }

        """;
}
