using System.Collections.Immutable;
using Lateen.Model.Networking;
using Lateen.Model.Networking.DestinationRules;
using Lateen.Model.Networking.VirtualServices;
using Lateen.Model.Reading;
using Lateen.Model.Reading.Values;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Mesh;

/// <summary>
/// Reads the mesh settings. Every field of Istio's MeshConfig is known; those that this release does not use are named in a warning and
/// their content is not looked at.
/// </summary>
internal static class MeshConfigReader
{
    public static readonly MessageShape OutboundShape = new("OutboundTrafficPolicy", InEffect("mode"), Pending("tls"));

    public static readonly MessageShape PathNormalizationShape = new("ProxyPathNormalization", InEffect("normalization"));

    public static readonly MessageShape MeshTlsShape = new(
        "TLSConfig", InEffect("minProtocolVersion"), Pending("ecdhCurves"), Pending("cipherSuites"));

    public static readonly MessageShape GatewayTopologyShape = new(
        "Topology", InEffect("numTrustedProxies"), InEffect("forwardClientCertDetails"), Pending("proxyProtocol"));

    public static readonly MessageShape ProxyConfigShape = new(
        "ProxyConfig", InEffect("gatewayTopology", GatewayTopologyShape),
        Pending("configPath"), Pending("binaryPath"), Pending("serviceCluster"), Pending("tracingServiceName"), Pending("drainDuration"), Pending("parentShutdownDuration"),
        Pending("discoveryAddress"), Pending("discoveryRefreshDelay"), Pending("zipkinAddress"), Pending("statsdUdpAddress"), Pending("proxyAdminPort"),
        Pending("availabilityZone"), Pending("controlPlaneAuthPolicy"), Pending("customConfigFile"), Pending("statNameLength"), Pending("concurrency"),
        Pending("proxyBootstrapTemplatePath"), Pending("interceptionMode"), Pending("tracing"), Pending("sds"), Pending("envoyAccessLogService"),
        Pending("envoyMetricsService"), Pending("proxyMetadata"), Pending("runtimeValues"), Pending("statusPort"), Pending("extraStatTags"),
        Pending("terminationDrainDuration"), Pending("meshId"), Pending("readinessProbe"), Pending("proxyStatsMatcher"), Pending("holdApplicationUntilProxyStarts"),
        Pending("caCertificatesPem"), Pending("image"), Pending("privateKeyProvider"), Pending("proxyHeaders"), Pending("fileFlushInterval"),
        Pending("fileFlushMinSizeKb"), Pending("statsCompression"), Pending("statsEvictionInterval"));

    public static readonly MessageShape Shape = new(
        "MeshConfig",
        InEffect("trustDomain"), InEffect("rootNamespace"), InEffect("clusterDomain", note: "a setting of Lateen"),
        InEffect("outboundTrafficPolicy", OutboundShape), InEffect("proxyHttpPort"), InEffect("accessLogFile"), InEffect("accessLogFormat"),
        InEffect("accessLogEncoding"), InEffect("connectTimeout"), InEffect("pathNormalization", PathNormalizationShape),
        InEffect("defaultServiceExportTo"), InEffect("defaultVirtualServiceExportTo"), InEffect("defaultDestinationRuleExportTo"),
        InEffect("defaultHttpRetryPolicy", HttpPolicyReader.RetryShape), InEffect("tcpKeepalive", ConnectionPoolReader.KeepaliveShape),
        InEffect("enableAutoMtls"), InEffect("meshMTLS", MeshTlsShape), InEffect("h2UpgradePolicy"), InEffect("protocolDetectionTimeout"),
        Pending("proxyListenPort"), Pending("proxyInboundListenPort"), Pending("ingressClass"), Pending("ingressService"),
        Pending("ingressSelector"), Pending("ingressControllerMode"), Pending("enableTracing"), InEffect("defaultConfig", ProxyConfigShape),
        Pending("configSources"), Pending("localityLbSetting"), Pending("zoneAwareLbSetting"),
        Pending("dnsRefreshRate"), Pending("enableEnvoyAccessLogService"), Pending("disableEnvoyListenerLog"),
        Pending("inboundClusterStatName"), Pending("outboundClusterStatName"),
        InEffect("trustDomainAliases"), InEffect("extensionProviders", ExtensionProviderReader.Shape),
        Pending("certificates"), Pending("serviceSettings"), Pending("serviceScopeConfigs"),
        Pending("enablePrometheusMerge"), Pending("verifyCertificateAtClient"), Pending("ca"),
        Pending("defaultProviders"), Pending("caCertificates"), Pending("discoverySelectors"), Pending("tlsDefaults"),
        Pending("inboundTrafficPolicy"), Pending("hboneIdleTimeout"), Pending("defaultTrafficPolicy"), Pending("serviceEntryVisibility"),
        Pending("defaultInboundHttpRetryPolicy"));

