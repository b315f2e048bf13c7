using Lateen.Model;
using Lateen.Model.Networking;

namespace Lateen.Translation.Tests;

/// <summary>Resources made in code, for tests that need many or need to change one.</summary>
internal static class TestMesh
{
    public const string Namespace = "shop";

    public static Resource<ServiceEntry> Service(string name, params string[] addresses) => new(
        ResourceKind.ServiceEntry,
        new ResourceMetadata { Name = name, Namespace = Namespace },
        new ServiceEntry
        {
            Hosts = [$"{name}.{Namespace}.svc.cluster.local"],
            Ports = [new ServiceEntryPort(9080, PortProtocol.Http, "http")],
            Location = ServiceEntryLocation.MeshInternal,
            Resolution = ServiceEntryResolution.Static,
            Endpoints = [.. addresses.Select(address => new WorkloadEntry { Address = address })],
        });

    /// <param name="name">The service that the rule is for.</param>
    /// <param name="timeout">Of its requests.</param>
    /// <param name="to">The service that they go to; null: the same.</param>
    public static Resource<VirtualService> Route(string name, TimeSpan? timeout = null, string? to = null) => new(
        ResourceKind.VirtualService,
        new ResourceMetadata { Name = name, Namespace = Namespace },
        new VirtualService
        {
            Hosts = [$"{name}.{Namespace}.svc.cluster.local"],
            Http =
            [
                new HttpRoute
                {
                    Timeout = timeout,
                    Route = [new HttpRouteDestination { Destination = new Destination { Host = $"{to ?? name}.{Namespace}.svc.cluster.local" } }],
                },
            ],
        });

    public static List<Resource> Of(int services)
    {
        var resources = new List<Resource>();
        for (int i = 0; i < services; i++)
        {
            resources.Add(Service($"svc-{i:0000}", $"10.0.{i / 250}.{(i % 250) + 1}"));
            resources.Add(Route($"svc-{i:0000}"));
        }

        return resources;
    }

    /// <summary>The resources with the one of the same key replaced.</summary>
    public static List<Resource> With(this IEnumerable<Resource> resources, Resource changed) =>
        [.. resources.Select(resource => resource.Key == changed.Key ? changed : resource)];

    public static ProxyIdentity Sidecar(string name = "client") => new()
    {
        Type = ProxyType.Sidecar,
        Id = $"sidecar~127.0.0.1~{name}.{Namespace}~{Namespace}.svc.cluster.local",
        Ip = "127.0.0.1",
        Name = name,
        Namespace = Namespace,
        WorkloadName = name,
        HttpProxyPort = 15080,
    };
}
