using System.Net;
using System.Net.Sockets;
using Lateen.Cli.Bootstrap;
using Lateen.Cli.Connection;
using Lateen.ControlPlane.Api;

namespace Lateen.Cli.Demo;

/// <summary>One run of the demo: plan, write, start, watch, stop. Everything it makes is under one temporary folder that goes with it.</summary>
internal sealed class DemoSession(CliEnvironment environment, TimeProvider time)
{
    private static readonly TimeSpan TokenLifetime = TimeSpan.FromDays(7);

    /// <summary>Starts of one proxy that its join token admits.</summary>
    private const int TokenUses = 1000;

    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(90);

    private readonly string _folder = Directory.CreateTempSubdirectory("lateen-demo-").FullName;
    private Action<string> _tell = environment.Error.WriteLine;

    /// <summary>Runs until <paramref name="stop"/>; returns the exit code.</summary>
    public async Task<int> RunAsync(int? port, double rate, CancellationToken stop)
    {
        var plan = BookshopPlan.Create(port);
        var ingress = new Uri($"http://127.0.0.1:{plan.IngressPort}");
        var ingressTls = new Uri($"https://127.0.0.1:{plan.IngressTlsPort}");
        var certificate = DemoCertificate.Create(time);
        var authority = Path.Combine(_folder, "ca.crt");
        try
        {
            await File.WriteAllTextAsync(authority, certificate.Authority, stop);
            await using var supervisor = new Supervisor(Folder("logs"), Say, time);
            using var traffic = new TrafficGenerator(ingress, ingressTls, certificate.Authority, Math.Max(rate, 0.001), time);
            try
            {
                BookshopConfig.Write(plan, Folder("config"), certificate);
                await StartAsync(plan, supervisor, traffic, stop);
                Introduce(ingress, ingressTls, authority);
                var sending = rate > 0 ? traffic.RunAsync(stop) : Task.CompletedTask;
                var view = new DemoView(environment, plan, supervisor, traffic, time);
                _tell = view.Notice;
                await view.RunAsync(stop);
                await sending;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // Ctrl-C while starting: stop as from anywhere else.
            }

            environment.Error.WriteLine("stopping ...");
        }
        finally
        {
            Directory.Delete(_folder, recursive: true);
        }

        return ExitCode.Success;
    }

    private async Task StartAsync(BookshopPlan plan, Supervisor supervisor, TrafficGenerator traffic, CancellationToken stop)
    {
        Say("starting the control plane");
        await supervisor.StartAsync(new ChildSpec(
            "control-plane",
            System.Environment.ProcessPath!,
            ["up", "-d", Folder("config"), "--xds-address", plan.XdsAddress, "--secure-address", plan.SecureAddress, "--api-address", plan.ApiAddress],
            new Dictionary<string, string>()));
        using (var client = new HttpClient())
        {
            await UntilAsync("the control plane to be ready", () => AnswersAsync(client, $"http://{plan.ApiAddress}/ready", stop), supervisor, stop);
        }

        Say($"starting {plan.Workloads.Count} services, their sidecars and the ingress gateway");
        using var authority = ControlPlaneClient.Connect(environment, plan.ApiAddress);
        foreach (var workload in plan.Workloads)
        {
            await supervisor.StartAsync(ProgramOf(plan, workload));
            await StartProxyAsync(supervisor, authority, workload.Name + "-sidecar", new ProxyBootstrap(
                ProxyBootstrap.Sidecar, workload.Name, BookshopPlan.Namespace, workload.App,
                new Dictionary<string, string> { ["app"] = workload.App, ["version"] = workload.Version },
                plan.SecureAddress, workload.AdminPort, workload.OutboundPort), stop);
        }

        await StartProxyAsync(supervisor, authority, "ingressgateway", new ProxyBootstrap(
            ProxyBootstrap.Router, "ingressgateway", BookshopPlan.Namespace, "ingressgateway",
            new Dictionary<string, string> { ["app"] = "ingressgateway", ["istio"] = "ingressgateway" },
            plan.SecureAddress, plan.IngressAdminPort), stop);
        // Every version has to be there before the first change sends readers to it.
        using (var client = new HttpClient())
        {
            foreach (var workload in plan.Workloads)
            {
                await UntilAsync($"{workload.Name} to answer", () => IsUpAsync(client, workload, stop), supervisor, stop);
                await UntilAsync($"the sidecar of {workload.Name} to be ready", () => AnswersAsync(client, $"http://127.0.0.1:{workload.AdminPort}/ready", stop), supervisor, stop);
            }
        }

        await UntilAsync("the storefront to answer through the mesh", () => traffic.IsServingAsync(stop), supervisor, stop);
    }

    private ChildSpec ProgramOf(BookshopPlan plan, Workload workload)
    {
        if (workload.Service == BookshopPlan.Visits)
        {
            return environment.Programs.Redis is { } redis
                ? new ChildSpec(workload.Name, redis, ["--port", $"{workload.AppPort}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", Folder("redis")], new Dictionary<string, string>())
                : new ChildSpec(workload.Name, environment.Programs.Bookshop, ["counter", "--port", $"{workload.AppPort}"], new Dictionary<string, string>());
        }

        string[] more = workload.Service == BookshopPlan.Storefront ? ["--visits", $"127.0.0.1:{plan.VisitsPort}"] : [];
        return new ChildSpec(
            workload.Name,
            environment.Programs.Bookshop,
            [workload.App, "--version", workload.Version, "--port", $"{workload.AppPort}", .. more],
            new Dictionary<string, string> { ["HTTP_PROXY"] = $"http://127.0.0.1:{workload.OutboundPort}", ["NO_PROXY"] = "" });
    }