    public static MeshConfig Read(ObjectReader at)
    {
        var defaults = MeshConfig.Default;
        var outbound = at.Nested("outboundTrafficPolicy");
        if (outbound?.String("mode") is "ALLOW_ANY" or "ALLOW_ANY_DYNAMIC_DNS")
            outbound.ReportNotInEffect("mode", "valid, but this release answers 502 for unknown hosts, as REGISTRY_ONLY does");
        var topology = at.Nested("defaultConfig")?.Nested("gatewayTopology");
        return new MeshConfig
        {
            TrustedProxies = topology?.Int32("numTrustedProxies", 0, MeshConfig.MaxTrustedProxies) ?? 0,
            ClientCertificates = topology?.Enum(
                "forwardClientCertDetails", ("UNDEFINED", ClientCertificateForwarding.SanitizeSet), ("SANITIZE", ClientCertificateForwarding.Sanitize),
                ("FORWARD_ONLY", ClientCertificateForwarding.ForwardOnly), ("APPEND_FORWARD", ClientCertificateForwarding.AppendForward),
                ("SANITIZE_SET", ClientCertificateForwarding.SanitizeSet), ("ALWAYS_FORWARD_ONLY", ClientCertificateForwarding.AlwaysForwardOnly)) ?? defaults.ClientCertificates,
            TrustDomain = Domain(at, "trustDomain") ?? defaults.TrustDomain,
            TrustDomainAliases = at.Hosts("trustDomainAliases", HostRule.Name),
            ExtensionProviders = ExtensionProviderReader.Read(at, "extensionProviders"),
            RootNamespace = ReadNamespace(at) ?? defaults.RootNamespace,
            ClusterDomain = Domain(at, "clusterDomain") ?? defaults.ClusterDomain,
            // As for Sidecars: written without a mode it is the enumeration's zero.
            OutboundTrafficPolicy = outbound is null
                ? defaults.OutboundTrafficPolicy
                : outbound.Enum(
                    "mode", ("REGISTRY_ONLY", OutboundTrafficMode.RegistryOnly), ("ALLOW_ANY", OutboundTrafficMode.AllowAny),
                    ("ALLOW_ANY_DYNAMIC_DNS", OutboundTrafficMode.AllowAnyDynamicDns)) ?? OutboundTrafficMode.RegistryOnly,
            ProxyHttpPort = at.Int32("proxyHttpPort", 0, 65535) is > 0 and var port ? port : null,
            AccessLogFile = at.String("accessLogFile") is { Length: > 0 } file ? file : null,
            AccessLogFormat = at.String("accessLogFormat") is { Length: > 0 } format ? format : null,
            AccessLogEncoding = at.Enum("accessLogEncoding", ("TEXT", AccessLogEncoding.Text), ("JSON", AccessLogEncoding.Json))
                ?? defaults.AccessLogEncoding,
            EnableAutoMtls = at.Boolean("enableAutoMtls") ?? defaults.EnableAutoMtls,
            MeshTlsMinimum = at.Object("meshMTLS", ReadMeshTls)?.Minimum ?? defaults.MeshTlsMinimum,
            ConnectTimeout = at.Duration("connectTimeout") ?? defaults.ConnectTimeout,
            TcpKeepalive = at.Object("tcpKeepalive", ConnectionPoolReader.ReadKeepalive),
            UpgradesToHttp2 = at.Enum("h2UpgradePolicy", ("DO_NOT_UPGRADE", H2UpgradePolicy.DoNotUpgrade), ("UPGRADE", H2UpgradePolicy.Upgrade)) == H2UpgradePolicy.Upgrade,
            ProtocolDetectionTimeout = at.Duration("protocolDetectionTimeout", zeroAllowed: true) ?? TimeSpan.Zero,
            PathNormalization = at.Nested("pathNormalization")?.Enum(
                "normalization", ("DEFAULT", PathNormalization.Base), ("NONE", PathNormalization.None), ("BASE", PathNormalization.Base),
                ("MERGE_SLASHES", PathNormalization.MergeSlashes),
                ("DECODE_AND_MERGE_SLASHES", PathNormalization.DecodeAndMergeSlashes)) ?? defaults.PathNormalization,
            DefaultServiceExportTo = ReadDefaultExportTo(at, "defaultServiceExportTo"),
            DefaultVirtualServiceExportTo = ReadDefaultExportTo(at, "defaultVirtualServiceExportTo"),
            DefaultDestinationRuleExportTo = ReadDefaultExportTo(at, "defaultDestinationRuleExportTo"),
            DefaultHttpRetryPolicy = at.Object("defaultHttpRetryPolicy", HttpPolicyReader.ReadRetry),
        };
    }

    private static MeshTls ReadMeshTls(ObjectReader at)
    {
        at.Strings("ecdhCurves");
        at.Strings("cipherSuites");
        return new MeshTls(at.Enum(
            "minProtocolVersion", ("TLS_AUTO", TlsProtocolVersion.Auto), ("TLSV1_2", TlsProtocolVersion.Tls12), ("TLSV1_3", TlsProtocolVersion.Tls13))
            ?? TlsProtocolVersion.Auto);
    }

    private static string? Domain(ObjectReader at, string field) => at.Host(field, HostRule.Name);

    private static string? ReadNamespace(ObjectReader at)
    {
        if (at.String("rootNamespace") is not { Length: > 0 } name) return null;
        if (!HostSyntax.IsLabel(name)) at.Report(DiagnosticCodes.InvalidName, "rootNamespace", $"'{name}' is not a namespace");
        return name;
    }

    private static ImmutableArray<string> ReadDefaultExportTo(ObjectReader at, string field)
    {
        var exportTo = at.Strings(field);
        for (var i = 0; i < exportTo.Length; i++)
            if (exportTo[i] is not ("." or "*" or "~") && !HostSyntax.IsLabel(exportTo[i]))
                at.ReportItem(DiagnosticCodes.InvalidExportTo, field, i, $"'{exportTo[i]}' is not a namespace", "'.', '*' or '~'");
        return exportTo;
    }

    private sealed record MeshTls(TlsProtocolVersion Minimum);
}
