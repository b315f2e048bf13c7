using System.Collections.Immutable;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Connections;

namespace Lateen.Translation.Gateways;

/// <summary>What a gateway's server does with a connection.</summary>
internal enum ServerKind
{
    /// <summary>Reads HTTP in the clear.</summary>
    Http,

    /// <summary>Opens TLS and reads HTTP.</summary>
    Https,

    /// <summary>Opens TLS and carries what is inside.</summary>
    Tls,

    /// <summary>Carries TLS unopened, by its server name.</summary>
    Passthrough,

    /// <summary>Carries anything.</summary>
    Tcp,
}

/// <summary>One server of one Gateway.</summary>
internal readonly record struct GatewayServerEntry(Resource<Gateway> Gateway, GatewayServer Server, ServerKind Kind)
{
    /// <summary>The Gateway and the port, for people.</summary>
    public string Description =>
        $"Gateway {Gateway.Namespace}/{Gateway.Name}: the {ProtocolSelection.NameOf(Server.Port.Protocol).ToUpperInvariant()} server on port {Server.Port.Number}";

    /// <summary>The hosts without their namespaces, in written order.</summary>
    public IEnumerable<string> Hosts => Server.Hosts.Select(host => host.Host).Distinct();
}

/// <summary>All servers of one address and port, from the oldest Gateway to the youngest; all read HTTP in the clear, or all are TLS, or it is one for TCP.</summary>
internal sealed class GatewayPortServers(string bind, int number)
{
    private readonly List<GatewayServerEntry> _servers = [];

    public string Bind { get; } = bind;

    public int Number { get; } = number;

    public IReadOnlyList<GatewayServerEntry> Servers => _servers;

    public bool IsPlainHttp => _servers is [{ Kind: ServerKind.Http }, ..];

    /// <summary>gRPC-Web when any server declares it: its filter leaves other requests alone.</summary>
    public PortProtocol HttpProtocol =>
        _servers.Exists(entry => entry.Server.Port.Protocol == PortProtocol.GrpcWeb) ? PortProtocol.GrpcWeb : PortProtocol.Http;

    public bool IsTls => _servers.Count > 0 && IsOfTls(_servers[0].Kind);

    /// <summary>Adds a server, or says why it cannot stand beside those that are there (the older has the port; Istio's rules).</summary>
    public string? TryAdd(GatewayServerEntry entry)
    {
        if (_servers.Count > 0 && (entry.Kind == ServerKind.Tcp || Family(entry.Kind) != Family(_servers[0].Kind)))
            return $"{_servers[0].Description} has the port already, and the two protocols cannot share it";
        if (IsOfTls(entry.Kind))
        {
            foreach (var other in _servers)
            {
                // Unopened TLS may be named twice: the VirtualServices' own server names tell the connections apart.
                if (entry.Kind == ServerKind.Passthrough && other.Kind == ServerKind.Passthrough) continue;
                if (entry.Hosts.FirstOrDefault(host => other.Hosts.Contains(host)) is { } taken) return $"{other.Description} serves the host '{taken}' there already";
            }
        }

        _servers.Add(entry);
        return null;
    }

    private static bool IsOfTls(ServerKind kind) => kind is ServerKind.Https or ServerKind.Tls or ServerKind.Passthrough;

    private static int Family(ServerKind kind) => kind == ServerKind.Http ? 0 : kind == ServerKind.Tcp ? 1 : 2;
}

/// <summary>Sorts the servers of the Gateways that select a proxy by address and port.</summary>
internal static class GatewayMerge
{
    /// <summary>A gateway serves the world unless its server binds elsewhere: that is what it is for, and what Istio does.</summary>
    public const string DefaultBind = "0.0.0.0";

    public static List<GatewayPortServers> Of(ImmutableArray<Resource<Gateway>> oldestFirst, bool hasIdentity, ImmutableArray<string>.Builder notices)
    {
        var ports = new List<GatewayPortServers>();
        foreach (var gateway in oldestFirst)
        {
            foreach (var server in gateway.Spec.Servers)
            {
                var entry = new GatewayServerEntry(gateway, server, ServerKind.Http);
                if (KindOf(server, hasIdentity, out string? complaint) is { } kind) entry = entry with { Kind = kind };
                else
                {
                    notices.Add($"{entry.Description} is left out: {complaint}");
                    continue;
                }

                string bind = Listeners.Bind(server.Bind, DefaultBind);
                var port = ports.Find(port => port.Bind == bind && port.Number == server.Port.Number);
                if (port is null) ports.Add(port = new GatewayPortServers(bind, server.Port.Number));
                if (port.TryAdd(entry) is { } conflict) notices.Add($"{entry.Description} is left out: {conflict}");
            }
        }

        return ports;
    }

    private static ServerKind? KindOf(GatewayServer server, bool hasIdentity, out string? complaint)
    {
        complaint = null;
        if (server.Port.Protocol.IsHttp()) return ServerKind.Http;
        if (server.Tls is not { HttpsRedirect: false } tls) return ServerKind.Tcp;
        switch (tls.Mode)
        {
            case ServerTlsMode.Passthrough:
                return ServerKind.Passthrough;
            case ServerTlsMode.IstioMutual when !hasIdentity:
                complaint = "ISTIO_MUTUAL needs an identity, which this proxy does not have";
                return null;
            case ServerTlsMode.Simple or ServerTlsMode.Mutual or ServerTlsMode.OptionalMutual or ServerTlsMode.IstioMutual:
                return server.Port.Protocol == PortProtocol.Https ? ServerKind.Https : ServerKind.Tls;
            default:
                complaint = "AUTO_PASSTHROUGH needs several networks, which are not supported yet";
                return null;
        }
    }
}
