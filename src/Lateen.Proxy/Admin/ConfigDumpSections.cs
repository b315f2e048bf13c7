using Envoy.Admin.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Admin;

/// <summary>Sorts what the proxy holds into the messages of Envoy's configuration dump.</summary>
internal static class ConfigDumpSections
{
    public static ClustersConfigDump Clusters(IEnumerable<ConfigDumpEntry> entries, string version)
    {
        var dump = new ClustersConfigDump { VersionInfo = version };
        foreach (var entry in entries)
        {
            if (entry is { IsStatic: true, Active: { } active })
            {
                dump.StaticClusters.Add(new ClustersConfigDump.Types.StaticCluster { Cluster = Packed(active), LastUpdated = Updated(active) });
                continue;
            }

            if (entry.Active is not null || entry.Warming is null) dump.DynamicActiveClusters.Add(Cluster(entry, entry.Active));
            if (entry.Warming is { } warming) dump.DynamicWarmingClusters.Add(Cluster(entry, warming));
        }

        return dump;
    }

    public static ListenersConfigDump Listeners(IEnumerable<ConfigDumpEntry> entries, string version)
    {
        var dump = new ListenersConfigDump { VersionInfo = version };
        foreach (var entry in entries)
        {
            if (entry is { IsStatic: true, Active: { } active })
            {
                dump.StaticListeners.Add(new ListenersConfigDump.Types.StaticListener { Listener = Packed(active), LastUpdated = Updated(active) });
                continue;
            }

            dump.DynamicListeners.Add(new ListenersConfigDump.Types.DynamicListener
            {
                Name = entry.Name,
                ActiveState = Listener(entry.Active),
                WarmingState = Listener(entry.Warming),
                ErrorState = Error(entry),
                ClientStatus = Status(entry),
            });
        }

        return dump;
    }

    public static RoutesConfigDump Routes(IEnumerable<ConfigDumpEntry> entries)
    {
        var dump = new RoutesConfigDump();
        foreach (var entry in entries)
        {
            var version = entry.Active ?? entry.Warming;
            if (entry.IsStatic && version is not null)
            {
                dump.StaticRouteConfigs.Add(new RoutesConfigDump.Types.StaticRouteConfig { RouteConfig = Packed(version), LastUpdated = Updated(version) });
                continue;
            }

            dump.DynamicRouteConfigs.Add(new RoutesConfigDump.Types.DynamicRouteConfig
            {
                VersionInfo = version?.VersionInfo ?? string.Empty,
                RouteConfig = Packed(version),
                LastUpdated = Updated(version),
                ErrorState = Error(entry),
                ClientStatus = Status(entry),
            });
        }

        return dump;
    }

    public static EndpointsConfigDump Endpoints(IEnumerable<ConfigDumpEntry> entries)
    {
        var dump = new EndpointsConfigDump();
        foreach (var entry in entries)
        {
            var version = entry.Active ?? entry.Warming;
            if (entry.IsStatic && version is not null)
            {
                dump.StaticEndpointConfigs.Add(
                    new EndpointsConfigDump.Types.StaticEndpointConfig { EndpointConfig = Packed(version), LastUpdated = Updated(version) });
                continue;
            }

            dump.DynamicEndpointConfigs.Add(new EndpointsConfigDump.Types.DynamicEndpointConfig
            {
                VersionInfo = version?.VersionInfo ?? string.Empty,
                EndpointConfig = Packed(version),
                LastUpdated = Updated(version),
                ErrorState = Error(entry),
                ClientStatus = Status(entry),
            });
        }

        return dump;
    }

    public static SecretsConfigDump Secrets(IEnumerable<ConfigDumpEntry> entries)
    {
        var dump = new SecretsConfigDump();
        foreach (var entry in entries)
        {
            if (entry is { IsStatic: true, Active: { } active })
            {
                dump.StaticSecrets.Add(new SecretsConfigDump.Types.StaticSecret { Name = entry.Name, Secret = Packed(active), LastUpdated = Updated(active) });
                continue;
            }

            var secret = new SecretsConfigDump.Types.DynamicSecret
            {
                Name = entry.Name,
                VersionInfo = entry.Active?.VersionInfo ?? "uninitialized",
                Secret = Packed(entry.Active),
                LastUpdated = Updated(entry.Active),
                ErrorState = Error(entry),
                ClientStatus = Status(entry),
            };
            (entry.Active is null ? dump.DynamicWarmingSecrets : dump.DynamicActiveSecrets).Add(secret);
        }

        return dump;
    }

    private static ClustersConfigDump.Types.DynamicCluster Cluster(ConfigDumpEntry entry, ConfigDumpVersion? version) => new()
    {
        VersionInfo = version?.VersionInfo ?? string.Empty,
        Cluster = Packed(version),
        LastUpdated = Updated(version),
        ErrorState = Error(entry),
        ClientStatus = Status(entry),
    };

    private static ListenersConfigDump.Types.DynamicListenerState? Listener(ConfigDumpVersion? version) => version is null ? null : new()
    {
        VersionInfo = version.VersionInfo,
        Listener = Packed(version),
        LastUpdated = Updated(version),
    };

    private static Any? Packed(ConfigDumpVersion? version) => version is null ? null : new Any { TypeUrl = version.TypeUrl, Value = SecretRedaction.Of(version.Body, version.TypeUrl) };

    private static Timestamp? Updated(ConfigDumpVersion? version) => version is null ? null : Timestamp.FromDateTimeOffset(version.LastUpdated);

    private static ClientResourceStatus Status(ConfigDumpEntry entry) =>
        entry.Error is not null ? ClientResourceStatus.Nacked : entry.Active is null ? ClientResourceStatus.Requested : ClientResourceStatus.Acked;

    private static UpdateFailureState? Error(ConfigDumpEntry entry)
    {
        if (entry.Error is not { } error) return null;
        var typeUrl = (entry.Active ?? entry.Warming)?.TypeUrl;
        return new UpdateFailureState
        {
            FailedConfiguration = typeUrl is null || error.Body == ByteString.Empty ? null : new Any { TypeUrl = typeUrl, Value = SecretRedaction.Of(error.Body, typeUrl) },
            VersionInfo = error.VersionInfo,
            Details = error.Details,
            LastUpdateAttempt = Timestamp.FromDateTimeOffset(error.LastAttempt),
        };
    }
}
