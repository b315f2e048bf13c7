using System.Collections.Immutable;
using Lateen.Model.Reading;
using Lateen.Model.Reading.Values;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Security.AuthorizationPolicies;

/// <summary>Reads one entry of <c>from</c>.</summary>
internal static class SourceReader
{
    public static readonly MessageShape Shape = new(
        "Source",
        InEffect("principals"), InEffect("notPrincipals"), InEffect("requestPrincipals"), InEffect("notRequestPrincipals"), InEffect("namespaces"),
        InEffect("notNamespaces"), InEffect("serviceAccounts"), InEffect("notServiceAccounts"), InEffect("ipBlocks"), InEffect("notIpBlocks"),
        InEffect("remoteIpBlocks"), InEffect("notRemoteIpBlocks"), InEffect("trustDomains"), InEffect("notTrustDomains"));

    public static readonly MessageShape FromShape = new("Rule.From", InEffect("source", Shape));

    /// <summary>Istio's bound on the service accounts of a source.</summary>
    internal const int MaxServiceAccounts = 16;

    public static ConditionSet? Read(ObjectReader entry, AuthorizationAction action)
    {
        if (!entry.Require("source") || entry.Nested("source") is not { } at) return null;
        var conditions = ImmutableArray.CreateBuilder<AttributeCondition>();
        AttributeFields.Add(at, conditions, PolicyAttribute.Principal, "principals", "notPrincipals");
        AttributeFields.Add(at, conditions, PolicyAttribute.RequestPrincipal, "requestPrincipals", "notRequestPrincipals");
        AttributeFields.Add(at, conditions, PolicyAttribute.Namespace, "namespaces", "notNamespaces");
        AttributeFields.Add(at, conditions, PolicyAttribute.ServiceAccount, "serviceAccounts", "notServiceAccounts");
        AttributeFields.Add(at, conditions, PolicyAttribute.SourceIp, "ipBlocks", "notIpBlocks");
        AttributeFields.Add(at, conditions, PolicyAttribute.RemoteIp, "remoteIpBlocks", "notRemoteIpBlocks");
        AttributeFields.Add(at, conditions, PolicyAttribute.TrustDomain, "trustDomains", "notTrustDomains");
        CheckServiceAccounts(at, "serviceAccounts");
        CheckServiceAccounts(at, "notServiceAccounts");
        if (action == AuthorizationAction.Custom) RefuseAuthenticated(at);
        AuthorizationPolicyRules.SaysSomething(at, conditions.Count);
        return new ConditionSet(conditions.ToImmutable());
    }

    private static void CheckServiceAccounts(ObjectReader at, string field)
    {
        var accounts = at.Strings(field);
        if (accounts.IsEmpty) return;
        if (accounts.Length > MaxServiceAccounts)
            at.Report(DiagnosticCodes.InvalidServiceAccount, field, $"{accounts.Length} service accounts are written", $"at most {MaxServiceAccounts}; add another source");
        foreach (string other in (ReadOnlySpan<string>)["principals", "notPrincipals", "namespaces", "notNamespaces"])
            if (at.Has(other))
                at.Report(DiagnosticCodes.ExclusiveFields, field, $"'{field}' and '{other}' exclude each other", "a service account says its namespace; keep one of them");
    }

    /// <summary>An external authorizer is asked before the proxy knows who speaks.</summary>
    private static void RefuseAuthenticated(ObjectReader at)
    {
        foreach (string field in (ReadOnlySpan<string>)[
            "principals", "notPrincipals", "requestPrincipals", "notRequestPrincipals", "namespaces", "notNamespaces", "serviceAccounts",
            "notServiceAccounts", "trustDomains", "notTrustDomains"])
            if (at.Has(field)) AuthorizationPolicyRules.NotWithCustom(at, field, field);
    }
}

/// <summary>Reads one entry of <c>to</c>.</summary>
internal static class OperationReader
{
    public static readonly MessageShape Shape = new(
        "Operation",
        InEffect("hosts"), InEffect("notHosts"), InEffect("ports"), InEffect("notPorts"), InEffect("methods"), InEffect("notMethods"), InEffect("paths"),
        InEffect("notPaths"));