    private async Task StartProxyAsync(Supervisor supervisor, ControlPlaneClient authority, string name, ProxyBootstrap bootstrap, CancellationToken stop)
    {
        var folder = Folder("bootstrap");
        // A sidecar that was killed comes back with the token that it first joined by: its key and its certificate went with it.
        var (identity, _) = await TokenFiles.WriteAsync(
            authority,
            new TokenRequest(bootstrap.Namespace, bootstrap.ServiceAccount, TokenLifetime.TotalSeconds, TokenUses) { Gateway = bootstrap.IsGateway, Labels = new(bootstrap.Labels) },
            Path.Combine(folder, name + ".token"),
            Path.Combine(folder, "roots.pem"),
            stop);
        var path = Path.Combine(folder, name + ".yaml");
        await File.WriteAllTextAsync(path, (bootstrap with { Identity = identity }).ToYaml(), stop);
        await supervisor.StartAsync(new ChildSpec(name, environment.Programs.Proxy, ["-c", path, "--concurrency", "1"], new Dictionary<string, string>
        {
            // A dozen small .NET processes share this machine: let each keep to a small heap.
            ["DOTNET_gcConcurrent"] = "0",
            ["DOTNET_TieredPGO"] = "0",
        }));
    }

    private async Task UntilAsync(string what, Func<Task<bool>> holds, Supervisor supervisor, CancellationToken stop)
    {
        var started = time.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100), time);
        while (!await holds())
        {
            if (time.GetElapsedTime(started) > StartDeadline)
            {
                var suspects = supervisor.Children.Where(child => child.Restarts > 0 || child.ProcessId is null).Select(child => child.Spec.Name).ToArray();
                var log = supervisor.LogOf(suspects.FirstOrDefault() ?? "control-plane");
                var tail = File.Exists(log) ? string.Join('\n', File.ReadLines(log).TakeLast(12)) : "(empty)";
                throw new CliException(
                    ExitCode.TimedOut,
                    $"Waited {StartDeadline.TotalSeconds:0} s for {what}. {(suspects.Length > 0 ? $"Not steady: {string.Join(", ", suspects)}." : "Every process runs.")}\n{tail}",
                    "Run the same with a quieter machine, or look at one piece alone: `lateen up -d DIR`, then `lateen proxy-status`.");
            }

            await timer.WaitForNextTickAsync(stop);
        }
    }

    /// <summary>An application of HTTP is asked; of the others it is enough that they listen.</summary>
    private static async Task<bool> IsUpAsync(HttpClient client, Workload workload, CancellationToken stop)
    {
        if (workload.Service.Speaks == Speech.Http) return await AnswersAsync(client, $"http://127.0.0.1:{workload.AppPort}/healthz", stop);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, workload.AppPort, stop);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static async Task<bool> AnswersAsync(HttpClient client, string url, CancellationToken stop)
    {
        try
        {
            using var response = await client.GetAsync(url, stop);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return false; // Not in time.
        }
    }

    private void Introduce(Uri ingress, Uri ingressTls, string authority)
    {
        var output = environment.Output;
        output.WriteLine();
        output.WriteLine($"  Storefront  {ingress}book/0");
        output.WriteLine($"  With TLS    {ingressTls}book/0");
        output.WriteLine($"              curl --cacert {authority} {ingressTls}book/0");
        output.WriteLine($"  Logs        {Folder("logs")}");
        output.WriteLine("  Every request goes ingress -> sidecar -> service -> sidecar -> ...; the services know nothing of it.");
        output.WriteLine("  Between them it is mutual TLS: each has an identity (spiffe://cluster.local/ns/bookshop/sa/NAME), and a certificate from this mesh's own authority.");
        output.WriteLine("  The page asks over HTTP, gRPC (stock) and TCP (visits, in Redis), and follows the orders over a WebSocket.");
        output.WriteLine();
        output.WriteLine("  Change it from a second terminal:");
        output.WriteLine("    ./lateen apply --wait -f samples/bookshop/config/canary-90-10.yaml       reviews: 90% v1, 10% v2");
        output.WriteLine("    ./lateen apply --wait -f samples/bookshop/config/ana-sees-v3.yaml        reader ana gets v3 (red stars)");
        output.WriteLine("    ./lateen apply --wait -f samples/bookshop/config/redirect-old-page.yaml  /productpage moves to /book/0");
        output.WriteLine("    ./lateen apply --wait -f samples/bookshop/config/all-to-v1.yaml          back to the start");
        output.WriteLine("  Close it, and say who may call whom:");
        output.WriteLine("    ./lateen apply --wait -f samples/bookshop/config/strict-mtls.yaml        nothing but mutual TLS");
        output.WriteLine("    ./lateen apply --wait -f samples/bookshop/config/deny-all.yaml           nobody may call anybody: 403");
        output.WriteLine("    ./lateen apply --wait -f samples/bookshop/config/allow-the-shop.yaml     who has business there may");
        output.WriteLine("    ./lateen apply --wait -f samples/bookshop/config/jwt-for-admin.yaml      /admin wants a token");
        output.WriteLine("    ./lateen apply --wait -f samples/bookshop/config/access-log.yaml         each proxy logs what it serves and refuses");
        output.WriteLine("    ./lateen proxy-config secret storefront-v1                               the identity of a sidecar");
        output.WriteLine("    ./lateen proxy-status ; ./lateen proxy-config routes storefront-v1");
        output.WriteLine("  Kill a sidecar and watch it return. Ctrl-C stops everything.");
        output.WriteLine();
    }

    private void Say(string line) => _tell(line);

    private string Folder(string name) => Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
}
