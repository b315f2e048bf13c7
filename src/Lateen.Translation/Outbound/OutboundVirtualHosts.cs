using Envoy.Config.Route.V3;
using Lateen.Model.Networking;
using Lateen.Translation.Naming;
using Lateen.Translation.Routing;

namespace Lateen.Translation.Outbound;

/// <summary>Makes the virtual hosts of a sidecar.</summary>
internal static class OutboundVirtualHosts
{
    public static VirtualHost Of(VirtualHostSlot slot, VirtualHostInputs inputs, DestinationPorts ports)
    {
        var host = new VirtualHost { Name = $"{slot.Host}:{slot.Port}", IncludeRequestAttemptCount = true };
        host.Domains.AddRange(inputs.Domains);
        var routes = new HttpRoutes(inputs.Mesh, slot.Port, ports);
        if (inputs.VirtualService is { Http.IsEmpty: false } virtualService)
        {
            var audience = new RouteAudience(slot.ClientNamespace, slot.ClientLabels ?? [], [BoundVirtualService.MeshGateway], slot.Port);
            host.Routes.AddRange(routes.Of(RouteOrder.Of(virtualService, audience)));
        }
        else host.Routes.Add(routes.Default(ClusterNames.Outbound(slot.Port, null, slot.Host), $"{slot.Host}:{slot.Port}/*"));

        return host;
    }

    /// <summary>
    /// What unknown hosts get: 502. To pass them on, the proxy would have to connect where the client was going, and in the explicit way only the
    /// name that the client wrote says that; so ALLOW_ANY blocks as REGISTRY_ONLY does, unless an egress proxy is named.
    /// </summary>
    public static readonly SerializedVirtualHost BlockAll = SerializedVirtualHost.Of(new VirtualHost
    {
        Name = "block_all",
        Domains = { "*" },
        IncludeRequestAttemptCount = true,
        Routes =
        {
            new Route { Name = "block_all", Match = RouteMatches.All(), DirectResponse = new DirectResponseAction { Status = 502 } },
        },
    });

    /// <summary>Unknown hosts leave through the egress proxy that the Sidecar names.</summary>
    public static SerializedVirtualHost AllowAny(string cluster) => SerializedVirtualHost.Of(new VirtualHost
    {
        Name = "allow_any",
        Domains = { "*" },
        IncludeRequestAttemptCount = true,
        Routes =
        {
            new Route
            {
                Name = "allow_any",
                Match = RouteMatches.All(),
                Route_ = new RouteAction { Cluster = cluster, Timeout = Messages.Zero, MaxStreamDuration = GrpcDeadlines.OfClient() },
            },
        },
    });
}
