using Envoy.Config.Cluster.V3;
using Envoy.Extensions.LoadBalancingPolicies.LeastRequest.V3;
using Envoy.Extensions.Upstreams.Http.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Tls;
using Lateen.Xds;

namespace Lateen.Proxy.Clusters;

/// <summary>Compiles a <c>Cluster</c>: everything that can be said of it before its endpoints are known.</summary>
internal static class ClusterCompiler
{
    private const string HttpOptionsKey = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

    private static readonly TimeSpan DefaultConnectTimeout = TimeSpan.FromSeconds(5);

    /// <returns>Null when <paramref name="errors"/> got something to say.</returns>
    public static ClusterDefinition? Compile(Cluster cluster, FieldPath path, TlsScope tls, ConfigurationErrors errors)
    {
        var errorsBefore = errors.Count;
        if (cluster.Name.Length == 0) errors.Add(path.Field("name"), "is required");

        var discovery = DiscoveryOf(cluster, path, errors);
        var options = HttpOptionsOf(cluster, path, errors);
        var transport = TransportSockets.CompileUpstream(
            cluster.TransportSocket, options?.UpstreamHttpProtocolOptions, path.Field("transport_socket"), tls, errors);
        var matches = TransportMatchCompiler.Compile(cluster, options?.UpstreamHttpProtocolOptions, path.Field("transport_socket_matches"), tls, errors);
        var definition = new ClusterDefinition
        {
            Name = cluster.Name,
            StatName = cluster.AltStatName.Length > 0 ? cluster.AltStatName : cluster.Name,
            Discovery = discovery,
            LoadBalancing = LoadBalancingOf(cluster, discovery, path, errors),
            Limits = LimitsOf(cluster, Envoy.Config.Core.V3.RoutingPriority.Default),
            HighPriorityLimits = LimitsOf(cluster, Envoy.Config.Core.V3.RoutingPriority.High),
            ConnectTimeout = ProtoValues.Positive(cluster.ConnectTimeout, DefaultConnectTimeout, path.Field("connect_timeout"), errors),
            Connections = ConnectionsOf(cluster, options, path, errors),
            Service = ServiceOf(cluster.Metadata),
            Assignment = AssignmentOf(cluster, discovery, path, errors),
            EdsServiceName = cluster.EdsClusterConfig is { ServiceName.Length: > 0 } eds ? eds.ServiceName : cluster.Name,
            ShownServiceName = cluster.EdsClusterConfig?.ServiceName ?? string.Empty,
            InitialFetchTimeout = ProtoValues.Timeout(
                cluster.EdsClusterConfig?.EdsConfig?.InitialFetchTimeout, ClusterDefinition.DefaultInitialFetchTimeout,
                path.Field("eds_cluster_config").Field("eds_config").Field("initial_fetch_timeout"), errors),
            DnsFamily = FamilyOf(cluster, path, errors),
            DnsRefreshRate = ProtoValues.Positive(cluster.DnsRefreshRate, TimeSpan.FromSeconds(5), path.Field("dns_refresh_rate"), errors),
            Tls = transport.Tls,
            Transport = new EndpointTransport(string.Empty, transport.Tls, transport.ProxyProtocol, cluster.TransportSocket?.ToByteString() ?? ByteString.Empty),
            Matches = matches,
            TlsContexts = [.. matches.Select(static match => match.Transport.Tls).OfType<ClientTls>(), .. transport.Tls is { } own ? [own] : Array.Empty<ClientTls>()],
            AllowsAlpnOverride = AllowsAlpnOverride(cluster.Metadata),
            ProxyProtocol = transport.ProxyProtocol,
            Protocol = ProtocolOf(cluster, options),
        };
        return errors.Count > errorsBefore ? null : definition;
    }

    private static ClusterDiscovery DiscoveryOf(Cluster cluster, FieldPath path, ConfigurationErrors errors)
    {
        switch (cluster.Type)
        {
            case Cluster.Types.DiscoveryType.Static: return ClusterDiscovery.Static;
            case Cluster.Types.DiscoveryType.StrictDns: return ClusterDiscovery.StrictDns;
            case Cluster.Types.DiscoveryType.LogicalDns: return ClusterDiscovery.LogicalDns;
            case Cluster.Types.DiscoveryType.OriginalDst: return ClusterDiscovery.OriginalDestination;
            case Cluster.Types.DiscoveryType.Eds:
                CheckEds(cluster, path.Field("eds_cluster_config"), errors);
                return ClusterDiscovery.Eds;
            default:
                errors.Add(path.Field("type"), $"{(int)cluster.Type} is not a known type");
                return ClusterDiscovery.Static;
        }
    }

