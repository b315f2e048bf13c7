using Envoy.Config.Rbac.V3;
using Envoy.Extensions.Path.Match.UriTemplate.V3;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Lateen.Proxy.Configuration;
using Lateen.Xds;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>Compiles permissions: what may, or may not, be done.</summary>
internal sealed class PermissionCompiler(ConditionCompiler conditions)
{
    /// <summary>The alternatives of a list.</summary>
    public Condition? Any(RepeatedField<Permission> permissions, FieldPath path, bool whenInDoubt) =>
        All(permissions, path, whenInDoubt) is { } all ? AnyCondition.Of(all) : null;

    private List<Condition>? All(RepeatedField<Permission> permissions, FieldPath path, bool whenInDoubt)
    {
        if (permissions.Count == 0) conditions.Errors.Add(path, "at least one is required");
        var compiled = new List<Condition>(permissions.Count);
        for (int i = 0; i < permissions.Count; i++)
        {
            if (Compile(permissions[i], path.At(i), whenInDoubt) is { } condition) compiled.Add(condition);
        }

        return compiled.Count == permissions.Count && compiled.Count > 0 ? compiled : null;
    }

    private Condition? Compile(Permission permission, FieldPath path, bool whenInDoubt)
    {
        switch (permission.RuleCase)
        {
            case Permission.RuleOneofCase.AndRules:
                return All(permission.AndRules.Rules, path.Field("and_rules").Field("rules"), whenInDoubt) is { } all ? AllCondition.Of(all) : null;
            case Permission.RuleOneofCase.OrRules:
                return Any(permission.OrRules.Rules, path.Field("or_rules").Field("rules"), whenInDoubt);
            case Permission.RuleOneofCase.NotRule:
                return Compile(permission.NotRule, path.Field("not_rule"), !whenInDoubt) is { } inner ? new NotCondition(inner) : null;
            case Permission.RuleOneofCase.Any:
                return permission.Any ? AlwaysCondition.Instance : conditions.Refuse(path.Field("any"), "must be true");
            case Permission.RuleOneofCase.Header:
                return conditions.Header(permission.Header, path.Field("header"), whenInDoubt);
            case Permission.RuleOneofCase.UrlPath:
                return conditions.Path(permission.UrlPath, path.Field("url_path"), whenInDoubt);
            case Permission.RuleOneofCase.DestinationIp:
                return conditions.Address(AddressSubject.Local, permission.DestinationIp, path.Field("destination_ip"));
            case Permission.RuleOneofCase.DestinationPort:
                return permission.DestinationPort <= ushort.MaxValue
                    ? new PortCondition((int)permission.DestinationPort, (int)permission.DestinationPort + 1)
                    : conditions.Refuse(path.Field("destination_port"), "a port is at most 65535");
            case Permission.RuleOneofCase.DestinationPortRange:
                Envoy.Type.V3.Int32Range range = permission.DestinationPortRange;
                return range.Start >= 0 && range.End <= ushort.MaxValue + 1 && range.Start < range.End
                    ? new PortCondition(range.Start, range.End)
                    : conditions.Refuse(path.Field("destination_port_range"), "needs 0 <= start (inclusive) < end (exclusive) <= 65536");
            case Permission.RuleOneofCase.Metadata:
                return conditions.Metadata(permission.Metadata, path.Field("metadata"), whenInDoubt);
            case Permission.RuleOneofCase.SourcedMetadata:
                return conditions.Metadata(permission.SourcedMetadata, path.Field("sourced_metadata"), whenInDoubt);
            case Permission.RuleOneofCase.RequestedServerName:
                return conditions.ServerName(permission.RequestedServerName, path.Field("requested_server_name"));
            case Permission.RuleOneofCase.UriTemplate:
                return Template(permission.UriTemplate, path.Field("uri_template"), whenInDoubt);
            case Permission.RuleOneofCase.Matcher:
                return conditions.Refuse(path.Field("matcher"), $"the matcher '{permission.Matcher.Name}' is not supported");
            default:
                return conditions.Refuse(path, "needs a rule");
        }
    }

    private Condition? Template(Envoy.Config.Core.V3.TypedExtensionConfig extension, FieldPath path, bool whenInDoubt)
    {
        if (!conditions.IsForRequests(path)) return null;
        FieldPath config = path.Field("typed_config");
        string type = extension.TypedConfig?.TypeUrl ?? string.Empty;
        if (XdsTypeRegistry.TypeNameOf(type) != UriTemplateMatchConfig.Descriptor.FullName)
            return conditions.Refuse(config, $"the type '{type}' is not supported (supported: {UriTemplateMatchConfig.Descriptor.FullName})");
        try
        {
            var template = UriTemplateMatchConfig.Parser.ParseFrom(extension.TypedConfig!.Value);
            return UriTemplate.TryParse(template.PathTemplate, out string error) is { } compiled
                ? new PathCondition(compiled, compiled, whenInDoubt)
                : conditions.Refuse(config.Field("path_template"), error);
        }
        catch (InvalidProtocolBufferException fault)
        {
            return conditions.Refuse(config, $"is not a valid message: {fault.Message}");
        }
    }
}
