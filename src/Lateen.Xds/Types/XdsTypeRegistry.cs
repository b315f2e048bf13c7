using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Lateen.Xds.Schema;

namespace Lateen.Xds;

/// <summary>
/// Every message that may stand inside an <c>Any</c>: the four resource types, the extensions that Lateen runs, the sections of a
/// configuration dump. A type that is not here is not supported and is refused by name; adding an extension starts with a line here.
/// </summary>
/// <remarks>Immutable, built on first use.</remarks>
public sealed class XdsTypeRegistry
{
    internal const string AnyName = "google.protobuf.Any";

    private readonly FrozenSet<string> _names;

    private XdsTypeRegistry(IEnumerable<string> names)
    {
        _names = names.ToFrozenSet(StringComparer.Ordinal);
    }

    public static XdsTypeRegistry Default { get; } = new(
    [
        "envoy.config.listener.v3.Listener",
        "envoy.config.route.v3.RouteConfiguration",
        "envoy.config.cluster.v3.Cluster",
        "envoy.config.endpoint.v3.ClusterLoadAssignment",
        "envoy.service.discovery.v3.Resource",
        "envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
        "envoy.extensions.access_loggers.stream.v3.StderrAccessLog",
        "envoy.extensions.transport_sockets.tls.v3.Secret",
        "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
        "envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute",
        "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
        "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb",
        "envoy.extensions.filters.http.rbac.v3.RBAC",
        "envoy.extensions.filters.http.rbac.v3.RBACPerRoute",
        "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        "envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig",
        "envoy.extensions.filters.http.router.v3.Router",
        "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
        "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
        "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
        "envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit",
        "envoy.extensions.filters.network.ext_authz.v3.ExtAuthz",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "envoy.extensions.filters.network.rbac.v3.RBAC",
        "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest",
        "envoy.extensions.load_balancing_policies.random.v3.Random",
        "envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin",
        "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
        "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
        "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
        "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer",
        "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "lateen.identity.v1.WorkloadIdentity",
        "stats.PluginConfig",
        "io.istio.http.peer_metadata.Config",
        "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig",
        "envoy.admin.v3.BootstrapConfigDump",
        "envoy.admin.v3.ListenersConfigDump",
        "envoy.admin.v3.ClustersConfigDump",
        "envoy.admin.v3.RoutesConfigDump",
        "envoy.admin.v3.EndpointsConfigDump",
        "envoy.admin.v3.SecretsConfigDump",
        "google.protobuf.Struct",
        "google.protobuf.Empty",
        "google.protobuf.Duration",
        "google.protobuf.Timestamp",
        "google.protobuf.StringValue",
        "google.protobuf.BoolValue",
        "google.protobuf.UInt32Value",
        "google.protobuf.UInt64Value",
        "google.protobuf.Int32Value",
        "google.protobuf.Int64Value",
        "google.protobuf.DoubleValue",
        "google.protobuf.BytesValue",
    ]);

    /// <summary>Full message names (<c>envoy.config.cluster.v3.Cluster</c>) of all supported types.</summary>
    public IEnumerable<string> TypeNames => _names;

    /// <summary>The part of a type URL behind the last slash; the whole when there is none.</summary>
    public static string TypeNameOf(string typeUrl) => typeUrl[(typeUrl.LastIndexOf('/') + 1)..];

    /// <summary>Finds a type by its URL; any prefix before the last slash is accepted, as protobuf rules.</summary>
    public bool TryFind(string typeUrl, [NotNullWhen(true)] out MessageSchema? type)
    {
        string name = TypeNameOf(typeUrl);
        type = _names.Contains(name) ? ProtoSchema.Default.Get(name) : null;
        return type is not null;
    }
}
