using System.Collections.Immutable;
using System.Net;
using Envoy.Config.Bootstrap.V3;
using Envoy.Config.Core.V3;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Identity;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Tls;
using Lateen.Xds;
using Lateen.Xds.Text;

namespace Lateen.Proxy.Configuration;

/// <summary>
/// Reads an Envoy v3 bootstrap (YAML or JSON) and judges all of it: every error is reported with its path, and nothing that is not
/// supported passes in silence. This is also all that <c>--mode validate</c> does.
/// </summary>
public sealed class BootstrapLoader(ExtensionCatalog extensions)
{
    /// <summary>Full name of the message that a bootstrap file holds.</summary>
    public const string MessageName = "envoy.config.bootstrap.v3.Bootstrap";

    /// <summary>Reads and checks.</summary>
    /// <param name="text">The file's content.</param>
    /// <param name="errors">Gets what is wrong; with line and column where the text itself is.</param>
    /// <returns>Null when <paramref name="errors"/> got something to say.</returns>
    public BootstrapConfig? TryLoad(string text, ConfigurationErrors errors)
    {
        var bootstrap = ProtoYamlReader.ReadText<Bootstrap>(MessageName, text, out var faults);
        foreach (var fault in faults)
        {
            errors.Add(fault.Path, fault.Position.Line == 0 ? fault.Message : $"{fault.Message} (line {fault.Position.Line}, column {fault.Position.Column})");
        }

        // A text with faults is understood in part only: what is missing then would be reported as missing.
        if (bootstrap is null || errors.Any) return null;
        return TryCheck(bootstrap, errors);
    }

    /// <summary>Checks a bootstrap that was read already.</summary>
    public BootstrapConfig? TryCheck(Bootstrap bootstrap, ConfigurationErrors errors)
    {
        UnservedFields.Check(bootstrap, errors);
        var tls = ScopeOf(bootstrap, errors);
        var clusters = CheckClusters(bootstrap, tls, errors);
        CheckListeners(bootstrap, clusters, tls, errors);
        var controlPlane = CompileControlPlane(bootstrap, clusters, errors);
        var identity = WorkloadIdentityCompiler.Compile(bootstrap.BootstrapExtensions, FieldPath.Root.Field("bootstrap_extensions"), clusters, errors);
        var admin = FieldPath.Root.Field("admin");
        var adminAddress = bootstrap.Admin?.Address is null ? null : AddressReader.Read(bootstrap.Admin.Address, admin.Field("address"), errors);
        var adminLogs = bootstrap.Admin is null ? [] : AccessLogCompiler.Compile(bootstrap.Admin.AccessLog, extensions, admin.Field("access_log"), errors);
        if (bootstrap.Admin is { AccessLogPath: not ("" or "/dev/null") }) errors.Add(admin.Field("access_log_path"), "is not supported; use access_log");
        var connections = OverloadCompiler.MaxConnections(bootstrap.OverloadManager, FieldPath.Root.Field("overload_manager"), errors);
        if (errors.Any) return null;
        return new BootstrapConfig
        {
            Source = bootstrap,
            Node = bootstrap.Node ?? new Node(),
            AdminAddress = adminAddress,
            AdminAccessLogs = adminLogs,
            ControlPlane = controlPlane,
            MaxDownstreamConnections = connections,
            Identity = identity,
        };
    }

    /// <summary>Reads and judges the static secrets, which whatever comes after may name.</summary>
    private static TlsScope ScopeOf(Bootstrap bootstrap, ConfigurationErrors errors)
    {
        var contents = new Dictionary<string, SecretContent>(StringComparer.Ordinal);
        var secrets = bootstrap.StaticResources?.Secrets ?? [];
        for (var i = 0; i < secrets.Count; i++)
        {
            var path = FieldPath.Root.Field("static_resources").Field("secrets").At(i);
            if (secrets[i].Name.Length == 0) errors.Add(path.Field("name"), "is required");
            if (SecretContent.ReadResource(secrets[i], path, errors) is not { } content) continue;
            SecretCheck.Check(content, path.Field(SecretKinds.NameOf(secrets[i].TypeCase)), errors);
            if (!contents.TryAdd(secrets[i].Name, content)) errors.Add(path.Field("name"), $"there is another secret '{secrets[i].Name}'");
        }

        var plane = bootstrap.DynamicResources?.AdsConfig?.GrpcServices is [{ EnvoyGrpc.ClusterName: var cluster }, ..] ? cluster : null;
        return new TlsScope(contents.GetValueOrDefault, () => plane, new TicketKeyring(TimeProvider.System))
        {
            TrustDomain = () => WorkloadIdentityCompiler.TrustDomainIn(bootstrap.BootstrapExtensions),
        };
    }