    private static void CheckEds(Cluster cluster, FieldPath path, ConfigurationErrors errors)
    {
        var source = cluster.EdsClusterConfig?.EdsConfig;
        if (source is null) errors.Add(path.Field("eds_config"), "is required for a cluster of type EDS");
        else if (source.ConfigSourceSpecifierCase != Envoy.Config.Core.V3.ConfigSource.ConfigSourceSpecifierOneofCase.Ads)
            errors.Add(path.Field("eds_config"), "only 'ads: {}' is supported as a source of endpoints");
    }

    private static EndpointAssignment AssignmentOf(Cluster cluster, ClusterDiscovery discovery, FieldPath path, ConfigurationErrors errors)
    {
        var assignmentPath = path.Field("load_assignment");
        if (discovery is ClusterDiscovery.Eds or ClusterDiscovery.OriginalDestination)
        {
            if (cluster.LoadAssignment is not null) errors.Add(assignmentPath, "cannot stand in a cluster whose endpoints come from elsewhere");
            return EndpointAssignment.Empty;
        }

        if (cluster.LoadAssignment is null) return EndpointAssignment.Empty;
        var isDns = discovery != ClusterDiscovery.Static;
        var assignment = AssignmentCompiler.Compile(cluster.LoadAssignment, isDns, assignmentPath, errors) ?? EndpointAssignment.Empty;
        if (discovery == ClusterDiscovery.LogicalDns && assignment.Localities.Sum(static locality => locality.Endpoints.Length) > 1)
            errors.Add(assignmentPath, "a cluster of type LOGICAL_DNS has one endpoint");
        return assignment;
    }

    private static LoadBalancingOptions LoadBalancingOf(Cluster cluster, ClusterDiscovery discovery, FieldPath path, ConfigurationErrors errors)
    {
        var options = new LoadBalancingOptions
        {
            PanicThresholdPercent = cluster.CommonLbConfig?.HealthyPanicThreshold?.Value ?? LoadBalancingOptions.Default.PanicThresholdPercent,
            IsLocalityWeighted = cluster.CommonLbConfig?.LocalityWeightedLbConfig is not null,
        };
        if (cluster.LoadBalancingPolicy is not null) return PolicyOf(cluster, options, path.Field("load_balancing_policy"), errors);

        var policyPath = path.Field("lb_policy");
        switch (cluster.LbPolicy)
        {
            case Cluster.Types.LbPolicy.RoundRobin: return options;
            case Cluster.Types.LbPolicy.Random: return options with { Algorithm = LoadBalancingAlgorithm.Random };
            case Cluster.Types.LbPolicy.LeastRequest:
                var leastPath = path.Field("least_request_lb_config");
                var choices = ChoicesOf(cluster.LeastRequestLbConfig?.ChoiceCount, leastPath.Field("choice_count"), errors);
                CheckBias(cluster.LeastRequestLbConfig?.ActiveRequestBias, leastPath.Field("active_request_bias"), errors);
                return options with { Algorithm = LoadBalancingAlgorithm.LeastRequest, LeastRequestChoices = choices };
            case Cluster.Types.LbPolicy.ClusterProvided when discovery == ClusterDiscovery.OriginalDestination:
                return options with { Algorithm = LoadBalancingAlgorithm.ClusterProvided };
            case Cluster.Types.LbPolicy.ClusterProvided:
                errors.Add(policyPath, "CLUSTER_PROVIDED needs a cluster of type ORIGINAL_DST");
                return options;
            case Cluster.Types.LbPolicy.LoadBalancingPolicyConfig:
                errors.Add(path.Field("load_balancing_policy"), "is required when lb_policy is LOAD_BALANCING_POLICY_CONFIG");
                return options;
            default:
                errors.Add(policyPath, $"{cluster.LbPolicy} is not supported; use ROUND_ROBIN, LEAST_REQUEST or RANDOM");
                return options;
        }
    }

    // The first policy that is known wins, as Envoy has it.
    private static LoadBalancingOptions PolicyOf(Cluster cluster, LoadBalancingOptions options, FieldPath path, ConfigurationErrors errors)
    {
        for (var i = 0; i < cluster.LoadBalancingPolicy.Policies.Count; i++)
        {
            var config = cluster.LoadBalancingPolicy.Policies[i].TypedExtensionConfig?.TypedConfig;
            var configPath = path.Field("policies").At(i).Field("typed_extension_config").Field("typed_config");
            switch (XdsTypeRegistry.TypeNameOf(config?.TypeUrl ?? string.Empty))
            {
                case "envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin": return options;
                case "envoy.extensions.load_balancing_policies.random.v3.Random": return options with { Algorithm = LoadBalancingAlgorithm.Random };
                case "envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest":
                    var least = Unpack(config!, LeastRequest.Parser, configPath, errors);
                    var choices = ChoicesOf(least?.ChoiceCount, configPath.Field("choice_count"), errors);
                    CheckBias(least?.ActiveRequestBias, configPath.Field("active_request_bias"), errors);
                    return options with { Algorithm = LoadBalancingAlgorithm.LeastRequest, LeastRequestChoices = choices };
            }
        }

        errors.Add(path.Field("policies"), "none of the policies is supported; use round_robin, least_request or random");
        return options;
    }

