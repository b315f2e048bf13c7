using System.Net;
using System.Net.Sockets;

namespace Lateen.Cli.Demo;

/// <summary>What a service of the shop speaks; it decides how the mesh is told of its port.</summary>
internal enum Speech
{
    /// <summary>HTTP/1.1, upgrades to WebSocket included.</summary>
    Http,

    /// <summary>gRPC: HTTP/2 without TLS.</summary>
    Grpc,

    /// <summary>Bytes: to the mesh a Redis is a TCP connection.</summary>
    Tcp,
}

/// <summary>A service as others name it.</summary>
/// <param name="App">Its name: <c>reviews</c>.</param>
/// <param name="Port">The port that it has in the mesh's eyes.</param>
/// <param name="PortName">How its port is called in resources.</param>
/// <param name="Speaks">The protocol of that port.</param>
internal sealed record ShopService(string App, int Port, string PortName, Speech Speaks)
{
    /// <summary>The protocol as Istio's resources write it.</summary>
    public string Protocol => Speaks.ToString().ToUpperInvariant();

    /// <summary>Its name in the whole mesh.</summary>
    public string Host => $"{App}.{BookshopPlan.Namespace}.svc.cluster.local";
}

/// <summary>One process of the shop and its place behind a sidecar. Ports are on loopback and free at the time of planning.</summary>
/// <param name="Name">Workload name, unique in the mesh: <c>reviews-v2</c>.</param>
/// <param name="Service">Service that it belongs to.</param>
/// <param name="Version">Value of its <c>version</c> label.</param>
/// <param name="AppPort">Where the application itself listens; only its sidecar knows.</param>
/// <param name="InboundPort">Where the sidecar listens for the mesh: the address that others are given.</param>
/// <param name="OutboundPort">The sidecar's HTTP proxy port: what the application has in <c>HTTP_PROXY</c>.</param>
/// <param name="AdminPort">The sidecar's admin page.</param>
internal sealed record Workload(string Name, ShopService Service, string Version, int AppPort, int InboundPort, int OutboundPort, int AdminPort)
{
    /// <summary>The service's name: <c>reviews</c>.</summary>
    public string App => Service.App;
}

/// <summary>Who is in the demo and which ports they use.</summary>
/// <param name="IngressPort">The storefront without TLS.</param>
/// <param name="IngressTlsPort">The storefront with TLS.</param>
/// <param name="VisitsPort">
/// Where the storefront finds the counter of visits: a port of its own sidecar, since a TCP connection does not say whom it is for. It is the service's port
/// in the mesh's eyes too, for an egress listener with a port leads to the services that have that port (Istio's rule).
/// </param>
internal sealed record BookshopPlan(
    IReadOnlyList<Workload> Workloads, int IngressPort, int IngressTlsPort, int IngressAdminPort, int VisitsPort, int XdsPort, int SecurePort, int ApiPort)
{
    /// <summary>The namespace of every resource of the demo.</summary>
    public const string Namespace = "bookshop";

    /// <summary>The service that a reader's browser comes to first.</summary>
    public static readonly ShopService Storefront = new("storefront", 9080, "http", Speech.Http);

    /// <summary>The service behind the page's WebSocket.</summary>
    public static readonly ShopService Orders = new("orders", 9080, "http", Speech.Http);

    /// <summary>Redis, or what stands in for it. Its port is <see cref="VisitsPort"/>, so that two demos of one machine do not meet.</summary>
    public static readonly ShopService Visits = new("visits", 0, "redis", Speech.Tcp);

    private const int LowestPort = 20_000;
    private const int HighestPort = 26_000;

    /// <summary>The port of a service in the mesh's eyes.</summary>
    public int PortOf(ShopService service) => service == Visits ? VisitsPort : service.Port;

    /// <summary>Where the control plane serves xDS.</summary>
    public string XdsAddress => $"127.0.0.1:{XdsPort}";

    /// <summary>Where it serves xDS and certificates over mutual TLS: to the demo's own proxies.</summary>
    public string SecureAddress => $"127.0.0.1:{SecurePort}";

    /// <summary>Where the control plane serves the CLI.</summary>
    public string ApiAddress => $"127.0.0.1:{ApiPort}";

    private static readonly ShopService Reviews = new("reviews", 9080, "http", Speech.Http);

    private static readonly (ShopService Service, string Version)[] Processes =
    [
        (Storefront, "v1"),
        (new("details", 9080, "http", Speech.Http), "v1"),
        (new("ratings", 9080, "http", Speech.Http), "v1"),
        (Reviews, "v1"),
        (Reviews, "v2"),
        (Reviews, "v3"),
        (new("inventory", 9090, "grpc", Speech.Grpc), "v1"),
        (Orders, "v1"),
        (Visits, "v1"),
    ];

    /// <summary>Plans the shop on ports that are free now; <paramref name="ingressPort"/> is taken as it is.</summary>
    public static BookshopPlan Create(int? ingressPort)
    {
        var ports = new Queue<int>(FreePorts((Processes.Length * 4) + 7));
        Workload[] workloads =
        [
            .. Processes.Select(process => new Workload($"{process.Service.App}-{process.Version}", process.Service, process.Version,
                ports.Dequeue(), ports.Dequeue(), ports.Dequeue(), ports.Dequeue())),
        ];
        var planned = ports.Dequeue();
        return new BookshopPlan(workloads, ingressPort ?? planned, ports.Dequeue(), ports.Dequeue(), ports.Dequeue(), ports.Dequeue(), ports.Dequeue(), ports.Dequeue());
    }

    // All are held open until the last is known, so that none is chosen twice. They lie below the range from which Linux takes the ports of
    // outgoing connections, so that none is lost to one before its owner binds it; and they follow on one another from a place of chance, so
    // that two demos which start at one moment hardly ever want the same.
    private static int[] FreePorts(int count)
    {
        var listeners = new List<TcpListener>();
        var port = Random.Shared.Next(LowestPort, HighestPort);
        try
        {
            while (listeners.Count < count)
            {
                if (++port >= HighestPort) port = LowestPort;
                var listener = new TcpListener(IPAddress.Loopback, port);
                try
                {
                    listener.Start();
                    listeners.Add(listener);
                }
                catch (SocketException taken) when (taken.SocketErrorCode == SocketError.AddressAlreadyInUse)
                {
                    listener.Dispose();
                }
            }

            return [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            foreach (var listener in listeners) listener.Dispose();
        }
    }
}
