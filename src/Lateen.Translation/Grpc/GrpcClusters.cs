using System.Collections.Immutable;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Naming;
using Lateen.Translation.Outbound;
using Lateen.Xds;

namespace Lateen.Translation.Grpc;

/// <summary>
/// Clusters that gRPC clients take: EDS, or LOGICAL_DNS with its one name (gRFC A27, A37), balanced round robin, with the bound on concurrent calls
/// (gRFC A32). They refuse a cluster over a balancer or a kind of discovery that they do not know.
/// </summary>
internal static class GrpcClusters
{
    /// <summary>Where calls go that are to fail: a cluster of no endpoints. A sidecar's of this name is STATIC, which gRPC does not know.</summary>
    public static readonly XdsResource BlackHole = XdsResource.FromMessage(ClusterNames.BlackHole, Eds(ClusterNames.BlackHole, ClusterNames.BlackHole));

    /// <summary>The endpoints of <see cref="BlackHole"/>: none.</summary>
    public static readonly XdsResource NoEndpoints =
        XdsResource.FromMessage(ClusterNames.BlackHole, new ClusterLoadAssignment { ClusterName = ClusterNames.BlackHole });

    public static GrpcPort Of(MeshService service, MeshServicePort port, EffectiveDestinationRule? rule, ImmutableArray<MeshEndpoint> endpoints)
    {
        var clusters = ImmutableArray.CreateBuilder<XdsResource>();
        var slots = ImmutableArray.CreateBuilder<EndpointSlot>();
        var notices = ImmutableArray.CreateBuilder<string>();
        Add(null);
        foreach (var subset in rule?.Subsets ?? []) Add(subset);
        return new GrpcPort(clusters.ToImmutable(), slots.ToImmutable(), notices.ToImmutable());

        void Add(Subset? subset)
        {
            string name = ClusterNames.Outbound(port.Number, subset?.Name, service.Hostname);
            var labels = subset?.Labels ?? StringMap<string>.Empty;
            var policy = rule?.PolicyFor(subset, port.Number);
            if (Dns(service, port, endpoints, labels) is { } found) Add(Logical(name, found), policy);
            else if (service.Resolution != ServiceResolution.Endpoints)
                notices.Add($"{name}: a gRPC client without a proxy resolves exactly one DNS name for a cluster; it is not served");
            else if (NeedsTls(policy))
            {
                // In plain text to whom was to be met with TLS: never. The cluster is there, and has no endpoints.
                Add(Eds(name, ClusterNames.BlackHole), policy);
                notices.Add($"{name}: the DestinationRule asks for TLS, which gRPC clients without a proxy do not do yet; their calls fail as UNAVAILABLE");
            }
            else
            {
                Add(Eds(name, name), policy);
                slots.Add(new EndpointSlot(name, labels));
            }

            if (LeftOut(policy) is { } leftOut) notices.Add($"{name}: {leftOut} of the DestinationRule have no effect on gRPC clients without a proxy");

            void Add(Cluster cluster, TrafficPolicy? policy)
            {
                uint calls = policy?.ConnectionPool?.Http?.Http2MaxRequests is > 0 and var limit ? (uint)limit : uint.MaxValue;
                cluster.CircuitBreakers = new CircuitBreakers { Thresholds = { new CircuitBreakers.Types.Thresholds { MaxRequests = calls } } };
                if (rule is not null) cluster.Metadata = Messages.Origin(ResourcePaths.DestinationRule(rule.Sources[0].Key));
                clusters.Add(XdsResource.FromMessage(name, cluster));
            }
        }
    }

    private static bool NeedsTls(TrafficPolicy? policy) => policy?.Tls is { Mode: not ClientTlsMode.Disable };

    private static string? LeftOut(TrafficPolicy? policy)
    {
        var parts = new List<string>();
        if (policy?.LoadBalancer is { ConsistentHash: not null } or { Simple: not (null or SimpleLoadBalancer.Unspecified or SimpleLoadBalancer.RoundRobin) })
            parts.Add("balancers other than ROUND_ROBIN");
        if (policy?.OutlierDetection is not null) parts.Add("outlier detection");
        return parts.Count == 0 ? null : string.Join(", ", parts);
    }

    private static Cluster Eds(string name, string endpoints) => new()
    {
        Name = name,
        Type = Cluster.Types.DiscoveryType.Eds,
        EdsClusterConfig = new Cluster.Types.EdsClusterConfig { EdsConfig = Messages.Aggregated(), ServiceName = endpoints },
        LbPolicy = Cluster.Types.LbPolicy.RoundRobin,
    };

    private static Cluster Logical(string name, (string Host, int Port) found) => new()
    {
        Name = name,
        Type = Cluster.Types.DiscoveryType.LogicalDns,
        LbPolicy = Cluster.Types.LbPolicy.RoundRobin,
        LoadAssignment = new ClusterLoadAssignment
        {
            ClusterName = name,
            Endpoints =
            {
                new LocalityLbEndpoints
                {
                    Locality = new Locality(),
                    LbEndpoints = { new LbEndpoint { Endpoint = new Endpoint { Address = Messages.Socket(found.Host, found.Port) } } },
                },
            },
        },
    };

    /// <summary>The one name to resolve; null when the endpoints are known, or there are none or several.</summary>
    private static (string Host, int Port)? Dns(MeshService service, MeshServicePort port, ImmutableArray<MeshEndpoint> endpoints, StringMap<string> labels)
    {
        if (service.Resolution == ServiceResolution.Passthrough) return (service.Hostname, port.TargetPort ?? port.Number);
        if (service.Resolution is not (ServiceResolution.Dns or ServiceResolution.DnsRoundRobin)) return null;
        return endpoints.Where(endpoint => !endpoint.IsUnixSocket && labels.Selects(endpoint.Labels)).ToList() is [var only] ? (only.Address, only.Port) : null;
    }
}

/// <summary>What one port of a service becomes: its cluster and those of its subsets, what their endpoints are chosen by, and what could not be done.</summary>
internal sealed record GrpcPort(ImmutableArray<XdsResource> Clusters, ImmutableArray<EndpointSlot> EndpointSlots, ImmutableArray<string> Notices);
