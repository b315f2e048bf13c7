using System.Globalization;
using Lateen.ControlPlane.Api;
using Lateen.ControlPlane.Metrics;
using Lateen.ControlPlane.Serving;
using Lateen.ControlPlane.Store;
using Lateen.Identity;
using Lateen.Identity.Signing;
using Lateen.Model;
using Lateen.Xds;
using Lateen.Yaml;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Lateen.ControlPlane.Debug;

/// <summary>Istiod's debug pages, as far as they make sense here, in its shapes: what people's scripts and habits ask for.</summary>
internal sealed class DebugEndpoints(ResourceStore store, MeshServer server, ControlPlaneMetrics metrics, ICertificateIssuer? authority)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/ready", () => server.TranslatedRevision >= 0
            ? Results.Text("ready\n")
            : Results.Text("reading the configuration\n", statusCode: StatusCodes.Status503ServiceUnavailable));
        routes.MapGet("/version", () => Text(new YamlMappingBuilder().Add("version", BuildVersion.Current.Version).Add("commit", BuildVersion.Current.Commit).Build()));
        routes.MapGet("/metrics", () => Results.Text(metrics.Render(Gauges()), "text/plain; version=0.0.4"));
        routes.MapGet("/debug/syncz", () => Text(new YamlSequence([.. server.Proxies.Select(Sync)])));
        routes.MapGet("/debug/config_dump", ConfigurationDump);
        routes.MapGet("/debug/configz", () => Text(new YamlSequence([.. store.Current.Resources.Values.Select(stored =>
            YamlReader.ReadSingle(stored.Resource.Text, out _) ?? YamlScalar.Null)])));
        routes.MapGet("/debug/registryz", () => Text(new YamlSequence([.. Snapshot.Services.All.Select(Service)])));
        routes.MapGet("/debug/endpointz", () => Text(new YamlSequence([.. Snapshot.Services.All.Select(Endpoints)])));
    }

    private MeshSnapshot Snapshot => server.Snapshot ?? MeshSnapshot.Empty;

    private IEnumerable<(string Name, string Meaning, double Value)> Gauges() =>
    [
        ("pilot_services", "Services known", Snapshot.Services.All.Length),
        ("pilot_virt_services", "VirtualServices known", Snapshot.VirtualServices.All.Length),
        ("lateen_store_revision", "The newest revision of the store", store.Current.Number),
        .. authority is null ? [] : Expiry(authority.Bundle),
    ];

    private static IEnumerable<(string Name, string Meaning, double Value)> Expiry(TrustBundle bundle) =>
    [
        ("citadel_server_root_cert_expiry_timestamp", "When the first of the roots expires, in seconds since 1970", bundle.Roots.Min(root => root.NotAfter).ToUnixTimeSeconds()),
        ("lateen_ca_roots", "Roots in the bundle; more than one while a root is replaced", bundle.Roots.Length),
    ];

    private static IResult Text(YamlNode node) => Results.Text(JsonWriter.Write(node, indented: true) + "\n", "application/json");

    /// <summary>Istiod's SyncStatus: the version sent and the version acknowledged of each type. Here a version is a store revision.</summary>
    private static YamlMapping Sync(ConnectedProxy proxy)
    {
        var node = new YamlMappingBuilder()
            .Add("cluster_id", proxy.Identity.ClusterId)
            .Add("proxy", $"{proxy.Identity.Name}.{proxy.Identity.Namespace}")
            .Add("proxy_type", ProxyViews.TypeOf(proxy.Identity));
        foreach (string typeUrl in XdsTypeUrls.InOrder)
        {
            if (proxy.Status.Types.FirstOrDefault(type => type.TypeUrl == typeUrl) is not { } status) continue;
            string word = XdsTypeUrls.ShortName(typeUrl) switch { "CDS" => "cluster", "LDS" => "listener", "EDS" => "endpoint", _ => "route" };
            node.Add($"{word}_sent", status.SentRevision.ToString(CultureInfo.InvariantCulture));
            node.Add($"{word}_acked", status.AcknowledgedRevision.ToString(CultureInfo.InvariantCulture));
        }

        return node.Build();
    }

    private IResult ConfigurationDump(string? proxyID)
    {
        if (proxyID is null)
        {
            return ApiEndpoints.Problem(StatusCodes.Status400BadRequest, "no_proxy", "say which proxy: /debug/config_dump?proxyID=NAME.NAMESPACE",
                "`lateen proxy-status` lists them");
        }

        var (proxy, problem) = ProxyViews.Find(server, proxyID);
        return proxy is null ? problem! : Text(ProxyDump.Of(proxy));
    }

    private static YamlMapping Service(MeshService service) => new YamlMappingBuilder()
        .Add("hostname", service.Hostname)
        .Add("namespace", service.Namespace)
        .Add("resolution", service.Resolution.ToString())
        .Add("ports", new YamlSequence([.. service.Ports.Select(port => (YamlNode)new YamlMappingBuilder()
            .Add("name", port.Name).Add("port", (long)port.Number).Add("protocol", port.Protocol.ToString().ToUpperInvariant()).Build())]))
        .Add("exportTo", service.ExportTo.ToString())
        .Build();

    private YamlMapping Endpoints(MeshService service) => new YamlMappingBuilder()
        .Add("svc", service.Hostname)
        .Add("ns", service.Namespace)
        .Add("ep", new YamlSequence([.. service.Ports.SelectMany(port => Snapshot.EndpointsOf(service).ForPort(port.Number).Select(endpoint =>
            (YamlNode)new YamlMappingBuilder()
                .Add("servicePort", (long)port.Number)
                .Add("address", endpoint.IsUnixSocket ? endpoint.Address : $"{endpoint.Address}:{endpoint.Port}")
                .Add("health", endpoint.Health.ToString().ToUpperInvariant())
                .Add("workload", endpoint.WorkloadName)
                .Build()))]))
        .Build();
}