    private static int ChoicesOf(uint? count, FieldPath path, ConfigurationErrors errors)
    {
        if (count is < 2 or > 100) errors.Add(path, "must be from 2 to 100");
        return (int)Math.Clamp(count ?? 2, 2, 100);
    }

    private static void CheckBias(Envoy.Config.Core.V3.RuntimeDouble? bias, FieldPath path, ConfigurationErrors errors)
    {
        if (bias is not null && bias.DefaultValue != 1.0) errors.Add(path, $"{bias.DefaultValue} is not supported; requests in flight count fully (1.0)");
    }

    private static CircuitBreakerLimits LimitsOf(Cluster cluster, Envoy.Config.Core.V3.RoutingPriority priority)
    {
        var limits = CircuitBreakerLimits.Default;
        foreach (var threshold in cluster.CircuitBreakers?.Thresholds ?? [])
        {
            if (threshold.Priority != priority) continue;
            limits = new CircuitBreakerLimits
            {
                MaxConnections = threshold.MaxConnections ?? limits.MaxConnections,
                MaxPendingRequests = threshold.MaxPendingRequests ?? limits.MaxPendingRequests,
                MaxRequests = threshold.MaxRequests ?? limits.MaxRequests,
                MaxRetries = threshold.MaxRetries ?? limits.MaxRetries,
                TrackRemaining = threshold.TrackRemaining,
            };
        }

        return limits;
    }

    private static HttpProtocolOptions? HttpOptionsOf(Cluster cluster, FieldPath path, ConfigurationErrors errors)
    {
        HttpProtocolOptions? options = null;
        foreach (var (key, packed) in cluster.TypedExtensionProtocolOptions.OrderBy(static entry => entry.Key, StringComparer.Ordinal))
        {
            var optionPath = path.Field("typed_extension_protocol_options").Key(key);
            if (key == HttpOptionsKey) options = Unpack(packed, HttpProtocolOptions.Parser, optionPath, errors);
            else errors.Add(optionPath, "is not supported");
        }

        return options;
    }

    private static UpstreamConnectionOptions ConnectionsOf(Cluster cluster, HttpProtocolOptions? options, FieldPath path, ConfigurationErrors errors)
    {
        var defaults = UpstreamConnectionOptions.Default;
        var common = options?.CommonHttpProtocolOptions;
        var commonPath = path.Field("typed_extension_protocol_options").Key(HttpOptionsKey).Field("common_http_protocol_options");
        if (common?.MaxStreamDuration is not null) errors.Add(commonPath.Field("max_stream_duration"), "is not supported on clusters; set it on routes");
        var (http1, http2, versionPath) = VersionsOf(cluster, options, path);
        if (options?.UpstreamProtocolOptionsCase == HttpProtocolOptions.UpstreamProtocolOptionsOneofCase.AutoConfig && cluster.TransportSocket is null)
            errors.Add(versionPath, "needs a TLS transport socket: the handshake is what the version is agreed on by");
        if (http1 is { AcceptHttp10: true } or { DefaultHostForHttp10.Length: > 0 })
            errors.Add(versionPath.Field("http_protocol_options"), "accept_http_10 and default_host_for_http_10 concern clients' connections only");
        return new UpstreamConnectionOptions
        {
            EnableTrailers = http1?.EnableTrailers ?? false,
            Http2 = Http2OptionsCompiler.Compile(
                http2, UpstreamConnectionOptions.DefaultHttp2, cluster.PerConnectionBufferLimitBytes, versionPath.Field("http2_protocol_options"), errors),
            IdleTimeout = ProtoValues.Timeout(common?.IdleTimeout, defaults.IdleTimeout, commonPath.Field("idle_timeout"), errors),
            MaxConnectionDuration = ProtoValues.Timeout(common?.MaxConnectionDuration, null, commonPath.Field("max_connection_duration"), errors),
            MaxRequestsPerConnection = common?.MaxRequestsPerConnection ?? cluster.MaxRequestsPerConnection ?? 0,
            MaxResponseHeaders = common?.MaxHeadersCount ?? defaults.MaxResponseHeaders,
            MaxResponseHeadersKb = common?.MaxResponseHeadersKb ?? defaults.MaxResponseHeadersKb,
            BufferLimitBytes = cluster.PerConnectionBufferLimitBytes ?? defaults.BufferLimitBytes,
            KeepAlive = KeepAliveOf(cluster.UpstreamConnectionOptions?.TcpKeepalive),
        };
    }

