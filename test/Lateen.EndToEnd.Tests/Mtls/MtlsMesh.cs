using Lateen.Testing;

namespace Lateen.EndToEnd.Tests.Mtls;

/// <summary>
/// Two workloads with identities, <c>client</c> and <c>web</c>, and a tap on each way between their sidecars. Web has an HTTP port, a TCP port, and two
/// ports that declare nothing, one with an HTTP server and one with an echo behind it.
/// </summary>
internal sealed class MtlsMesh : IAsyncDisposable
{
    public const string Host = "web.default.svc.cluster.local";

    /// <summary>What the client's certificate names.</summary>
    public const string ClientIdentity = "spiffe://cluster.local/ns/default/sa/client";

    /// <summary>What the server's certificate names.</summary>
    public const string ServerIdentity = "spiffe://cluster.local/ns/default/sa/web";

    private readonly List<IAsyncDisposable> _servers = [];

    private MtlsMesh()
    {
        var ports = new Queue<int>(FreePorts.Take(8));
        ForwardProxy = ports.Dequeue();
        Http = Way(ports);
        Tcp = Way(ports);
        AnyHttp = Way(ports);
        AnyTcp = Way(ports);
        Tcp = Tcp with { Out = ports.Dequeue() };
        AnyHttp = AnyHttp with { Out = ports.Dequeue() };
        AnyTcp = AnyTcp with { Out = ports.Dequeue() };
    }

    /// <summary>One port of the service.</summary>
    /// <param name="Inbound">Where the server's sidecar listens.</param>
    /// <param name="Tap">Between the sidecars: what clients know as the endpoint.</param>
    /// <param name="Out">Where the client's sidecar listens for it, which is the service's port; 80 for HTTP, which goes by the forward proxy.</param>
    public sealed record WayTo(int Inbound, WireTap Tap, int Out = 80);

    public MeshUnderTest Mesh { get; private set; } = null!;

    public ProxyUnderTest Client { get; private set; } = null!;

    public ProxyUnderTest Server { get; private set; } = null!;

    public int ForwardProxy { get; }

    public WayTo Http { get; }

    public WayTo Tcp { get; }

    public WayTo AnyHttp { get; }

    public WayTo AnyTcp { get; }

    /// <summary>Every port of the server, under both numbers that it is known by.</summary>
    public IEnumerable<int> WorkloadPorts => new[] { Http, Tcp, AnyHttp, AnyTcp }.SelectMany(static way => new[] { way.Inbound, way.Tap.Port });

    public static async Task<MtlsMesh> StartAsync(CancellationToken cancel, string more = "", IdentityOptions? identities = null)
    {
        var mesh = new MtlsMesh();
        try
        {
            await mesh.BeginAsync(more, identities, cancel);
            return mesh;
        }
        catch
        {
            // What has begun would outlive the test.
            await mesh.DisposeAsync();
            throw;
        }
    }

    /// <summary>The service, its endpoint said to be of an account.</summary>
    public string Service(string account) => $$"""
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata:
          name: web
        spec:
          hosts: [{{Host}}]
          location: MESH_INTERNAL
          resolution: STATIC
          ports:
            - { number: {{Http.Out}}, name: http, protocol: HTTP }
            - { number: {{Tcp.Out}}, name: tcp, protocol: TCP }
            - { number: {{AnyHttp.Out}}, name: any-http, protocol: "" }
            - { number: {{AnyTcp.Out}}, name: any-tcp, protocol: "" }
          endpoints:
            - address: 127.0.0.1
              ports: { http: {{Http.Tap.Port}}, tcp: {{Tcp.Tap.Port}}, any-http: {{AnyHttp.Tap.Port}}, any-tcp: {{AnyTcp.Tap.Port}} }
              serviceAccount: {{account}}
              labels: { app: web, security.istio.io/tlsMode: istio }

        """;

    /// <summary>An HTTP request of the client to the service, as its sidecar answers it.</summary>
    public Task<string> GetAsync(CancellationToken cancel, string path = "/") => Caller.GetAsync(ForwardProxy, $"http://{Host}{path}", Host, cancel);

    public async ValueTask DisposeAsync()
    {
        if (Mesh is not null) await Mesh.DisposeAsync();
        foreach (var way in new[] { Http, Tcp, AnyHttp, AnyTcp }) await way.Tap.DisposeAsync();
        foreach (var server in _servers) await server.DisposeAsync();
    }

    private async Task BeginAsync(string more, IdentityOptions? identities, CancellationToken cancel)
    {
        var web = await UpstreamUnderTest.StartAsync("web");
        var echo = new EchoServer();
        _servers.AddRange([web, echo]);
        string yaml = ShopYaml.Join(Service("web"), Sidecars(web.Port, echo.Port));
        Mesh = await MeshUnderTest.StartWithIdentitiesAsync(more.Length == 0 ? yaml : ShopYaml.Join(yaml, more), cancel, identities);
        Server = await Mesh.StartSidecarAsync("web", "web", FreePorts.Take(1)[0], cancel);
        Client = await Mesh.StartSidecarAsync("client", "client", ForwardProxy, cancel);
    }

    private static WayTo Way(Queue<int> ports)
    {
        int inbound = ports.Dequeue();
        return new WayTo(inbound, new WireTap(inbound));
    }

    private string Sidecars(int http, int echo) => $$"""
        apiVersion: networking.istio.io/v1
        kind: Sidecar
        metadata:
          name: web
        spec:
          workloadSelector: { labels: { app: web } }
          ingress:
            - { port: { number: {{Http.Inbound}}, name: http, protocol: HTTP }, defaultEndpoint: "127.0.0.1:{{http}}" }
            - { port: { number: {{Tcp.Inbound}}, name: tcp, protocol: TCP }, defaultEndpoint: "127.0.0.1:{{echo}}" }
            - { port: { number: {{AnyHttp.Inbound}}, name: any-http }, defaultEndpoint: "127.0.0.1:{{http}}" }
            - { port: { number: {{AnyTcp.Inbound}}, name: any-tcp }, defaultEndpoint: "127.0.0.1:{{echo}}" }
          egress:
            - hosts: ["./*"]
        ---
        apiVersion: networking.istio.io/v1
        kind: Sidecar
        metadata:
          name: client
        spec:
          workloadSelector: { labels: { app: client } }
          egress:
            - { port: { number: {{Tcp.Out}}, name: tcp, protocol: TCP }, bind: 127.0.0.1, hosts: ["./{{Host}}"] }
            - { port: { number: {{AnyHttp.Out}}, name: any-http }, bind: 127.0.0.1, hosts: ["./{{Host}}"] }
            - { port: { number: {{AnyTcp.Out}}, name: any-tcp }, bind: 127.0.0.1, hosts: ["./{{Host}}"] }
            - hosts: ["./*"]

        """;
}
