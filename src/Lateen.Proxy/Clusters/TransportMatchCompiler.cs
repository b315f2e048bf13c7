using System.Collections.Immutable;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Google.Protobuf;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Clusters;

/// <summary>Compiles a cluster's <c>transport_socket_matches</c>.</summary>
internal static class TransportMatchCompiler
{
    /// <summary>Matches of one cluster. Count. Hit: the cluster is refused; each endpoint is compared with all of them.</summary>
    public const int MaxMatches = 16;

    public static ImmutableArray<TransportMatch> Compile(
        Cluster cluster, UpstreamHttpProtocolOptions? http, FieldPath path, TlsScope tls, ConfigurationErrors errors)
    {
        if (cluster.TransportSocketMatches.Count > MaxMatches)
        {
            errors.Add(path, $"{cluster.TransportSocketMatches.Count} are too many, at most {MaxMatches}");
            return [];
        }

        var matches = ImmutableArray.CreateBuilder<TransportMatch>(cluster.TransportSocketMatches.Count);
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < cluster.TransportSocketMatches.Count; i++)
        {
            var match = cluster.TransportSocketMatches[i];
            var matchPath = path.At(i);
            if (match.Name.Length == 0) errors.Add(matchPath.Field("name"), "is required");
            else if (!names.Add(match.Name)) errors.Add(matchPath.Field("name"), $"'{match.Name}' stands there twice");
            if (match.TransportSocket is null) errors.Add(matchPath.Field("transport_socket"), "is required");
            var transport = TransportSockets.CompileUpstream(match.TransportSocket, http, matchPath.Field("transport_socket"), tls, errors);
            matches.Add(new TransportMatch(match.Match, new EndpointTransport(
                match.Name, transport.Tls, transport.ProxyProtocol, match.TransportSocket?.ToByteString() ?? ByteString.Empty)));
        }

        return matches.DrainToImmutable();
    }
}
