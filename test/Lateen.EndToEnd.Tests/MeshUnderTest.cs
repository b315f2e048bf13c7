using Lateen.Testing;

namespace Lateen.EndToEnd.Tests;

/// <summary>
/// A real mesh for one test: <c>lateen up</c> on a directory of its own, and proxies started with bootstraps that <c>lateen bootstrap</c> wrote.
/// Everything is on loopback and ends with the test.
/// </summary>
internal sealed class MeshUnderTest : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lateen-e2e-").FullName;
    private readonly List<ProgramUnderTest> _programs = [];
    private readonly HttpClient _client = new();
    private readonly int _xdsPort;
    private readonly int _apiPort;
    private readonly int? _securePort;
    private readonly IdentityOptions? _identities;

    private MeshUnderTest(IdentityOptions? identities)
    {
        _identities = identities;
        var ports = FreePorts.Take(3);
        (_xdsPort, _apiPort) = (ports[0], ports[1]);
        if (identities is not null) _securePort = ports[2];
        ConfigFolder = Directory.CreateDirectory(Path.Combine(_folder, "config")).FullName;
    }

    /// <summary>The directory that the control plane watches.</summary>
    public string ConfigFolder { get; }

    /// <summary>The running control plane.</summary>
    public ProgramUnderTest ControlPlane { get; private set; } = null!;

    /// <summary>Where the control plane serves xDS.</summary>
    public string XdsAddress => $"127.0.0.1:{_xdsPort}";

    private string ApiAddress => $"127.0.0.1:{_apiPort}";

    /// <summary>Writes the first configuration and starts the control plane on it.</summary>
    public static Task<MeshUnderTest> StartAsync(string configuration, CancellationToken cancel) => StartAsync(configuration, null, cancel);

    /// <summary>The same with a certificate authority: sidecars and gateways join by token, of the account that their <c>app</c> names, and speak mutual TLS.</summary>
    public static Task<MeshUnderTest> StartWithIdentitiesAsync(string configuration, CancellationToken cancel, IdentityOptions? options = null) =>
        StartAsync(configuration, options ?? new IdentityOptions(), cancel);

    private static async Task<MeshUnderTest> StartAsync(string configuration, IdentityOptions? identities, CancellationToken cancel)
    {
        var mesh = new MeshUnderTest(identities);
        await File.WriteAllTextAsync(Path.Combine(mesh.ConfigFolder, "mesh.yaml"), configuration, cancel);
        await mesh.StartControlPlaneAsync(cancel);
        return mesh;
    }

    /// <summary>Starts the control plane (again), on the same addresses and directory, and waits until it is ready.</summary>
    public async Task StartControlPlaneAsync(CancellationToken cancel)
    {
        ControlPlane = ProgramUnderTest.Start(
            "control plane", Programs.Lateen,
            [
                "up", "-d", ConfigFolder, "--xds-address", XdsAddress, "--api-address", ApiAddress,
                // Proxies of a mesh without identities have no other port to get their keys from.
                .. _securePort is { } secure ? ["--secure-address", $"127.0.0.1:{secure}"] : (string[])["--secrets-over-plaintext"],
                .. _identities?.Up ?? [],
            ]);
        _programs.Add(ControlPlane);
        await UntilAsync("the control plane to be ready", () => AnswersAsync($"http://{ApiAddress}/ready", cancel), ControlPlane, cancel);
    }

    /// <summary>Starts a gateway with label <c>istio: ingressgateway</c> and waits until it has its first configuration.</summary>
    public Task<ProxyUnderTest> StartGatewayAsync(string name, CancellationToken cancel) =>
        StartProxyAsync(name, account: name, ["gateway", name, "-n", "default", "-l", "istio=ingressgateway"], cancel);

    /// <summary>Starts a sidecar and waits until it has its first configuration.</summary>
    public Task<ProxyUnderTest> StartSidecarAsync(string name, string app, int httpProxyPort, CancellationToken cancel) =>
        StartProxyAsync(name, account: app, ["sidecar", name, "-n", "default", "-l", $"app={app}", "--http-proxy-port", $"{httpProxyPort}"], cancel);

    /// <summary>Starts a gRPC client that finds its servers through this mesh, without a proxy.</summary>
    /// <param name="kind">Which of <see cref="GrpcClientUnderTest"/>.</param>
    /// <param name="target">What it dials: <c>xds:///HOST:PORT</c>.</param>
    public async Task<GrpcClientUnderTest> StartGrpcClientAsync(string kind, string target, CancellationToken cancel)
    {
        var bootstrap = await CliAsync(cancel, "bootstrap", "grpc", "caller", "-n", "default", "-l", "app=caller", "--xds-address", XdsAddress);
        var path = Path.Combine(_folder, "grpc.json");
        await File.WriteAllTextAsync(path, bootstrap, cancel);
        var client = GrpcClientUnderTest.Start(kind, target, path);
        _programs.Add(client.Program);
        await client.Program.WaitForLineAsync("ready", cancel);
        return client;
    }

    /// <summary>Waits until the control plane knows the gRPC client.</summary>
    public Task UntilConnectedAsync(GrpcClientUnderTest client, CancellationToken cancel) => UntilAsync(
        "the gRPC client to be connected",
        async () => (await CliAsync(cancel, "proxy-status", "-o", "json")).Contains("caller", StringComparison.Ordinal),
        client.Program,
        cancel);

    /// <summary>Runs the CLI against this mesh's control plane; fails the test when it does not exit with 0.</summary>
    public async Task<string> CliAsync(CancellationToken cancel, params string[] arguments)
    {
        var (code, output) = await ProgramUnderTest.RunAsync(
            Programs.Lateen, arguments, cancel, new Dictionary<string, string> { ["LATEEN_API"] = ApiAddress });
        Assert.True(code == 0, $"lateen {string.Join(' ', arguments)} exited with {code}:\n{output}");
        return output;
    }

    /// <summary>Applies YAML and waits until the proxies concerned serve it.</summary>
    public async Task ApplyAsync(string yaml, CancellationToken cancel)
    {
        var path = Path.Combine(_folder, $"apply-{Guid.NewGuid():N}.yaml");
        await File.WriteAllTextAsync(path, yaml, cancel);
        await CliAsync(cancel, "apply", "--wait", "-f", path);
    }

    /// <summary>Repeats a question of a running mesh until its answer is yes. Each turn is a request to a real process, so this is no busy loop.</summary>
    public static async Task UntilAsync(string what, Func<Task<bool>> holds, ProgramUnderTest asked, CancellationToken cancel)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(25));
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(ProgramUnderTest.Patience);
        try
        {
            while (!await holds())
            {
                Assert.False(asked.HasExited, $"{asked.Name} ended while waiting for {what}. It said:\n{asked.Output}");
                await pace.WaitForNextTickAsync(patience.Token);
            }
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"Gave up waiting for {what}. {asked.Name} said:\n{asked.Output}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var program in Enumerable.Reverse(_programs))
        {
            await program.DisposeAsync();
        }

        _client.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<ProxyUnderTest> StartProxyAsync(string name, string account, string[] bootstrapArguments, CancellationToken cancel)
    {
        var token = Path.Combine(_folder, $"{name}.token");
        string[] way = _identities is null ? ["--xds-address", XdsAddress]
            : ["--identity", "--join-token-file", token, "--root-file", Path.Combine(_folder, $"{name}.roots.pem"),
                .. _identities.CertificateLifetime is { } lifetime ? ["--certificate-lifetime", lifetime] : Array.Empty<string>()];
        var bootstrap = await CliAsync(cancel, ["bootstrap", .. bootstrapArguments, "--service-account", account, "--admin-port", "0", .. way]);
        if (_identities?.TokenOf is { } tokenOf) await File.WriteAllTextAsync(token, tokenOf(account), cancel);
        var path = Path.Combine(_folder, name + ".yaml");
        await File.WriteAllTextAsync(path, bootstrap, cancel);
        var program = ProgramUnderTest.Start(name, Programs.Proxy, ["-c", path, "--concurrency", "1"]);
        _programs.Add(program);
        const string Announcement = "admin address: ";
        var line = await program.WaitForLineAsync(Announcement, cancel);
        var admin = new Uri($"http://{line[(line.IndexOf(Announcement, StringComparison.Ordinal) + Announcement.Length)..]}");
        var proxy = new ProxyUnderTest(program, admin, _client);
        await UntilAsync("its first configuration", () => AnswersAsync(new Uri(admin, "/ready").ToString(), cancel), program, cancel);
        return proxy;
    }

    private async Task<bool> AnswersAsync(string url, CancellationToken cancel)
    {
        try
        {
            using var response = await _client.GetAsync(url, cancel);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
