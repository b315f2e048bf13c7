using System.Collections.Immutable;
using Envoy.Config.Cluster.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Connections;
using Lateen.Translation.Endpoints;
using Lateen.Translation.MutualTls;
using Lateen.Translation.Naming;
using Lateen.Translation.Secrets;
using Lateen.Xds;

namespace Lateen.Translation.Outbound;

/// <summary>What one port of a service becomes: the cluster of the whole service and one per subset, the endpoint sets of those that have one, and the
/// secrets that their TLS asks for.</summary>
/// <param name="LacksIdentity">Some of them lead nowhere, for a rule demands mutual TLS and the client has no identity.</param>
internal sealed record PortClusters(
    ImmutableArray<XdsResource> Clusters, ImmutableArray<EndpointSlot> EndpointSlots, ImmutableArray<SecretReference> Secrets, bool LacksIdentity);

/// <summary>A cluster that takes its endpoints over EDS, and the labels that choose them.</summary>
internal sealed record EndpointSlot(string Cluster, StringMap<string> SubsetLabels);

/// <summary>Clusters towards services. Depends on the service, its DestinationRule and the mesh settings, and on endpoints only where DNS finds them.</summary>
internal static class OutboundClusters
{
    private static readonly Google.Protobuf.WellKnownTypes.Duration DnsRefreshRate = new() { Seconds = 60 };

    /// <summary>True when the proxy can reach the service without knowing where the client was going: everything but wildcard names and
    /// per-request DNS. A service of resolution NONE with one exact name is asked of DNS under that name, which is where a client that names it
    /// would have gone.</summary>
    public static bool IsReachable(MeshService service) =>
        service.Resolution != ServiceResolution.DynamicDns && !HostName.IsWildcard(service.Hostname);

    /// <param name="endpoints">Those that DNS finds.</param>
    /// <param name="servers">Who the endpoints may be.</param>
    /// <param name="hasIdentity">The client can speak mutual TLS.</param>
    public static PortClusters Of(
        MeshService service, MeshServicePort port, EffectiveDestinationRule? rule, ImmutableArray<MeshEndpoint> endpoints, ServerIdentities servers,
        bool hasIdentity, MeshConfig mesh)
    {
        var clusters = ImmutableArray.CreateBuilder<XdsResource>();
        var slots = ImmutableArray.CreateBuilder<EndpointSlot>();
        var secrets = new HashSet<SecretReference>();
        bool lacksIdentity = false;
        Add(null);
        if (rule is not null)
        {
            foreach (var subset in rule.Subsets) Add(subset);
        }

        return new PortClusters(clusters.ToImmutable(), slots.ToImmutable(), [.. secrets], lacksIdentity);

        void Add(Subset? subset)
        {
            string name = ClusterNames.Outbound(port.Number, subset?.Name, service.Hostname);
            var labels = subset?.Labels ?? StringMap<string>.Empty;
            var policy = rule?.PolicyFor(subset, port.Number);
            var use = MutualTlsChoice.Of(policy?.Tls, hasIdentity, mesh, service, servers);
            var cluster = new Cluster { Name = name, LbPolicy = Policy(policy?.LoadBalancer) };
            ConnectionPools.Write(cluster, policy?.ConnectionPool, mesh);
            cluster.Metadata = Messages.Istio(Istio(service, port, rule, subset));
            if (use == MutualTlsUse.Impossible)
            {
                // Without endpoints it answers 503.
                lacksIdentity = true;
                cluster.Type = Envoy.Config.Cluster.V3.Cluster.Types.DiscoveryType.Static;
            }
            else
            {
                WriteDiscovery(cluster, service, port, endpoints, labels);
                WriteTransport(cluster, service, port, policy, subset, use, servers, mesh, secrets);
                if (service.Resolution == ServiceResolution.Endpoints) slots.Add(new EndpointSlot(name, labels));
            }

            clusters.Add(XdsResource.FromMessage(name, cluster));
        }
    }

    public static string LacksIdentity(MeshService service, MeshServicePort port, EffectiveDestinationRule rule) =>
        $"{service.Hostname}:{port.Number}: {rule.Sources[0].Key} says ISTIO_MUTUAL, and this proxy has no identity to do it with: its requests "
        + "are answered 503";

