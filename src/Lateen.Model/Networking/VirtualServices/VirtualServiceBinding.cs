using System.Collections.Immutable;

namespace Lateen.Model.Networking;

/// <summary>Resolves the names of a VirtualService and merges its delegates. Pure.</summary>
public static class VirtualServiceBinding
{
    /// <param name="findDelegate">Looks up a VirtualService by namespace and name; null when there is none.</param>
    public static BoundVirtualService Bind(
        Resource<VirtualService> resource, MeshConfig mesh, Func<string, string, Resource<VirtualService>?> findDelegate)
    {
        ArgumentNullException.ThrowIfNull(resource);
        ArgumentNullException.ThrowIfNull(mesh);
        ArgumentNullException.ThrowIfNull(findDelegate);
        var spec = resource.Spec;
        var names = new Names(resource.Namespace, mesh.ClusterDomain);
        var http = spec.Http.Any(route => route.Delegate is not null)
            ? DelegateMerge.Merge(resource, mesh, findDelegate)
            : spec.Http;
        return new BoundVirtualService
        {
            Resource = resource,
            Hosts = [.. spec.Hosts.Select(host => names.Host(host).ToLowerInvariant())],
            Gateways = spec.Gateways.IsEmpty ? [BoundVirtualService.MeshGateway] : names.Gateways(spec.Gateways),
            ExportTo = ExportScope.Resolve(spec.ExportTo, mesh.DefaultVirtualServiceExportTo, resource.Namespace),
            Http = [.. http.Select(route => Resolve(route, names))],
            Tls = [.. spec.Tls.Select(route => Resolve(route, names))],
            Tcp = [.. spec.Tcp.Select(route => Resolve(route, names))],
        };
    }

    /// <summary><c>mesh</c>, <c>namespace/name</c>; <c>./name</c> and <c>name</c> are in the own namespace; the old form
    /// <c>name.namespace.svc...</c> is read as <c>namespace/name</c>.</summary>
    public static string ResolveGateway(string gateway, string ownNamespace)
    {
        ArgumentNullException.ThrowIfNull(gateway);
        if (gateway == BoundVirtualService.MeshGateway) return gateway;
        var slash = gateway.IndexOf('/');
        if (slash >= 0) return gateway.AsSpan(0, slash) is "." ? $"{ownNamespace}{gateway[slash..]}" : gateway;
        var parts = gateway.Split('.');
        return parts.Length > 1 ? $"{parts[1]}/{parts[0]}" : $"{ownNamespace}/{gateway}";
    }

    /// <summary>Makes the destinations of a delegate's route whole in the delegate's namespace, before it moves to the root's.</summary>
    internal static HttpRoute ResolveIn(HttpRoute route, string ownNamespace, string clusterDomain) =>
        Resolve(route, new Names(ownNamespace, clusterDomain));

    private static HttpRoute Resolve(HttpRoute route, Names names) => route with
    {
        Match = [.. route.Match.Select(match => match.Gateways.IsEmpty ? match : match with { Gateways = names.Gateways(match.Gateways) })],
        Route = [.. route.Route.Select(entry => entry with { Destination = names.Destination(entry.Destination) })],
        Mirror = route.Mirror is { } mirror ? names.Destination(mirror) : null,
        Mirrors = [.. route.Mirrors.Select(entry => entry with { Destination = names.Destination(entry.Destination) })],
    };

    private static TlsRoute Resolve(TlsRoute route, Names names) => route with
    {
        Match = [.. route.Match.Select(match => match with { Gateways = names.Gateways(match.Gateways) })],
        Route = [.. route.Route.Select(entry => entry with { Destination = names.Destination(entry.Destination) })],
    };

    private static TcpRoute Resolve(TcpRoute route, Names names) => route with
    {
        Match = [.. route.Match.Select(match => match with { Gateways = names.Gateways(match.Gateways) })],
        Route = [.. route.Route.Select(entry => entry with { Destination = names.Destination(entry.Destination) })],
    };

    private readonly struct Names(string ownNamespace, string clusterDomain)
    {
        private readonly string _ownNamespace = ownNamespace;
        private readonly string _clusterDomain = clusterDomain;

        public string Host(string host) => HostName.Resolve(host, _ownNamespace, _clusterDomain);

        public Destination Destination(Destination destination)
        {
            var whole = Host(destination.Host).ToLowerInvariant();
            return whole == destination.Host ? destination : destination with { Host = whole };
        }

        public ImmutableArray<string> Gateways(ImmutableArray<string> gateways)
        {
            var ownNamespace = _ownNamespace;
            return gateways.IsEmpty ? gateways : [.. gateways.Select(gateway => ResolveGateway(gateway, ownNamespace))];
        }
    }
}
