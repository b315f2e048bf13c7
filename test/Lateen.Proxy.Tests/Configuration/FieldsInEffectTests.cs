using System.Reflection;
using Envoy.Config.Bootstrap.V3;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Configuration;
using Lateen.Testing;
using Lateen.Xds;
using Lateen.Xds.Text;
using Lateen.Xds.Wire;
using Lateen.Yaml;

namespace Lateen.Proxy.Tests.Configuration;

/// <summary>Nothing that a configuration says is lost on the way: what the protos have is read, and what is compiled from it is used.</summary>
public sealed class FieldsInEffectTests
{
    private const string ByCase = "is read by the case of its oneof";
    private const string Metadata = "is data for filters that ask for it by name, and none of ours does";
    private const string Node = "goes to the control plane as it is";
    private const string Program = "is read by the executable";
    private const string Refused = "is part of a message that is refused";
    private const string Runtime = "there is no runtime, so nothing can have another value for the key than the default beside it";
    private const string Unserved = "is part of a message that is not served";

    /// <summary>Fields that nobody reads although what they ask for is done, or that ask for nothing here.</summary>
    private static readonly Dictionary<string, string> Excused = new()
    {
        ["envoy.config.cluster.v3.Cluster.round_robin_lb_config"] = "is empty: what Envoy has in it is unknown to our protos",
        ["envoy.config.core.v3.ApiConfigSource.set_node_on_first_message_only"] = "the node goes with the first message, which servers have to keep",
        ["envoy.config.core.v3.BuildVersion.metadata"] = Node,
        ["envoy.config.core.v3.BuildVersion.version"] = Node,
        ["envoy.config.core.v3.ConfigSource.ads"] = ByCase,
        ["envoy.config.core.v3.Extension.category"] = Node,
        ["envoy.config.core.v3.Extension.name"] = Node,
        ["envoy.config.core.v3.Extension.type_urls"] = Node,
        ["envoy.config.core.v3.Node.client_features"] = Node,
        ["envoy.config.core.v3.Node.cluster"] = Node,
        ["envoy.config.core.v3.Node.extensions"] = Node,
        ["envoy.config.core.v3.Node.locality"] = Node,
        ["envoy.config.core.v3.Node.metadata"] = Node,
        ["envoy.config.core.v3.Node.user_agent_build_version"] = Node,
        ["envoy.config.core.v3.Node.user_agent_name"] = Node,
        ["envoy.config.core.v3.Node.user_agent_version"] = Node,
        ["envoy.config.core.v3.RuntimeDouble.runtime_key"] = Runtime,
        ["envoy.config.core.v3.RuntimeFeatureFlag.default_value"] = Refused,
        ["envoy.config.core.v3.RuntimeFeatureFlag.runtime_key"] = Refused,
        ["envoy.config.core.v3.RuntimeFractionalPercent.runtime_key"] = Runtime,
        ["envoy.config.endpoint.v3.LocalityLbEndpoints.metadata"] = Metadata,
        ["envoy.config.listener.v3.ApiListener.api_listener"] = Refused,
        ["envoy.config.listener.v3.FilterChain.metadata"] = Metadata,
        ["envoy.config.listener.v3.Listener.drain_type"] = "all listeners drain as MODIFY_ONLY asks: failing health checks drain none",
        ["envoy.config.listener.v3.Listener.metadata"] = Metadata,
        ["envoy.config.overload.v3.OverloadManager.refresh_interval"] = "connections are counted as they come, not looked at now and then",
        ["envoy.config.rbac.v3.RBAC.AuditLoggingOptions.audit_condition"] = "says when loggers write; the one that is known says where policies are written, and writes nothing",
        ["envoy.config.route.v3.Decorator.operation"] = Unserved,
        ["envoy.config.route.v3.Decorator.propagate"] = Unserved,
        ["envoy.config.route.v3.Route.metadata"] = Metadata,
        ["envoy.config.route.v3.RouteConfiguration.metadata"] = Metadata,
        ["envoy.config.route.v3.RouteConfiguration.virtual_hosts"] = "is cut out of the bytes, one by one",
        ["envoy.config.route.v3.VirtualHost.metadata"] = Metadata,
        ["envoy.extensions.filters.http.jwt_authn.v3.FilterStateRule.name"] = Refused,
        ["envoy.extensions.filters.http.jwt_authn.v3.FilterStateRule.requires"] = Refused,
        ["envoy.extensions.filters.http.jwt_authn.v3.JwtProvider.remote_jwks"] = ByCase,
        ["envoy.extensions.filters.http.jwt_authn.v3.JwtRequirement.allow_missing"] = ByCase,
        ["envoy.extensions.filters.http.jwt_authn.v3.JwtRequirement.allow_missing_or_failed"] = ByCase,
        ["envoy.extensions.filters.http.jwt_authn.v3.JwtRequirement.extract_only_without_validation"] = ByCase,
        ["envoy.extensions.filters.http.jwt_authn.v3.RemoteJwks.cache_duration"] = Refused,
        ["envoy.extensions.filters.http.jwt_authn.v3.RemoteJwks.http_uri"] = Refused,
        ["envoy.type.matcher.v3.RegexMatcher.google_re2"] = "names the engine, and there is one",
        ["envoy.type.matcher.v3.ValueMatcher.null_match"] = ByCase,
        ["envoy.type.v3.SemanticVersion.major_number"] = Node,
        ["envoy.type.v3.SemanticVersion.minor_number"] = Node,
        ["envoy.type.v3.SemanticVersion.patch"] = Node,
    };

