using System.Globalization;

namespace Lateen.Bench.Footprint;

/// <summary>`lateen up` with its certificate authority, and two sidecars that have identities of it: a client, and a server before the upstream.</summary>
internal sealed class IdentifiedMesh : IDisposable
{
    internal const string Host = "web.bench.svc.cluster.local";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("lateen-footprint-").FullName;
    private readonly List<RunningProgram> _programs = [];
    private readonly int _inbound = RunningProgram.FreePort();
    private readonly int _apiPort;

    /// <summary>Returns when the client is served through both sidecars.</summary>
    internal IdentifiedMesh(FootprintOptions options, int upstreamPort)
    {
        try
        {
            string config = Directory.CreateDirectory(Path.Combine(_folder, "config")).FullName;
            File.WriteAllText(Path.Combine(config, "mesh.yaml"), $"{Service(canTls: true)}---\n{Server(upstreamPort)}---\n{Policy("PERMISSIVE")}");
            var plane = Start(RunningProgram.Start(
                options.Lateen,
                ["up", "-d", config, "--state-dir", Path.Combine(_folder, "state"), "--xds-address", "127.0.0.1:0", "--secure-address", "127.0.0.1:0", "--api-address", "127.0.0.1:0"],
                _folder));
            string api = plane.WaitForLine("api ", Patience);
            plane.WaitForLine("ready revision ", Patience);
            _apiPort = int.Parse(api[(api.LastIndexOf(':') + 1)..].TrimEnd('/'), CultureInfo.InvariantCulture);
            StartSidecar(options, "web", RunningProgram.FreePort());
            ClientPort = RunningProgram.FreePort();
            var client = StartSidecar(options, "client", ClientPort);
            client.WaitUntil("an answer through both sidecars", () => Http.Answers(ClientPort, "/who", Host), Patience);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The client's forward proxy.</summary>
    internal int ClientPort { get; }

    internal KeepAliveConnection OpenApi() => KeepAliveConnection.Open(_apiPort);

    /// <param name="canTls">The endpoint is said to take mutual TLS. It does in either case, unless a policy says otherwise.</param>
    internal string Service(bool canTls) => $$"""
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: { name: web, namespace: bench }
        spec:
          hosts: [{{Host}}]
          location: MESH_INTERNAL
          resolution: STATIC
          ports:
            - { number: 80, name: http, protocol: HTTP }
          endpoints:
            - address: 127.0.0.1
              ports: { http: {{_inbound}} }
              serviceAccount: web
              labels: { app: web{{(canTls ? ", security.istio.io/tlsMode: istio" : "")}} }

        """;

    internal static string Policy(string mode) => $$"""
        apiVersion: security.istio.io/v1
        kind: PeerAuthentication
        metadata: { name: default, namespace: bench }
        spec: { mtls: { mode: {{mode}} } }

        """;

    public void Dispose()
    {
        foreach (var program in Enumerable.Reverse(_programs)) program.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>The server's sidecar, and a rule by which it tells callers with an identity from others.</summary>
    private string Server(int upstreamPort) => $$"""
        apiVersion: networking.istio.io/v1
        kind: Sidecar
        metadata: { name: web, namespace: bench }
        spec:
          workloadSelector: { labels: { app: web } }
          ingress:
            - { port: { number: {{_inbound}}, name: http, protocol: HTTP }, bind: 127.0.0.1, defaultEndpoint: "127.0.0.1:{{upstreamPort}}" }
        ---
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: { name: who, namespace: bench }
        spec:
          selector: { matchLabels: { app: web } }
          action: DENY
          rules:
            - from: [{ source: { notPrincipals: ["*"] } }]
              to: [{ operation: { paths: [/who] } }]

        """;

    private RunningProgram StartSidecar(FootprintOptions options, string name, int httpProxyPort)
    {
        int admin = RunningProgram.FreePort();
        string bootstrap = Path.Combine(_folder, name + ".yaml");
        File.WriteAllText(bootstrap, RunningProgram.OutputOf(
            options.Lateen,
            [
                "bootstrap", "sidecar", name, "-n", "bench", "-l", $"app={name}", "--service-account", name, "--admin-port", $"{admin}", "--http-proxy-port", $"{httpProxyPort}",
                "--identity", "--join-token-file", Path.Combine(_folder, name + ".token"), "--root-file", Path.Combine(_folder, name + ".roots.pem"), "--api", $"127.0.0.1:{_apiPort}",
            ],
            _folder));
        var proxy = Start(RunningProgram.Start(options.Proxy, ["-c", bootstrap, "--concurrency", "1", "--log-level", "warning"]));
        proxy.WaitUntil("the sidecar's readiness", () => Http.Answers(admin, "/ready"), Patience);
        return proxy;
    }

    private RunningProgram Start(RunningProgram program)
    {
        _programs.Add(program);
        return program;
    }
}
