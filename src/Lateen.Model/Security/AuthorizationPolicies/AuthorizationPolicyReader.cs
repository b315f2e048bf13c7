using Lateen.Model.Reading;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Security.AuthorizationPolicies;

/// <summary>Reads and checks the spec of an AuthorizationPolicy.</summary>
internal static class AuthorizationPolicyReader
{
    public static readonly MessageShape ProviderShape = new("ExtensionProvider", InEffect("name"));

    public static readonly MessageShape RuleShape = new(
        "Rule", InEffect("from", SourceReader.FromShape), InEffect("to", OperationReader.ToShape), InEffect("when", ConditionReader.Shape));

    public static readonly MessageShape Shape = new(
        "AuthorizationPolicy",
        [.. PolicyScopeReader.Fields, InEffect("rules", RuleShape), InEffect("action"), InEffect("provider", ProviderShape)]);

    public static AuthorizationPolicy Read(ObjectReader at)
    {
        var action = at.Enum(
            "action", ("ALLOW", AuthorizationAction.Allow), ("DENY", AuthorizationAction.Deny), ("AUDIT", AuthorizationAction.Audit),
            ("CUSTOM", AuthorizationAction.Custom)) ?? AuthorizationAction.Allow;
        var policy = new AuthorizationPolicy
        {
            Scope = PolicyScopeReader.Read(at),
            Action = action,
            Provider = ReadProvider(at, action),
            Rules = at.Objects("rules", rule => ReadRule(rule, action)),
            IsDryRun = AuthorizationPolicyRules.IsDryRun(at, action),
        };
        AuthorizationPolicyRules.ActionHasRules(policy, at);
        return policy;
    }

    private static string? ReadProvider(ObjectReader at, AuthorizationAction action)
    {
        string? name = at.Nested("provider")?.String("name");
        if (action == AuthorizationAction.Custom && string.IsNullOrEmpty(name))
            at.Report(
                DiagnosticCodes.InvalidProvider, "provider", "a CUSTOM policy names the external authorizer that decides",
                "provider: {name: ...}, one of the extensionProviders of the mesh settings");
        else if (action != AuthorizationAction.Custom && at.Has("provider"))
            at.Report(DiagnosticCodes.InvalidProvider, "provider", "only a CUSTOM policy has a provider", "action: CUSTOM, or remove it");
        return string.IsNullOrEmpty(name) ? null : name;
    }

    private static AuthorizationRule ReadRule(ObjectReader at, AuthorizationAction action)
    {
        AuthorizationPolicyRules.NotEmpty(at, "from");
        AuthorizationPolicyRules.NotEmpty(at, "to");
        var rule = new AuthorizationRule
        {
            From = at.Objects("from", source => SourceReader.Read(source, action)),
            To = at.Objects("to", OperationReader.Read),
            When = at.Objects("when", condition => ConditionReader.Read(condition, action)),
            Location = at.Location,
        };
        if (action == AuthorizationAction.Deny) AuthorizationPolicyRules.WarnOfConnections(rule, at);
        return rule;
    }
}
