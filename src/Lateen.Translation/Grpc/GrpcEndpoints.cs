using System.Collections.Immutable;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Lateen.Model;
using Lateen.Translation.Endpoints;

namespace Lateen.Translation.Grpc;

/// <summary>
/// Endpoint sets that gRPC clients take. They refuse a set over a locality that is not there, an address that is no IP address, an address that stands
/// twice, and weights that come to more than 32 bits.
/// </summary>
internal static class GrpcEndpoints
{
    public static ClusterLoadAssignment Of(string cluster, ImmutableArray<MeshEndpoint> endpoints, StringMap<string> subsetLabels)
    {
        ImmutableArray<MeshEndpoint> chosen =
        [
            .. endpoints.Where(endpoint => !endpoint.IsUnixSocket && subsetLabels.Selects(endpoint.Labels))
                .DistinctBy(endpoint => (endpoint.Address, endpoint.Port)),
        ];
        var assignment = EndpointSets.Of(cluster, Scaled(chosen), []);
        foreach (var locality in assignment.Endpoints)
        {
            locality.Locality ??= new Locality();
            foreach (var endpoint in locality.LbEndpoints) endpoint.Metadata = null;
        }

        return assignment;
    }

    /// <summary>The same proportions, small enough that their sum fits; the smallest stay at 1.</summary>
    private static ImmutableArray<MeshEndpoint> Scaled(ImmutableArray<MeshEndpoint> endpoints)
    {
        long sum = endpoints.Sum(endpoint => (long)endpoint.Weight);
        if (sum <= uint.MaxValue) return endpoints;
        long divisor = (sum / (uint.MaxValue - (uint)endpoints.Length)) + 1;
        return [.. endpoints.Select(endpoint => endpoint with { Weight = Math.Max(1, (uint)(endpoint.Weight / divisor)) })];
    }
}