    private static void WriteTransport(
        Cluster cluster, MeshService service, MeshServicePort port, TrafficPolicy? policy, Subset? subset, MutualTlsUse use, ServerIdentities servers,
        MeshConfig mesh, HashSet<SecretReference> secrets)
    {
        var tls = UpstreamSockets.TlsOf(policy);
        // The mesh's TLS negotiates nothing: what is spoken inside was settled before it.
        var http = UpstreamProtocols.Choose(port.Protocol, policy?.ConnectionPool?.Http, tls is not null, mesh);
        UpstreamProtocols.Write(cluster, policy?.ConnectionPool, http, UpstreamSockets.FollowHost(tls, port.Protocol));
        var mutual = use == MutualTlsUse.None ? null : MeshTlsContexts.Client(
            mesh,
            http == UpstreamHttp.Http2 ? MeshAlpn.OpaqueOrHttp2 : MeshAlpn.Opaque,
            policy?.Tls?.Sni is { Length: > 0 } sni ? sni : MutualTlsChoice.ServerName(port.Number, subset?.Name, service.Hostname),
            policy?.Tls is { SubjectAltNames: { IsEmpty: false } names } ? names.Select(TlsContexts.Name) : servers.OrOf(mesh, service).Matchers());
        UpstreamSockets.Write(
            cluster, policy, port.Protocol, service.Hostname, UpstreamProtocols.Alpn(http), mutual, use == MutualTlsUse.PerEndpoint, secrets);
        // Istio's word to its own filter that what this cluster offers is not to be replaced.
        if (tls is not null) cluster.Metadata.FilterMetadata["istio"].Fields["alpn_override"] = Value.ForString("false");
    }

    private static void WriteDiscovery(
        Cluster cluster, MeshService service, MeshServicePort port, ImmutableArray<MeshEndpoint> endpoints, StringMap<string> labels)
    {
        if (service.Resolution == ServiceResolution.Endpoints)
        {
            cluster.Type = Envoy.Config.Cluster.V3.Cluster.Types.DiscoveryType.Eds;
            cluster.EdsClusterConfig = new Cluster.Types.EdsClusterConfig { EdsConfig = Messages.Aggregated(), ServiceName = cluster.Name };
            return;
        }

        cluster.Type = service.Resolution == ServiceResolution.DnsRoundRobin
            ? Envoy.Config.Cluster.V3.Cluster.Types.DiscoveryType.LogicalDns
            : Envoy.Config.Cluster.V3.Cluster.Types.DiscoveryType.StrictDns;
        cluster.DnsRefreshRate = DnsRefreshRate;
        cluster.RespectDnsTtl = true;
        cluster.DnsLookupFamily = Envoy.Config.Cluster.V3.Cluster.Types.DnsLookupFamily.V4Only;
        if (service.Resolution == ServiceResolution.Passthrough)
            endpoints = [new MeshEndpoint { Address = service.Hostname, Port = port.TargetPort ?? port.Number, Namespace = service.Namespace }];
        cluster.LoadAssignment = EndpointSets.Of(cluster.Name, endpoints, labels);
    }

    private static Cluster.Types.LbPolicy Policy(LoadBalancerSettings? settings) => settings?.Simple switch
    {
        SimpleLoadBalancer.RoundRobin => Envoy.Config.Cluster.V3.Cluster.Types.LbPolicy.RoundRobin,
        SimpleLoadBalancer.Random => Envoy.Config.Cluster.V3.Cluster.Types.LbPolicy.Random,
        _ => Envoy.Config.Cluster.V3.Cluster.Types.LbPolicy.LeastRequest,
    };

    private static Struct Istio(MeshService service, MeshServicePort port, EffectiveDestinationRule? rule, Subset? subset)
    {
        var fields = new Struct();
        if (rule is not null) fields.Fields["config"] = Value.ForString(ResourcePaths.DestinationRule(rule.Sources[0].Key));
        fields.Fields["default_original_port"] = Value.ForNumber(port.Number);
        fields.Fields["services"] = ServiceList(service);
        if (subset is not null) fields.Fields["subset"] = Value.ForString(subset.Name);
        return fields;
    }

    /// <summary><c>services: [{host, name, namespace}]</c>: whom the metrics name as the destination.</summary>
    public static Value ServiceList(MeshService service) => Value.ForList(Value.ForStruct(new Struct
    {
        Fields =
        {
            ["host"] = Value.ForString(service.Hostname),
            ["name"] = Value.ForString(service.Name),
            ["namespace"] = Value.ForString(service.Namespace),
        },
    }));

    /// <summary>A cluster without endpoints: what policy keeps in goes here, and is answered 503.</summary>
    public static readonly XdsResource BlackHole = XdsResource.FromMessage(ClusterNames.BlackHole, new Cluster
    {
        Name = ClusterNames.BlackHole,
        Type = Envoy.Config.Cluster.V3.Cluster.Types.DiscoveryType.Static,
        ConnectTimeout = Messages.Of(TimeSpan.FromSeconds(10)),
    });
}
