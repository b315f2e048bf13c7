namespace Lateen.Xds;

/// <summary>
/// The type URLs of the resource types that a mesh is made of, in Envoy's spelling. They key every table of this library:
/// subscriptions, versions, resource sets.
/// </summary>
public static class XdsTypeUrls
{
    public const string Prefix = "type.googleapis.com/";

    public const string Listener = Prefix + "envoy.config.listener.v3.Listener";

    public const string RouteConfiguration = Prefix + "envoy.config.route.v3.RouteConfiguration";

    public const string Cluster = Prefix + "envoy.config.cluster.v3.Cluster";

    public const string ClusterLoadAssignment = Prefix + "envoy.config.endpoint.v3.ClusterLoadAssignment";

    /// <summary>Certificates, keys and roots, asked for by name (SDS).</summary>
    public const string Secret = Prefix + "envoy.extensions.transport_sockets.tls.v3.Secret";

    /// <summary>
    /// Make before break: what others point at comes first (secrets, clusters, then their endpoints), what points comes after (listeners,
    /// then routes). Additions are sent in this order, removals in the reverse one.
    /// </summary>
    public static ReadOnlySpan<string> InOrder => Order;

    /// <summary>The place of a type in <see cref="InOrder"/>; unknown types come last.</summary>
    public static int OrderOf(string typeUrl)
    {
        int at = Array.IndexOf(Order, typeUrl);
        return at < 0 ? Order.Length : at;
    }

    /// <summary>The word that people and Istio's tools use: CDS, EDS, LDS, RDS; the message's name for any other type.</summary>
    public static string ShortName(string typeUrl) => typeUrl switch
    {
        Cluster => "CDS",
        ClusterLoadAssignment => "EDS",
        Secret => "SDS",
        Listener => "LDS",
        RouteConfiguration => "RDS",
        _ => typeUrl[(typeUrl.LastIndexOf('.') + 1)..],
    };

    /// <summary>
    /// True for listeners and clusters: a client may ask for all of them without naming one, and in state-of-the-world each response
    /// holds the whole set, so that what is absent is gone (xDS protocol, "How the client specifies what resources to return").
    /// </summary>
    public static bool IsWildcardType(string typeUrl) => typeUrl is Listener or Cluster;

    private static readonly string[] Order = [Secret, Cluster, ClusterLoadAssignment, Listener, RouteConfiguration];
}
