using Envoy.Config.Route.V3;

namespace Lateen.Translation.Routing;

/// <summary>How long gRPC calls on a route may take.</summary>
internal static class GrpcDeadlines
{
    /// <summary>
    /// As long as the client says (<c>grpc-timeout</c>), which Istio's proxies keep on every route, and Envoy's only when told: a client that does not keep its own
    /// deadline would hold a server for ever. A route's own timeout stands beside it; the shorter one counts.
    /// </summary>
    public static RouteAction.Types.MaxStreamDuration OfClient() => new() { GrpcTimeoutHeaderMax = Messages.Zero };
}
