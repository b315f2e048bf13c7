using System.Globalization;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Lateen.Xds.Server;

namespace Lateen.Xds.Tests;

/// <summary>Small resources whose content, and so whose version, a test chooses by a number.</summary>
internal static class XdsSamples
{
    public static Node Node { get; } = new() { Id = "sidecar~127.0.0.1~a.shop~shop.svc.cluster.local" };

    public static XdsResource Cluster(string name, int content = 0) =>
        XdsResource.FromMessage(name, new Cluster { Name = name, AltStatName = Text(content), Type = Envoy.Config.Cluster.V3.Cluster.Types.DiscoveryType.Eds });

    public static XdsResource Endpoints(string name, int content = 0) =>
        XdsResource.FromMessage(name, new ClusterLoadAssignment { ClusterName = name, Policy = new() { OverprovisioningFactor = (uint)content + 1 } });

    public static XdsResource Listener(string name, string routeName = "", int content = 0) =>
        XdsResource.FromMessage(name, new Listener { Name = name, StatPrefix = Text(content), FilterChains = { new FilterChain { Name = routeName } } });

    /// <summary>A route configuration that sends to each of the named clusters.</summary>
    public static XdsResource Routes(string name, params string[] clusters)
    {
        var host = new VirtualHost { Name = "all", Domains = { "*" } };
        host.Routes.AddRange(clusters.Select(static cluster => new Route { Match = new() { Prefix = "/" + cluster }, Route_ = new() { Cluster = cluster } }));
        return XdsResource.FromMessage(name, new RouteConfiguration { Name = name, VirtualHosts = { host } });
    }

    public static IEnumerable<string> ClustersOf(XdsResource routes) =>
        RouteConfiguration.Parser.ParseFrom(routes.Body).VirtualHosts.SelectMany(static host => host.Routes).Select(static route => route.Route_.Cluster);

    public static string RouteNameOf(XdsResource listener) => Envoy.Config.Listener.V3.Listener.Parser.ParseFrom(listener.Body).FilterChains[0].Name;

    public static ResourceView View(long revision, params (string TypeUrl, XdsResource Resource)[] resources)
    {
        ResourceView view = ResourceView.Empty.At(revision);
        foreach (IGrouping<string, XdsResource> type in resources.GroupBy(static item => item.TypeUrl, static item => item.Resource))
        {
            view = view.With(revision, type.Key, type);
        }

        return view;
    }

    private static string Text(int content) => content.ToString(CultureInfo.InvariantCulture);
}
