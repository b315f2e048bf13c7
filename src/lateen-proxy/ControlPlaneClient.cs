using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.ControlPlane;
using Lateen.Proxy.Statistics;
using Lateen.Xds;
using Lateen.Xds.Client;

namespace Lateen.ProxyHost;

/// <summary>The xDS client, wired to the configuration that it feeds.</summary>
internal static class ControlPlaneClient
{
    /// <summary>Follows the control plane until stopped.</summary>
    /// <param name="admin">Where the admin pages are, once bound; told to the control plane, so that its CLI finds them by the proxy's name. Null without.</param>
    /// <param name="identified">When the proxy can show who it is; the stream begins then.</param>
    public static async Task FollowAsync(
        ControlPlaneConfig plane, Node node, string? admin, ProxyConfiguration configuration, ManagementReactor management, Task identified, ProxyStatistics statistics,
        TimeProvider time, CancellationToken stop)
    {
        await identified.WaitAsync(stop);
        await using var transport = new ReactorXdsTransport(plane, management);
        node.UserAgentName = "lateen-proxy";
        node.UserAgentVersion = ProxyArguments.Version;
        if (admin is not null) (node.Metadata ??= new Struct()).Fields["ADMIN_ADDRESS"] = Value.ForString(admin);
        var client = new XdsClient(new XdsClientOptions
        {
            Node = node,
            Servers = plane.Servers,
            Variant = plane.Variant,
            Authority = plane.Authority.Length > 0 ? plane.Authority : null,
            Metadata = plane.InitialMetadata,
            ConnectTimeout = plane.ConnectTimeout,
            TimeProvider = time,
        }, new UpdateTally(configuration.Xds, statistics), transport);
        configuration.Xds.Attach(client.Subscribe, client.Unsubscribe);
        if (plane.GivesClusters) client.SubscribeAll(XdsTypeUrls.Cluster);
        if (plane.GivesListeners) client.SubscribeAll(XdsTypeUrls.Listener);
        statistics.Registry.OnCollect(shared => shared.Set(statistics.ControlPlane.Connected, configuration.Xds.Connection.IsConnected ? 1 : 0));
        await client.RunAsync(stop);
    }
}