    public static readonly MessageShape ToShape = new("Rule.To", InEffect("operation", Shape));

    public static ConditionSet? Read(ObjectReader entry)
    {
        if (!entry.Require("operation") || entry.Nested("operation") is not { } at) return null;
        var conditions = ImmutableArray.CreateBuilder<AttributeCondition>();
        AttributeFields.Add(at, conditions, PolicyAttribute.Host, "hosts", "notHosts");
        AttributeFields.Add(at, conditions, PolicyAttribute.DestinationPort, "ports", "notPorts");
        AttributeFields.Add(at, conditions, PolicyAttribute.Method, "methods", "notMethods");
        AttributeFields.Add(at, conditions, PolicyAttribute.Path, "paths", "notPaths");
        AuthorizationPolicyRules.SaysSomething(at, conditions.Count);
        return new ConditionSet(conditions.ToImmutable());
    }
}

/// <summary>Reads a pair of lists, values and values that must not be, and checks them by what the attribute takes.</summary>
internal static class AttributeFields
{
    public static void Add(
        ObjectReader at, ImmutableArray<AttributeCondition>.Builder conditions, PolicyAttribute attribute, string field, string notField)
    {
        if (Read(at, attribute, [], field, notField) is { } condition) conditions.Add(condition);
    }

    /// <summary>Null when neither list says anything.</summary>
    public static AttributeCondition? Read(ObjectReader at, PolicyAttribute attribute, ImmutableArray<string> path, string field, string notField)
    {
        var values = Values(at, attribute, field);
        var notValues = Values(at, attribute, notField);
        return values.IsEmpty && notValues.IsEmpty
            ? null
            : new AttributeCondition { Attribute = attribute, Path = path, Values = values, NotValues = notValues };
    }

    private static ImmutableArray<string> Values(ObjectReader at, PolicyAttribute attribute, string field)
    {
        var values = at.Strings(field);
        for (int i = 0; i < values.Length; i++)
            if (Check(attribute, values[i], out var code) is { } complaint) at.ReportItem(code, field, i, complaint.Message, complaint.Hint);
        if (values.IsEmpty && at.Has(field))
            at.Report(DiagnosticCodes.EmptyRule, field, $"'{field}' lists nothing", "name at least one value, or remove it");
        return values;
    }

    private static Complaint? Check(PolicyAttribute attribute, string value, out DiagnosticCode code)
    {
        code = DiagnosticCodes.InvalidPolicyValue;
        if (value.Length == 0) return new Complaint("an empty value matches nothing", "'*' means any value");
        if (attribute.IsAddress())
        {
            code = DiagnosticCodes.InvalidAddress;
            return HostSyntax.IsAddressOrCidr(value) ? null : new Complaint($"'{value}' is not an address or block", "10.1.2.3 or 10.0.0.0/8");
        }

        switch (attribute)
        {
            case PolicyAttribute.DestinationPort:
                code = DiagnosticCodes.InvalidPort;
                return int.TryParse(value, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int port) && port is >= 1 and <= 65535
                    ? null
                    : new Complaint($"'{value}' is not a port number", "\"1\" to \"65535\"");
            case PolicyAttribute.Path when PathTemplate.IsTemplate(value):
                code = DiagnosticCodes.InvalidPathTemplate;
                return PathTemplate.Check(value);
            case PolicyAttribute.ServiceAccount:
                code = DiagnosticCodes.InvalidServiceAccount;
                return CheckServiceAccount(value);
            default:
                return null;
        }
    }

    private static Complaint? CheckServiceAccount(string value)
    {
        const string form = "namespace/account, or account for the policy's own namespace; without '*'";
        string[] parts = value.Split('/');
        if (parts.Length > 2 || value.Contains('*')) return new Complaint($"'{value}' is not a service account", form);
        // Names of service accounts are DNS subdomains, namespaces are labels.
        return (parts.Length == 2 && !HostSyntax.IsLabel(parts[0])) || parts[^1].Split('.').Any(label => !HostSyntax.IsLabel(label))
            ? new Complaint($"'{value}' is not a service account", form)
            : null;
    }
}