    /// <summary>Compiled values that nobody reads.</summary>
    private static readonly Dictionary<string, string> ExcusedValues = new()
    {
        ["Lateen.Proxy.Clusters.ClusterSnapshot.Algorithm"] = "is in effect as the load balancer; tests ask for it",
        ["Lateen.Proxy.Clusters.ClusterSnapshot.Discovery"] = "is in effect as the endpoints; tests ask for it",
        ["Lateen.Proxy.Configuration.BootstrapConfig.AdminAccessLogs"] = Program,
        ["Lateen.Proxy.Configuration.BootstrapConfig.AdminAddress"] = Program,
        ["Lateen.Proxy.Configuration.BootstrapConfig.MaxDownstreamConnections"] = Program,
        ["Lateen.Proxy.Configuration.BootstrapConfig.Node"] = Program,
        ["Lateen.Proxy.Configuration.ControlPlaneConfig.Authority"] = Program,
        ["Lateen.Proxy.Configuration.ControlPlaneConfig.ConnectTimeout"] = Program,
        ["Lateen.Proxy.Configuration.ControlPlaneConfig.InitialMetadata"] = Program,
        ["Lateen.Proxy.Configuration.ControlPlaneConfig.Servers"] = Program,
        ["Lateen.Proxy.Configuration.ControlPlaneConfig.Variant"] = Program,
    };

    [Fact]
    public void Every_field_of_the_protos_is_read_or_is_known_to_be_unserved()
    {
        var readers = FieldReaders.Of(typeof(ProxyConfiguration).Assembly);
        var unserved = UnservedFields.Fields.ToHashSet();
        var unread =
            from message in Messages()
            from field in message.Fields.InDeclarationOrder()
            let property = message.ClrType.GetProperty(field.PropertyName)!
            where !readers.Reads(message.ClrType, property) && !unserved.Contains((message.FullName, field.FieldNumber))
            select field.FullName;
        Assert.Equal(Lines(Excused.Keys), Lines(unread));
    }

    [Fact]
    public void Every_value_that_configuration_is_compiled_to_is_read()
    {
        var assembly = typeof(ProxyConfiguration).Assembly;
        var readers = FieldReaders.Of(assembly);
        var unread =
            from type in assembly.GetTypes()
            where type.Namespace is "Lateen.Proxy.Configuration" or "Lateen.Proxy.Clusters" or "Lateen.Proxy.Routing" or "Lateen.Proxy.Tcp" && !type.IsDefined(typeof(System.Runtime.CompilerServices.CompilerGeneratedAttribute))
            from property in type.GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            where property is { CanRead: true, CanWrite: true } && property.Name != "EqualityContract" && !readers.Reads(type, property)
            select $"{type.FullName}.{property.Name}";
        Assert.Equal(Lines(ExcusedValues.Keys), Lines(unread));
    }

    [Fact]
    public void Our_own_control_plane_sends_nothing_that_is_passed_over_but_for_the_sake_of_Envoys()
    {
        var sent = new HashSet<string>();
        foreach (var file in Directory.GetFiles(Path.Combine(Programs.Root, "test", "Lateen.Translation.Tests", "Golden"), "*.golden.yaml"))
        {
            var golden = Assert.IsType<YamlMapping>(YamlReader.ReadSingle(File.ReadAllText(file), out _));
            foreach (var resource in golden.Select(static section => section.Value).OfType<YamlSequence>().SelectMany(static list => list).OfType<YamlMapping>())
            {
                if (!resource.Any(static entry => entry.Name == "@type")) continue;
                var packed = ProtoYamlReader.Read<Any>("google.protobuf.Any", resource, out var faults);
                Assert.Empty(faults);
                Assert.True(XdsTypeRegistry.Default.TryFind(packed.TypeUrl, out var type));
                foreach (var finding in UnknownFields.Find(type, packed.Value.Span, judge: UnservedFields.Judge)) sent.Add($"{finding.TypeName} {finding.FieldNumber} {finding.Reason is { } reason && UnservedFields.IsForEnvoy(reason)}");
            }
        }

        Assert.Equal(
            ["envoy.config.cluster.v3.Cluster 39 True", "envoy.config.route.v3.Route 5 True", "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig 1 True"],
            sent.Order(StringComparer.Ordinal));
    }

    private static string Lines(IEnumerable<string> names) => string.Join('\n', names.Order(StringComparer.Ordinal));

    /// <summary>Every message that may stand in a bootstrap or a resource.</summary>
    private static HashSet<MessageDescriptor> Messages()
    {
        var messages = new HashSet<MessageDescriptor>();
        var names = XdsTypeRegistry.Default.TypeNames.ToHashSet();
        foreach (var type in typeof(Bootstrap).Assembly.GetTypes().Where(static type => type.IsAssignableTo(typeof(IMessage))))
        {
            if (type.GetProperty("Descriptor", BindingFlags.Static | BindingFlags.Public)?.GetValue(null) is not MessageDescriptor descriptor) continue;
            if (names.Contains(descriptor.FullName) || type == typeof(Bootstrap)) Add(descriptor, messages);
        }

        return messages;
    }

    private static void Add(MessageDescriptor message, HashSet<MessageDescriptor> messages)
    {
        var isOurs = !message.FullName.StartsWith("google.", StringComparison.Ordinal) && !message.FullName.StartsWith("envoy.admin.", StringComparison.Ordinal)
            && !message.FullName.StartsWith("envoy.service.", StringComparison.Ordinal) && !message.IsMapEntry;
        if (message.IsMapEntry)
        {
            if (message.FindFieldByNumber(2) is { FieldType: FieldType.Message } value) Add(value.MessageType, messages);
            return;
        }

        if (!isOurs || !messages.Add(message)) return;
        foreach (var field in message.Fields.InDeclarationOrder())
        {
            if (field.FieldType == FieldType.Message) Add(field.MessageType, messages);
        }
    }
}
