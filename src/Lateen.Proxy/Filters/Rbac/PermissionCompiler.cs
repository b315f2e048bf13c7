using Envoy.Config.Rbac.V3;
using Envoy.Extensions.Path.Match.UriTemplate.V3;
using Lateen.Proxy.Configuration;
using Lateen.Xds;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>Compiles permissions: what may, or may not, be done.</summary>
internal sealed class PermissionCompiler(ConditionCompiler conditions) : RuleCompiler<Permission>(conditions)
{
    private const string UriTemplateName = "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig";

    protected override Condition? Compile(Permission permission, FieldPath path, bool whenInDoubt)
    {
        switch (permission.RuleCase)
        {
            case Permission.RuleOneofCase.AndRules:
                return All(permission.AndRules.Rules, path.Field("and_rules").Field("rules"), whenInDoubt);
            case Permission.RuleOneofCase.OrRules:
                return Any(permission.OrRules.Rules, path.Field("or_rules").Field("rules"), whenInDoubt);
            case Permission.RuleOneofCase.NotRule:
                return Not(permission.NotRule, path.Field("not_rule"), whenInDoubt);
            case Permission.RuleOneofCase.Any:
                return Always(permission.Any, path.Field("any"));
            case Permission.RuleOneofCase.Header:
                return Conditions.Header(permission.Header, path.Field("header"), whenInDoubt);
            case Permission.RuleOneofCase.UrlPath:
                return Conditions.Path(permission.UrlPath, path.Field("url_path"), whenInDoubt);
            case Permission.RuleOneofCase.DestinationIp:
                return Conditions.Address(AddressSubject.Local, permission.DestinationIp, path.Field("destination_ip"));
            case Permission.RuleOneofCase.DestinationPort:
                return permission.DestinationPort <= ushort.MaxValue
                    ? new PortCondition((int)permission.DestinationPort, (int)permission.DestinationPort + 1)
                    : Conditions.Refuse(path.Field("destination_port"), "a port is at most 65535");
            case Permission.RuleOneofCase.DestinationPortRange:
                Envoy.Type.V3.Int32Range range = permission.DestinationPortRange;
                return range.Start >= 0 && range.End <= ushort.MaxValue + 1 && range.Start < range.End
                    ? new PortCondition(range.Start, range.End)
                    : Conditions.Refuse(path.Field("destination_port_range"), "needs 0 <= start (inclusive) < end (exclusive) <= 65536");
            case Permission.RuleOneofCase.Metadata:
                return Conditions.Metadata(permission.Metadata, path.Field("metadata"), whenInDoubt);
            case Permission.RuleOneofCase.SourcedMetadata:
                return Conditions.Metadata(permission.SourcedMetadata, path.Field("sourced_metadata"), whenInDoubt);
            case Permission.RuleOneofCase.RequestedServerName:
                return Conditions.ServerName(permission.RequestedServerName, path.Field("requested_server_name"), whenInDoubt);
            case Permission.RuleOneofCase.UriTemplate:
                return Template(permission.UriTemplate, path.Field("uri_template"), whenInDoubt);
            case Permission.RuleOneofCase.Matcher:
                return Conditions.Refuse(path.Field("matcher"), $"the matcher '{permission.Matcher.Name}' is not supported");
            default:
                return Conditions.Refuse(path, "needs a rule");
        }
    }

    private Condition? Template(Envoy.Config.Core.V3.TypedExtensionConfig extension, FieldPath path, bool whenInDoubt)
    {
        if (!Conditions.IsForRequests(path)) return null;
        FieldPath config = path.Field("typed_config");
        string type = extension.TypedConfig?.TypeUrl ?? string.Empty;
        if (XdsTypeRegistry.TypeNameOf(type) != UriTemplateName)
            return Conditions.Refuse(config, $"the type '{type}' is not supported (supported: {UriTemplateName})");
        if (ExtensionMessages.TryParse(UriTemplateMatchConfig.Parser, extension.TypedConfig!, config, Conditions.Errors) is not { } template) return null;
        return UriTemplate.TryParse(template.PathTemplate, out string error) is { } compiled
            ? new PathCondition(compiled, compiled, whenInDoubt)
            : Conditions.Refuse(config.Field("path_template"), error);
    }
}
