using Envoy.Config.Overload.V3;
using Envoy.Extensions.ResourceMonitors.DownstreamConnections.V3;
using Lateen.Proxy.Listeners;
using Lateen.Xds;

namespace Lateen.Proxy.Configuration;

/// <summary>Compiles a bootstrap's <c>overload_manager</c>, of which there is one resource: connections of clients.</summary>
internal static class OverloadCompiler
{
    private const string ConnectionsMonitor = "envoy.resource_monitors.global_downstream_max_connections";
    private const string ConnectionsMessage = "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig";

    /// <summary>How many connections of clients may be open at a time.</summary>
    /// <param name="manager">Null: the default.</param>
    /// <param name="path">Where it stands.</param>
    /// <param name="errors">Gets what is not supported or out of range.</param>
    /// <remarks><c>refresh_interval</c> has no effect: connections are counted as they come, not looked at now and then.</remarks>
    public static long MaxConnections(OverloadManager? manager, FieldPath path, ConfigurationErrors errors)
    {
        var most = ProxyEngineOptions.DefaultMaxConnections;
        var monitors = manager?.ResourceMonitors ?? [];
        for (var i = 0; i < monitors.Count; i++)
        {
            var monitorPath = path.Field("resource_monitors").At(i);
            var typed = monitors[i].TypedConfig;
            if (monitors[i].Name != ConnectionsMonitor || XdsTypeRegistry.TypeNameOf(typed?.TypeUrl ?? string.Empty) != ConnectionsMessage)
            {
                errors.Add(monitorPath, $"only {ConnectionsMonitor} with a {ConnectionsMessage} is supported");
                continue;
            }

            if (i > 0) errors.Add(monitorPath, "there is another monitor of this name");
            var configPath = monitorPath.Field("typed_config");
            if (ExtensionMessages.TryParse(DownstreamConnectionsConfig.Parser, typed!, configPath, errors) is not { } config) continue;
            most = config.MaxActiveDownstreamConnections;
            if (most <= 0) errors.Add(configPath.Field("max_active_downstream_connections"), "is required, and must be greater than 0");
        }

        return most;
    }
}
