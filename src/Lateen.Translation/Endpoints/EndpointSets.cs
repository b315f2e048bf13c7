using System.Collections.Immutable;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Model;
using Lateen.Translation.MutualTls;

namespace Lateen.Translation.Endpoints;

/// <summary>The endpoints of a cluster as Envoy's ClusterLoadAssignment, by locality, with what the metrics filter wants to know of each.</summary>
internal static class EndpointSets
{
    private const string CanonicalName = "service.istio.io/canonical-name";
    private const string CanonicalRevision = "service.istio.io/canonical-revision";

    /// <param name="subsetLabels">Only endpoints that carry them; empty takes all.</param>
    public static ClusterLoadAssignment Of(string cluster, ImmutableArray<MeshEndpoint> endpoints, StringMap<string> subsetLabels)
    {
        var assignment = new ClusterLoadAssignment { ClusterName = cluster };
        foreach (var locality in endpoints.Where(endpoint => subsetLabels.Selects(endpoint.Labels))
            .GroupBy(endpoint => endpoint.Locality).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var group = new LocalityLbEndpoints();
            if (locality.Key.Length > 0) group.Locality = LocalityOf(locality.Key);
            group.LbEndpoints.AddRange(locality.Select(Of));
            // A sum beyond 32 bits would be refused; the share of one locality among several stays right to 1 in 4 billion.
            group.LoadBalancingWeight = (uint)Math.Min(uint.MaxValue, locality.Sum(endpoint => (long)endpoint.Weight));
            assignment.Endpoints.Add(group);
        }

        return assignment;
    }

    private static LbEndpoint Of(MeshEndpoint endpoint)
    {
        var result = new LbEndpoint
        {
            Endpoint = new Endpoint { Address = Messages.Socket(endpoint.Address, endpoint.Port) },
            LoadBalancingWeight = endpoint.Weight,
            Metadata = Messages.Istio(new Struct { Fields = { ["workload"] = Value.ForString(Workload(endpoint)) } }),
        };
        // What clusters choose the endpoint's transport by. Its absence says plaintext.
        if (endpoint.TakesMutualTls) result.Metadata.FilterMetadata[MutualTlsMatch.MetadataKey] = MutualTlsMatch.Istio();
        result.HealthStatus = endpoint.Health switch
        {
            EndpointHealth.Unhealthy => HealthStatus.Unhealthy,
            EndpointHealth.Draining => HealthStatus.Draining,
            _ => HealthStatus.Unknown,
        };
        return result;
    }

    /// <summary><c>name;namespace;canonical-name;canonical-revision;cluster</c>: Istio's encoding, which the metrics filter takes apart.</summary>
    private static string Workload(MeshEndpoint endpoint)
    {
        string canonical = endpoint.Labels.GetValueOrDefault(CanonicalName)
            ?? endpoint.Labels.GetValueOrDefault("app.kubernetes.io/name")
            ?? endpoint.Labels.GetValueOrDefault("app")
            ?? endpoint.WorkloadName;
        string revision = endpoint.Labels.GetValueOrDefault(CanonicalRevision)
            ?? endpoint.Labels.GetValueOrDefault("app.kubernetes.io/version")
            ?? endpoint.Labels.GetValueOrDefault("version")
            ?? "latest";
        return $"{endpoint.WorkloadName};{endpoint.Namespace};{canonical};{revision};";
    }

    private static Locality LocalityOf(string text)
    {
        string[] parts = text.Split('/', 3);
        var locality = new Locality { Region = parts[0] };
        if (parts.Length > 1) locality.Zone = parts[1];
        if (parts.Length > 2) locality.SubZone = parts[2];
        return locality;
    }
}
