using Google.Protobuf.WellKnownTypes;

namespace Lateen.Proxy.Clusters;

/// <summary>One of a cluster's <c>transport_socket_matches</c>.</summary>
/// <param name="Criteria">What an endpoint's <c>envoy.transport_socket_match</c> metadata has to hold; null or empty: every endpoint fits.</param>
/// <param name="Transport">What such endpoints are connected by.</param>
internal sealed record TransportMatch(Struct? Criteria, EndpointTransport Transport)
{
    /// <summary>Key of the metadata.</summary>
    public const string MetadataKey = "envoy.transport_socket_match";

    public bool Fits(Struct? endpoint)
    {
        if (Criteria is null) return true;
        foreach (var (key, value) in Criteria.Fields)
        {
            if (endpoint is null || !endpoint.Fields.TryGetValue(key, out var has) || !value.Equals(has)) return false;
        }

        return true;
    }
}
