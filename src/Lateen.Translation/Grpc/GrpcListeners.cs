using System.Collections.Immutable;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Http.Router.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Lateen.Model;
using Lateen.Translation.Naming;
using Lateen.Xds;

namespace Lateen.Translation.Grpc;

/// <summary>
/// API listeners (gRFC A27): what a client that dials <c>xds:///NAME:PORT</c> asks for under that very name. Nothing listens there; the resource
/// says which route table applies.
/// </summary>
internal static class GrpcListeners
{
    /// <summary>One listener for each name by which clients of the namespace may ask for the port; all lead to the same route table.</summary>
    public static ImmutableArray<XdsResource> Of(MeshService service, int port, string clientNamespace, string clusterDomain)
    {
        var body = Google.Protobuf.WellKnownTypes.Any.Pack(new HttpConnectionManager
        {
            Rds = new Rds { ConfigSource = Messages.Aggregated(), RouteConfigName = ClusterNames.Outbound(port, null, service.Hostname) },
            HttpFilters = { new HttpFilter { Name = "envoy.filters.http.router", TypedConfig = Messages.Pack(new Router()) } },
        });
        return
        [
            .. Names(service, clientNamespace, clusterDomain).Select(name => $"{name}:{port}").Select(name =>
                XdsResource.FromMessage(name, new Listener { Name = name, ApiListener = new ApiListener { ApiListener_ = body } })),
        ];
    }

    /// <summary>Istio's rule: the whole name, and to clients of the service's own namespace also <c>name</c>, <c>name.ns</c> and <c>name.ns.svc</c>.</summary>
    public static IEnumerable<string> Names(MeshService service, string clientNamespace, string clusterDomain)
    {
        yield return service.Hostname;
        string suffix = $".{clientNamespace}.svc.{clusterDomain}";
        if (!service.Hostname.EndsWith(suffix, StringComparison.Ordinal)) yield break;
        string name = service.Hostname[..^suffix.Length];
        yield return name;
        yield return $"{name}.{clientNamespace}";
        yield return $"{name}.{clientNamespace}.svc";
    }
}
