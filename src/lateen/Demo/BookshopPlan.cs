using System.Net;
using System.Net.Sockets;

namespace Lateen.Cli.Demo;

/// <summary>One process of the shop and its place behind a sidecar. Ports are on loopback and free at the time of planning.</summary>
/// <param name="Name">Workload name, unique in the mesh: <c>reviews-v2</c>.</param>
/// <param name="App">Service that it belongs to: <c>reviews</c>.</param>
/// <param name="Version">Value of its <c>version</c> label.</param>
/// <param name="AppPort">Where the application itself listens; only its sidecar knows.</param>
/// <param name="InboundPort">Where the sidecar listens for the mesh: the address that others are given.</param>
/// <param name="OutboundPort">The sidecar's HTTP proxy port: what the application has in <c>HTTP_PROXY</c>.</param>
/// <param name="AdminPort">The sidecar's admin page.</param>
internal sealed record Workload(string Name, string App, string Version, int AppPort, int InboundPort, int OutboundPort, int AdminPort);

/// <summary>Who is in the demo and which ports they use.</summary>
internal sealed record BookshopPlan(IReadOnlyList<Workload> Workloads, int IngressPort, int IngressAdminPort, int XdsPort, int ApiPort)
{
    /// <summary>The namespace of every resource of the demo.</summary>
    public const string Namespace = "bookshop";

    /// <summary>The port that every service of the shop has in the mesh's eyes.</summary>
    public const int ServicePort = 9080;

    private const int LowestPort = 20_000;
    private const int HighestPort = 32_000;

    /// <summary>Where the control plane serves xDS.</summary>
    public string XdsAddress => $"127.0.0.1:{XdsPort}";

    /// <summary>Where the control plane serves the CLI.</summary>
    public string ApiAddress => $"127.0.0.1:{ApiPort}";

    private static readonly (string App, string Version)[] Processes =
        [("storefront", "v1"), ("details", "v1"), ("ratings", "v1"), ("reviews", "v1"), ("reviews", "v2"), ("reviews", "v3")];

    /// <summary>Plans the shop on ports that are free now.</summary>
    public static BookshopPlan Create(int? ingressPort)
    {
        var ports = new Queue<int>(FreePorts((Processes.Length * 4) + 4));
        Workload[] workloads =
        [
            .. Processes.Select(process => new Workload($"{process.App}-{process.Version}", process.App, process.Version,
                ports.Dequeue(), ports.Dequeue(), ports.Dequeue(), ports.Dequeue())),
        ];
        var planned = ports.Dequeue();
        return new BookshopPlan(workloads, ingressPort ?? planned, ports.Dequeue(), ports.Dequeue(), ports.Dequeue());
    }

    // All are held open until the last is known, so that none is chosen twice. They lie below the range from which Linux takes the ports of
    // outgoing connections, so that none is lost to one before its owner binds it.
    private static int[] FreePorts(int count)
    {
        var listeners = new List<TcpListener>();
        try
        {
            while (listeners.Count < count)
            {
                var listener = new TcpListener(IPAddress.Loopback, Random.Shared.Next(LowestPort, HighestPort));
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
