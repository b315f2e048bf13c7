using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace Lateen.Xds;

/// <summary>
/// Every message that may stand inside a <see cref="Any"/>: the four resource types, the extensions that Lateen runs, the sections of a
/// configuration dump. A type that is not here is not supported and is refused by name; adding an extension starts with a line here.
/// </summary>
/// <remarks>Immutable, built on first use. Descriptors are enough: parsers come from them, and trimming keeps what they name.</remarks>
public sealed class XdsTypeRegistry
{
    private readonly FrozenDictionary<string, MessageDescriptor> _types;

    private XdsTypeRegistry(IEnumerable<MessageDescriptor> types)
    {
        _types = types.ToFrozenDictionary(static type => type.FullName, StringComparer.Ordinal);
    }

    public static XdsTypeRegistry Default { get; } = new(
    [
        Envoy.Config.Listener.V3.Listener.Descriptor,
        Envoy.Config.Route.V3.RouteConfiguration.Descriptor,
        Envoy.Config.Cluster.V3.Cluster.Descriptor,
        Envoy.Config.Endpoint.V3.ClusterLoadAssignment.Descriptor,
        Envoy.Service.Discovery.V3.Resource.Descriptor,
        Envoy.Extensions.AccessLoggers.File.V3.FileAccessLog.Descriptor,
        Envoy.Extensions.AccessLoggers.Stream.V3.StdoutAccessLog.Descriptor,
        Envoy.Extensions.AccessLoggers.Stream.V3.StderrAccessLog.Descriptor,
        Envoy.Extensions.TransportSockets.Tls.V3.Secret.Descriptor,
        Envoy.Extensions.Filters.Http.ExtAuthz.V3.ExtAuthz.Descriptor,
        Envoy.Extensions.Filters.Http.ExtAuthz.V3.ExtAuthzPerRoute.Descriptor,
        Envoy.Extensions.Filters.Http.GrpcStats.V3.FilterConfig.Descriptor,
        Envoy.Extensions.Filters.Http.GrpcWeb.V3.GrpcWeb.Descriptor,
        Envoy.Extensions.Filters.Http.Rbac.V3.RBAC.Descriptor,
        Envoy.Extensions.Filters.Http.Rbac.V3.RBACPerRoute.Descriptor,
        Envoy.Extensions.Filters.Http.JwtAuthn.V3.JwtAuthentication.Descriptor,
        Envoy.Extensions.Filters.Http.JwtAuthn.V3.PerRouteConfig.Descriptor,
        Envoy.Extensions.Filters.Http.Router.V3.Router.Descriptor,
        Envoy.Extensions.Filters.Listener.HttpInspector.V3.HttpInspector.Descriptor,
        Envoy.Extensions.Filters.Listener.ProxyProtocol.V3.ProxyProtocol.Descriptor,
        Envoy.Extensions.Filters.Listener.TlsInspector.V3.TlsInspector.Descriptor,
        Envoy.Extensions.Filters.Network.ConnectionLimit.V3.ConnectionLimit.Descriptor,
        Envoy.Extensions.Filters.Network.ExtAuthz.V3.ExtAuthz.Descriptor,
        Envoy.Extensions.Filters.Network.HttpConnectionManager.V3.HttpConnectionManager.Descriptor,
        Envoy.Extensions.Filters.Network.Rbac.V3.RBAC.Descriptor,
        Envoy.Extensions.Filters.Network.TcpProxy.V3.TcpProxy.Descriptor,
        Envoy.Extensions.LoadBalancingPolicies.LeastRequest.V3.LeastRequest.Descriptor,
        Envoy.Extensions.LoadBalancingPolicies.Random.V3.Random.Descriptor,
        Envoy.Extensions.LoadBalancingPolicies.RoundRobin.V3.RoundRobin.Descriptor,
        Envoy.Extensions.Path.Match.UriTemplate.V3.UriTemplateMatchConfig.Descriptor,
        Envoy.Extensions.Retry.Host.PreviousHosts.V3.PreviousHostsPredicate.Descriptor,
        Envoy.Extensions.TransportSockets.ProxyProtocol.V3.ProxyProtocolUpstreamTransport.Descriptor,
        Envoy.Extensions.TransportSockets.RawBuffer.V3.RawBuffer.Descriptor,
        Envoy.Extensions.TransportSockets.Tls.V3.DownstreamTlsContext.Descriptor,
        Envoy.Extensions.TransportSockets.Tls.V3.UpstreamTlsContext.Descriptor,
        Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions.Descriptor,
        Lateen.Identity.V1.WorkloadIdentity.Descriptor,
        Stats.PluginConfig.Descriptor,
        Io.Istio.Http.PeerMetadata.Config.Descriptor,
        Istio.Envoy.Config.Filter.Http.Alpn.V2Alpha1.FilterConfig.Descriptor,
        Envoy.Admin.V3.BootstrapConfigDump.Descriptor,
        Envoy.Admin.V3.ListenersConfigDump.Descriptor,
        Envoy.Admin.V3.ClustersConfigDump.Descriptor,
        Envoy.Admin.V3.RoutesConfigDump.Descriptor,
        Envoy.Admin.V3.EndpointsConfigDump.Descriptor,
        Envoy.Admin.V3.SecretsConfigDump.Descriptor,
        Struct.Descriptor,
        Empty.Descriptor,
        Duration.Descriptor,
        Timestamp.Descriptor,
        StringValue.Descriptor,
        BoolValue.Descriptor,
        UInt32Value.Descriptor,
        UInt64Value.Descriptor,
        Int32Value.Descriptor,
        Int64Value.Descriptor,
        DoubleValue.Descriptor,
        BytesValue.Descriptor,
    ]);

    /// <summary>Full message names (<c>envoy.config.cluster.v3.Cluster</c>) of all supported types.</summary>
    public IEnumerable<string> TypeNames => _types.Keys;

    /// <summary>The part of a type URL behind the last slash; the whole when there is none.</summary>
    public static string TypeNameOf(string typeUrl) => typeUrl[(typeUrl.LastIndexOf('/') + 1)..];

    /// <summary>Finds a type by its URL; any prefix before the last slash is accepted, as protobuf rules.</summary>
    public bool TryFind(string typeUrl, [NotNullWhen(true)] out MessageDescriptor? type) =>
        _types.TryGetValue(TypeNameOf(typeUrl), out type);

    /// <summary>
    /// The message inside. False with a reason fit for an error when the type is not supported or the bytes are not of that type.
    /// </summary>
    public bool TryUnpack(Any packed, [NotNullWhen(true)] out IMessage? message, [NotNullWhen(false)] out string? reason)
    {
        message = null;
        reason = null;
        if (!TryFind(packed.TypeUrl, out MessageDescriptor? type))
        {
            reason = $"the type '{packed.TypeUrl}' is not supported";
            return false;
        }

        try
        {
            message = type.Parser.ParseFrom(packed.Value);
            return true;
        }
        catch (InvalidProtocolBufferException fault)
        {
            reason = $"the bytes are no {type.FullName}: {fault.Message}";
            return false;
        }
    }
}