    private static List<(ClusterDefinition Definition, FieldPath Path)> CheckClusters(Bootstrap bootstrap, TlsScope tls, ConfigurationErrors errors)
    {
        var definitions = new List<(ClusterDefinition, FieldPath)>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var clusters = bootstrap.StaticResources?.Clusters ?? [];
        for (var i = 0; i < clusters.Count; i++)
        {
            var path = FieldPath.Root.Field("static_resources").Field("clusters").At(i);
            if (!names.Add(clusters[i].Name)) errors.Add(path.Field("name"), $"there is another cluster '{clusters[i].Name}'");
            if (ClusterCompiler.Compile(clusters[i], path, tls, errors) is not { } definition) continue;
            definitions.Add((definition, path));
            if (definition.Discovery == ClusterDiscovery.Eds && bootstrap.DynamicResources?.AdsConfig is null)
                errors.Add(path.Field("eds_cluster_config"), "the endpoints should come over ADS, but dynamic_resources.ads_config is not set");
        }

        return definitions;
    }

    private void CheckListeners(
        Bootstrap bootstrap, List<(ClusterDefinition Definition, FieldPath Path)> clusters, TlsScope tls, ConfigurationErrors errors)
    {
        var known = clusters.Select(static cluster => cluster.Definition.Name).ToHashSet(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        var compiler = new ListenerCompiler(extensions, new RouteTableCompiler(new ClusterDirectory(), extensions), tls, errors);
        var listeners = bootstrap.StaticResources?.Listeners ?? [];
        for (var i = 0; i < listeners.Count; i++)
        {
            var path = FieldPath.Root.Field("static_resources").Field("listeners").At(i);
            if (compiler.Compile(listeners[i], isStatic: true, path) is not { } listener) continue;
            if (!names.Add(listener.Name)) errors.Add(path.Field("name"), $"there is another listener '{listener.Name}'");
            if (bootstrap.DynamicResources?.CdsConfig is null)
            {
                CheckRoutes(listener, path, known, errors);
                CheckTcpClusters(listener, path, known, errors);
            }

            if (bootstrap.DynamicResources?.AdsConfig is null) CheckNoRds(listener, path, errors);
        }
    }

    // With static clusters only, a route to a cluster that is not there can never work.
    private static void CheckRoutes(ListenerSnapshot listener, FieldPath path, HashSet<string> known, ConfigurationErrors errors)
    {
        foreach (var (chain, lastFilter) in ChainsOf(listener, path))
        {
            if (chain.HttpConnectionManager?.InlineRoutes is not { } table || table.ValidatesClusters is false) continue;
            var tablePath = lastFilter.Field("route_config");
            for (var h = 0; h < table.VirtualHosts.Length; h++)
            {
                var routes = table.VirtualHosts[h].Routes;
                for (var r = 0; r < routes.Length; r++)
                {
                    if (routes[r].Action is not ForwardAction forward) continue;
                    var routePath = tablePath.Field("virtual_hosts").At(h).Field("routes").At(r).Field("route");
                    if (forward.Cluster is { } cluster && !known.Contains(cluster.Name))
                        errors.Add(routePath.Field("cluster"), $"there is no cluster '{cluster.Name}'");
                    for (var w = 0; w < (forward.WeightedClusters?.Clusters.Length ?? 0); w++)
                    {
                        var name = forward.WeightedClusters!.Clusters[w].Cluster.Name;
                        if (known.Contains(name)) continue;
                        errors.Add(routePath.Field("weighted_clusters").Field("clusters").At(w).Field("name"), $"there is no cluster '{name}'");
                    }
                }
            }
        }
    }

    private static void CheckTcpClusters(ListenerSnapshot listener, FieldPath path, HashSet<string> known, ConfigurationErrors errors)
    {
        foreach (var (chain, lastFilter) in ChainsOf(listener, path))
        {
            if (chain.TcpProxy is not { } proxy) continue;
            for (var i = 0; i < proxy.Clusters.Length; i++)
            {
                var name = proxy.Clusters[i].Cluster.Name;
                if (known.Contains(name)) continue;
                errors.Add(proxy.IsWeighted ? lastFilter.Field("weighted_clusters").Field("clusters").At(i).Field("name") : lastFilter.Field("cluster"), $"there is no cluster '{name}'");
            }
        }
    }

    private static void CheckNoRds(ListenerSnapshot listener, FieldPath path, ConfigurationErrors errors)
    {
        foreach (var (chain, lastFilter) in ChainsOf(listener, path))
        {
            if (chain.HttpConnectionManager?.RouteConfigName is null) continue;
            errors.Add(lastFilter.Field("rds"), "the routes should come over ADS, but dynamic_resources.ads_config is not set");
        }
    }

    /// <summary>All chains of a listener that compiled, the default one too, and where the last filter of each has its configuration.</summary>
    private static IEnumerable<(FilterChainSnapshot Chain, FieldPath LastFilter)> ChainsOf(ListenerSnapshot listener, FieldPath path)
    {
        for (var i = 0; i < listener.FilterChains.Length; i++) yield return (listener.FilterChains[i], LastFilterOf(listener.FilterChains[i], path.Field("filter_chains").At(i)));
        if (listener.DefaultFilterChain is { } last) yield return (last, LastFilterOf(last, path.Field("default_filter_chain")));
    }

    private static FieldPath LastFilterOf(FilterChainSnapshot chain, FieldPath path) => path.Field("filters").At(chain.NetworkFilters.Length).Field("typed_config");

    private static ControlPlaneConfig? CompileControlPlane(
        Bootstrap bootstrap, List<(ClusterDefinition Definition, FieldPath Path)> clusters, ConfigurationErrors errors)
    {
        var dynamic = bootstrap.DynamicResources;
        if (dynamic is null) return null;

        var path = FieldPath.Root.Field("dynamic_resources");
        CheckSource(dynamic.LdsConfig, path.Field("lds_config"), errors);
        CheckSource(dynamic.CdsConfig, path.Field("cds_config"), errors);
        var ads = dynamic.AdsConfig;
        var adsPath = path.Field("ads_config");
        if (ads is null)
        {
            if (dynamic.LdsConfig is not null || dynamic.CdsConfig is not null) errors.Add(adsPath, "is required: listeners or clusters should come over it");
            return null;
        }

        if (string.IsNullOrEmpty(bootstrap.Node?.Id))
            errors.Add(FieldPath.Root.Field("node").Field("id"), "is required with a control plane: it says who asks");
        var variant = VariantOf(ads, adsPath, errors);
        var service = ads.GrpcServices.Count == 1 ? ads.GrpcServices[0] : null;
        var servicePath = adsPath.Field("grpc_services");
        if (service?.EnvoyGrpc is not { ClusterName.Length: > 0 } grpc)
        {
            errors.Add(servicePath, "exactly one service with envoy_grpc.cluster_name is required");
            return null;
        }

        var cluster = clusters.Find(one => one.Definition.Name == grpc.ClusterName).Definition;
        if (cluster is null)
        {
            errors.Add(servicePath.At(0).Field("envoy_grpc").Field("cluster_name"), $"there is no static cluster '{grpc.ClusterName}'");
            return null;
        }

        var servers = ServersOf(cluster);
        if (servers.IsEmpty)
            errors.Add(servicePath.At(0).Field("envoy_grpc").Field("cluster_name"), $"the cluster '{grpc.ClusterName}' has no endpoints of its own");
        return new ControlPlaneConfig
        {
            Variant = variant,
            ClusterName = grpc.ClusterName,
            Servers = servers,
            Tls = cluster.Tls,
            Authority = grpc.Authority,
            InitialMetadata = [.. service.InitialMetadata.Select(static entry => KeyValuePair.Create(entry.Key, entry.Value))],
            ConnectTimeout = cluster.ConnectTimeout,
            GivesListeners = dynamic.LdsConfig is not null,
            GivesClusters = dynamic.CdsConfig is not null,
            ListenersFetchTimeout = FetchTimeoutOf(dynamic.LdsConfig, path.Field("lds_config"), errors),
            ClustersFetchTimeout = FetchTimeoutOf(dynamic.CdsConfig, path.Field("cds_config"), errors),
        };
    }

    private static TimeSpan? FetchTimeoutOf(ConfigSource? source, FieldPath path, ConfigurationErrors errors) =>
        ProtoValues.Timeout(source?.InitialFetchTimeout, ClusterDefinition.DefaultInitialFetchTimeout, path.Field("initial_fetch_timeout"), errors);

    private static XdsVariant VariantOf(ApiConfigSource ads, FieldPath path, ConfigurationErrors errors)
    {
        if (ads.TransportApiVersion != ApiVersion.V3) errors.Add(path.Field("transport_api_version"), "must be V3");
        switch (ads.ApiType)
        {
            case ApiConfigSource.Types.ApiType.Grpc: return XdsVariant.StateOfTheWorld;
            case ApiConfigSource.Types.ApiType.DeltaGrpc: return XdsVariant.Delta;
            default:
                errors.Add(path.Field("api_type"), $"{ads.ApiType} is not supported; use GRPC or DELTA_GRPC");
                return XdsVariant.Delta;
        }
    }

    private static void CheckSource(ConfigSource? source, FieldPath path, ConfigurationErrors errors)
    {
        if (source is not null && source.ConfigSourceSpecifierCase != ConfigSource.ConfigSourceSpecifierOneofCase.Ads)
            errors.Add(path, "only 'ads: {}' is supported");
    }

    /// <summary>The addresses that stand in a cluster itself, in their order.</summary>
    internal static ImmutableArray<EndPoint> ServersOf(ClusterDefinition cluster) =>
    [
        .. cluster.Assignment.Localities
            .SelectMany(static locality => locality.Endpoints)
            .Select(static endpoint => endpoint.Address ?? new DnsEndPoint(endpoint.Host, endpoint.Port)),
    ];
}
