using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.Statistics;
using Lateen.Xds.Wire;
using Proto = Envoy.Extensions.Filters.Http.Rbac.V3;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>Compiles <c>envoy.filters.http.rbac</c>, and what routes put in its place (<c>RBACPerRoute</c>; an empty one lets all pass).</summary>
public sealed class RbacFilterCompiler(StatsRegistry registry) : IExtensionCompiler, IRouteFilterCompiler
{
    private readonly RbacPolicyCounters _policies = new(registry);

    public string MessageName => "envoy.extensions.filters.http.rbac.v3.RBAC";

    public string RouteMessageName => "envoy.extensions.filters.http.rbac.v3.RBACPerRoute";

    public CompiledExtension? Compile(string name, Any configuration, FieldPath path, ConfigurationErrors errors) =>
        RbacMessages.TryParse(Proto.RBAC.Parser, configuration, path, errors) is { } message
        && RulesOf(name, configuration.TypeUrl, message, path, errors) is { } rules
            ? new RbacFilter(name, configuration.TypeUrl, rules, registry)
            : null;

    public CompiledExtension? CompileForRoute(string name, Any configuration, FieldPath path, ConfigurationErrors errors) =>
        RbacMessages.TryParse(Proto.RBACPerRoute.Parser, configuration, path, errors) is { } message
            ? RulesOf(name, configuration.TypeUrl, message.Rbac ?? new Proto.RBAC(), path.Field("rbac"), errors)
            : null;

    private RbacFilterRules? RulesOf(string name, string typeUrl, Proto.RBAC message, FieldPath path, ConfigurationErrors errors)
    {
        int errorsBefore = errors.Count;
        RbacRules? enforced = message.Rules is null ? null : RbacRules.Compile(message.Rules, path.Field("rules"), errors, isConnection: false);
        RbacRules? shadow = message.ShadowRules is null ? null : RbacRules.Compile(message.ShadowRules, path.Field("shadow_rules"), errors, isConnection: false);
        if (errors.Count > errorsBefore) return null;
        return new RbacFilterRules(
            name,
            typeUrl,
            enforced is null ? null : new RbacRuleSet(enforced, message.RulesStatPrefix, isShadow: false, message.TrackPerRuleStats ? _policies : null),
            shadow is null ? null : new RbacRuleSet(shadow, message.ShadowRulesStatPrefix, isShadow: true, message.TrackPerRuleStats ? _policies : null),
            message.RulesStatPrefix,
            message.ShadowRulesStatPrefix);
    }
}

/// <summary>Messages of access rules.</summary>
internal static class RbacMessages
{
    /// <summary>Fields that exist in Envoy and not here, by their message and number.</summary>
    private static readonly Dictionary<(string Type, int Number), string> KnownElsewhere = new()
    {
        [("envoy.config.rbac.v3.Policy", 3)] = "condition",
        [("envoy.config.rbac.v3.Policy", 4)] = "checked_condition",
        [("envoy.config.rbac.v3.Policy", 5)] = "cel_config",
        [("envoy.extensions.filters.http.rbac.v3.RBAC", 4)] = "matcher",
        [("envoy.extensions.filters.http.rbac.v3.RBAC", 5)] = "shadow_matcher",
        [("envoy.extensions.filters.network.rbac.v3.RBAC", 6)] = "matcher",
        [("envoy.extensions.filters.network.rbac.v3.RBAC", 7)] = "shadow_matcher",
    };

    /// <inheritdoc cref="ExtensionMessages.TryParse"/>
    public static TMessage? TryParse<TMessage>(MessageParser<TMessage> parser, Any configuration, FieldPath path, ConfigurationErrors errors)
        where TMessage : class, IMessage<TMessage> => ExtensionMessages.TryParse(parser, configuration, path, errors, KnownElsewhere, IsAuditLogger);

    /// <summary>A logger of a type that is not supported is refused or passed over by <see cref="RbacRules.Compile"/>: the configuration may call it optional.</summary>
    private static bool IsAuditLogger(UnknownField field) => field.FieldNumber == 0 && field.Path.EndsWith(".audit_logger.typed_config", StringComparison.Ordinal);
}
