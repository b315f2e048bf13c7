using System.Net;
using System.Net.Sockets;
using Lateen.Testing;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>
/// One mesh that all tests of real peers go through: an ingress gateway, a sidecar of callers, and a sidecar in front of a web server (HTTP/1.1), a gRPC
/// server, a Redis, a server that speaks first, and a server with TLS of its own. Only the service "web" says what its port speaks. Of the others the mesh has no
/// hint: the servers' sidecar finds out, behind the gateway, whose ports say TCP or TLS because they have to, and behind the callers' sidecar, whose ports
/// (<c>own-</c>) say nothing either.
/// </summary>
/// <remarks>Shared because it takes seconds to start; nothing of a test stays in it but counters, and tests that read those run one after the other.</remarks>
public sealed class PeerMesh : IAsyncLifetime
{
    private readonly List<IAsyncDisposable> _servers = [];
    private readonly Dictionary<string, int> _ports = [];

    /// <summary>Signs the ingress's certificate, and that of the server with TLS of its own.</summary>
    internal TestAuthority Authority { get; } = new();

    internal WebServer Web { get; private set; } = null!;

    internal CallsServer Calls { get; private set; } = null!;

    internal BannerServer Mail { get; } = new();

    internal ProgramUnderTest? Redis { get; private set; }

    internal MeshUnderTest Mesh { get; private set; } = null!;

    internal ProxyUnderTest Gateway { get; private set; } = null!;

    internal ProxyUnderTest Sidecar { get; private set; } = null!;

    internal ProxyUnderTest Callers { get; private set; } = null!;

    /// <summary>The authority's certificate as a file, for programs that want one.</summary>
    internal string AuthorityFile { get; private set; } = "";

    /// <summary>A port of the gateway, or of the callers' sidecar (<c>own-</c>), by what it carries; see <see cref="PeerYaml"/>.</summary>
    internal int Port(string gate) => _ports[gate];

    internal Uri Http(string path) => new($"http://127.0.0.1:{Port("http")}{path}");

    internal Uri Https(string path) => new($"https://127.0.0.1:{Port("https")}{path}");

    public async ValueTask InitializeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var cancel = patience.Token;
        Web = await WebServer.StartAsync();
        Calls = await CallsServer.StartAsync();
        var secure = await WebServer.StartAsync(Authority.Issue("secure.example"));
        _servers.AddRange([Web, Calls, secure]);
        var gates = PeerYaml.Gates;
        var ports = new Queue<int>(FreePorts.Take(gates.Length + PeerYaml.OwnGates.Length + PeerYaml.Services.Length + 3));
        foreach (var gate in gates)
        {
            _ports[gate] = ports.Dequeue();
        }

        var redisPort = ports.Dequeue();
        if (Tools.WhyWithout("redis-server", "redis-server") is null)
        {
            Redis = ProgramUnderTest.Start("redis", "redis-server", ["--port", $"{redisPort}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
            await Redis.WaitForLineAsync("Ready to accept connections", cancel);
        }

        var servers = new Dictionary<string, int>
        {
            ["web"] = Web.Port,
            ["plain"] = Web.Port,
            ["calls"] = Calls.Port,
            ["redis"] = redisPort,
            ["mail"] = Mail.Port,
            ["secure"] = secure.Port,
        };
        var own = PeerYaml.OwnGates.ToDictionary(gate => gate, _ => ports.Dequeue());
        var services = PeerYaml.Services.Select(service => new PeerService(service, ports.Dequeue(), servers[service], own.GetValueOrDefault($"own-{service}"))).ToArray();
        Mesh = await MeshUnderTest.StartAsync(PeerYaml.Write(new Dictionary<string, int>(_ports), services, Authority.IssueSecret("peers-certificate", "web.example", "mail.example", "localhost")), cancel);
        AuthorityFile = Path.Combine(Path.GetDirectoryName(Mesh.ConfigFolder)!, "ca.crt");
        await File.WriteAllTextAsync(AuthorityFile, Authority.Certificate, cancel);
        Sidecar = await Mesh.StartSidecarAsync("peers", "peers", ports.Dequeue(), cancel);
        Callers = await Mesh.StartSidecarAsync("callers", "callers", ports.Dequeue(), cancel);
        Gateway = await Mesh.StartGatewayAsync("ingress", cancel);
        foreach (var (gate, port) in own) _ports[gate] = port;
        foreach (var gate in _ports.Keys)
        {
            await UntilItListensAsync(gate, cancel);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Mesh is not null)
        {
            await Mesh.DisposeAsync();
        }

        if (Redis is not null)
        {
            await Redis.DisposeAsync();
        }

        Mail.Dispose();
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }

        Authority.Dispose();
    }

    private Task UntilItListensAsync(string gate, CancellationToken cancel) => MeshUnderTest.UntilAsync(
        $"a proxy to listen for {gate}",
        async () =>
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, Port(gate), cancel);
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        },
        Mesh.ControlPlane,
        cancel);
}

/// <summary>Tests that share the mesh run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class PeerTests : ICollectionFixture<PeerMesh>
{
    public const string Name = "real peers";
}