    private static TcpKeepAlive? KeepAliveOf(Envoy.Config.Core.V3.TcpKeepalive? keepAlive) => keepAlive is null
        ? null
        : new TcpKeepAlive(keepAlive.KeepaliveProbes, Seconds(keepAlive.KeepaliveTime), Seconds(keepAlive.KeepaliveInterval));

    private static TimeSpan? Seconds(uint? seconds) => seconds is { } value ? TimeSpan.FromSeconds(value) : null;

    private static HostFamily FamilyOf(Cluster cluster, FieldPath path, ConfigurationErrors errors)
    {
        switch (cluster.DnsLookupFamily)
        {
            case Cluster.Types.DnsLookupFamily.Auto: return HostFamily.PreferV6;
            case Cluster.Types.DnsLookupFamily.V4Only: return HostFamily.V4Only;
            case Cluster.Types.DnsLookupFamily.V6Only: return HostFamily.V6Only;
            case Cluster.Types.DnsLookupFamily.V4Preferred: return HostFamily.PreferV4;
            case Cluster.Types.DnsLookupFamily.All: return HostFamily.All;
            default:
                errors.Add(path.Field("dns_lookup_family"), $"{(int)cluster.DnsLookupFamily} is not a known value");
                return HostFamily.PreferV6;
        }
    }

    private static ServiceIdentity? ServiceOf(Envoy.Config.Core.V3.Metadata? metadata)
    {
        if (metadata is null || !metadata.FilterMetadata.TryGetValue("istio", out var istio)
            || !istio.Fields.TryGetValue("services", out var services) || services.ListValue?.Values is not [{ StructValue: { } service }, ..]) return null;
        return new ServiceIdentity(Text(service, "host"), Text(service, "name"), Text(service, "namespace"));
    }

    private static bool AllowsAlpnOverride(Envoy.Config.Core.V3.Metadata? metadata) =>
        metadata is null || !metadata.FilterMetadata.TryGetValue("istio", out var istio) || Text(istio, "alpn_override") != "false";

    private static string Text(Struct from, string field) => from.Fields.TryGetValue(field, out var value) ? value.StringValue : string.Empty;

    private static T? Unpack<T>(Any packed, MessageParser<T> parser, FieldPath path, ConfigurationErrors errors)
        where T : class, IMessage<T>
    {
        try
        {
            return parser.ParseFrom(packed.Value);
        }
        catch (InvalidProtocolBufferException fault)
        {
            errors.Add(path, $"is not a valid message: {fault.Message}");
            return null;
        }
    }

    private static UpstreamProtocol ProtocolOf(Cluster cluster, HttpProtocolOptions? options)
    {
        switch (options?.UpstreamProtocolOptionsCase)
        {
            case HttpProtocolOptions.UpstreamProtocolOptionsOneofCase.UseDownstreamProtocolConfig: return UpstreamProtocol.UseDownstream;
            case HttpProtocolOptions.UpstreamProtocolOptionsOneofCase.AutoConfig: return UpstreamProtocol.Auto;
            case HttpProtocolOptions.UpstreamProtocolOptionsOneofCase.ExplicitHttpConfig:
                return options.ExplicitHttpConfig.Http2ProtocolOptions is null ? UpstreamProtocol.Http1 : UpstreamProtocol.Http2;
            default: return cluster.Http2ProtocolOptions is null ? UpstreamProtocol.Http1 : UpstreamProtocol.Http2;
        }
    }

    /// <summary>The options of each version, and where they stand.</summary>
    private static (Envoy.Config.Core.V3.Http1ProtocolOptions? Http1, Envoy.Config.Core.V3.Http2ProtocolOptions? Http2, FieldPath Path) VersionsOf(
        Cluster cluster, HttpProtocolOptions? options, FieldPath path)
    {
        var own = path.Field("typed_extension_protocol_options").Key(HttpOptionsKey);
        return options?.UpstreamProtocolOptionsCase switch
        {
            HttpProtocolOptions.UpstreamProtocolOptionsOneofCase.UseDownstreamProtocolConfig =>
                (options.UseDownstreamProtocolConfig.HttpProtocolOptions, options.UseDownstreamProtocolConfig.Http2ProtocolOptions,
                    own.Field("use_downstream_protocol_config")),
            HttpProtocolOptions.UpstreamProtocolOptionsOneofCase.AutoConfig =>
                (options.AutoConfig.HttpProtocolOptions, options.AutoConfig.Http2ProtocolOptions, own.Field("auto_config")),
            HttpProtocolOptions.UpstreamProtocolOptionsOneofCase.ExplicitHttpConfig =>
                (options.ExplicitHttpConfig.HttpProtocolOptions, options.ExplicitHttpConfig.Http2ProtocolOptions, own.Field("explicit_http_config")),
            _ => (cluster.HttpProtocolOptions, cluster.Http2ProtocolOptions, path),
        };
    }
}
