using System.Collections.Immutable;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.ControlPlane.Serving;
using Lateen.Xds;
using Lateen.Xds.Server;
using Lateen.Xds.Text;
using Lateen.Yaml;

namespace Lateen.ControlPlane.Debug;

/// <summary>
/// What a proxy should have, in the shape in which its own admin endpoint would show it: one reader serves both. Of a gRPC client, which may dial
/// everything, it is what the client has asked for.
/// </summary>
internal static class ProxyDump
{
    private const string AnyName = "google.protobuf.Any";
    private const string Admin = "type.googleapis.com/envoy.admin.v3.";

    public static YamlMapping Of(ConnectedProxy proxy) => new YamlMappingBuilder()
        .Add("configs", new YamlSequence(
        [
            Section(proxy, XdsTypeUrls.Cluster, "ClustersConfigDump", "dynamic_active_clusters", "cluster"),
            Section(proxy, XdsTypeUrls.Listener, "ListenersConfigDump", "dynamic_listeners", "listener"),
            Section(proxy, XdsTypeUrls.RouteConfiguration, "RoutesConfigDump", "dynamic_route_configs", "route_config"),
            Section(proxy, XdsTypeUrls.ClusterLoadAssignment, "EndpointsConfigDump", "dynamic_endpoint_configs", "endpoint_config"),
            Secrets(proxy.View),
        ]))
        .Build();

    private static YamlMapping Secrets(ResourceView view)
    {
        var entries = view.ResourcesOf(XdsTypeUrls.Secret).Values.OrderBy(resource => resource.Name, StringComparer.Ordinal)
            .Select(resource => (YamlNode)new YamlMappingBuilder()
                .Add("name", resource.Name).Add("version_info", resource.Version).Add("secret", ProtoJson.Default.ToNode(AnyName, Shown(resource).Pack(XdsTypeUrls.Secret))).Build())
            .ToImmutableArray();
        return new YamlMappingBuilder().Add("@type", Admin + "SecretsConfigDump").Add("dynamic_active_secrets", new YamlSequence(entries)).Build();
    }

    /// <summary>Certificates and the names of files are no secret; a key is, whoever asks.</summary>
    private static XdsResource Shown(XdsResource resource)
    {
        var secret = resource.Parse(Secret.Parser);
        if (secret.TlsCertificate is { PrivateKey: { SpecifierCase: not DataSource.SpecifierOneofCase.Filename } } certificate)
            certificate.PrivateKey = new DataSource { InlineString = "[redacted]" };
        return XdsResource.FromMessage(resource.Name, secret);
    }

    private static YamlMapping Section(ConnectedProxy proxy, string typeUrl, string dump, string list, string member)
    {
        var entries = proxy.View.ResourcesOf(typeUrl).Values.Where(resource => !proxy.Identity.IsGrpc || proxy.Stream.Asks(typeUrl, resource.Name))
            .OrderBy(resource => resource.Name, StringComparer.Ordinal)
            .Select(resource => (YamlNode)Entry(resource, typeUrl, member)).ToImmutableArray();
        return new YamlMappingBuilder().Add("@type", Admin + dump).Add(list, new YamlSequence(entries)).Build();
    }

    private static YamlMapping Entry(XdsResource resource, string typeUrl, string member)
    {
        var body = ProtoJson.Default.ToNode(AnyName, resource.Pack(typeUrl));
        var state = new YamlMappingBuilder().Add("version_info", resource.Version).Add(member, body);
        return typeUrl == XdsTypeUrls.Listener
            ? new YamlMappingBuilder().Add("name", resource.Name).Add("active_state", state.Build()).Build()
            : state.Build();
    }
}
