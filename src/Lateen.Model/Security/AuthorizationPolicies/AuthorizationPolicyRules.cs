using Lateen.Model.Reading;

namespace Lateen.Model.Security.AuthorizationPolicies;

/// <summary>Rules about the parts of an AuthorizationPolicy together.</summary>
internal static class AuthorizationPolicyRules
{
    /// <summary>The annotation that lets a policy be counted without being enforced.</summary>
    public const string DryRunAnnotation = "istio.io/dry-run";

    /// <summary>ALLOW without rules is how one refuses everything; the other actions would never act.</summary>
    public static void ActionHasRules(AuthorizationPolicy policy, ObjectReader at)
    {
        if (policy.Action is not (AuthorizationAction.Deny or AuthorizationAction.Custom) || at.Node("rules") is Yaml.YamlSequence { Count: > 0 }) return;
        at.Report(
            DiagnosticCodes.PolicyWithoutRules, "rules", $"a {(policy.Action == AuthorizationAction.Deny ? "DENY" : "CUSTOM")} policy without rules never acts",
            "rules: [{}] matches every request");
    }

    /// <summary>A list that is written must hold something: an empty one would read as "from anywhere".</summary>
    public static void NotEmpty(ObjectReader at, string field)
    {
        if (at.Node(field) is Yaml.YamlSequence { Count: 0 })
            at.Report(DiagnosticCodes.EmptyRule, field, $"'{field}' lists nothing", "remove it to match any");
    }

    public static void SaysSomething(ObjectReader at, int conditions)
    {
        if (conditions == 0) at.ReportHere(DiagnosticCodes.EmptyRule, "no field is set, so nothing is asked", "name a field, or remove the entry");
    }

    public static void NotWithCustom(ObjectReader at, string field, string what) =>
        at.Report(
            DiagnosticCodes.AttributeOfCustom, field, $"a CUSTOM policy cannot ask for '{what}': the authorizer is asked before authentication",
            "leave it to the authorizer, or to a DENY or ALLOW policy");

    public static bool IsDryRun(ObjectReader at, AuthorizationAction action)
    {
        if (!at.Context.Annotations.TryGetValue(DryRunAnnotation, out string? written) || written != "true") return false;
        if (action is AuthorizationAction.Allow or AuthorizationAction.Deny) return true;
        at.Report(DiagnosticCodes.InvalidDryRun, "action", "only ALLOW and DENY policies can be dry-run", $"remove the annotation {DryRunAnnotation}");
        return false;
    }

    /// <summary>On a connection that is not HTTP a DENY rule asks only what a connection can answer, so it takes more than its author may think.</summary>
    public static void WarnOfConnections(AuthorizationRule rule, ObjectReader at)
    {
        var conditions = rule.AllConditions().ToList();
        if (!conditions.Exists(condition => condition.Attribute.IsOfRequest()) || conditions.Exists(IsOfPorts)) return;
        bool isEverything = conditions.TrueForAll(condition => condition.Attribute.IsOfRequest());
        at.ReportHere(
            DiagnosticCodes.WiderOnConnections,
            isEverything
                ? "on ports that are not HTTP this rule denies every connection, for it asks only what requests have"
                : "on ports that are not HTTP this rule is wider, for what only requests have is not asked",
            "name the HTTP ports: to: [{operation: {ports: [...]}}]");
    }

    private static bool IsOfPorts(AttributeCondition condition) => condition.Attribute == PolicyAttribute.DestinationPort && !condition.Values.IsEmpty;
}
