using System.Collections.Immutable;
using Envoy.Config.Rbac.V3;
using Lateen.Proxy.Configuration;
using Lateen.Xds;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>What follows from a policy that fits.</summary>
internal enum RbacAction : byte
{
    /// <summary>Allowed if one fits, denied otherwise.</summary>
    Allow,

    /// <summary>Denied if one fits, allowed otherwise.</summary>
    Deny,

    /// <summary>Always allowed; if one fits, the access log is told.</summary>
    Log,
}

/// <summary>One policy: a name and when it fits.</summary>
/// <param name="Name">As configured.</param>
/// <param name="Condition">One of the permissions and one of the principals.</param>
/// <param name="Place">Where it is written, as <see cref="PlaceText"/> puts it; empty: nobody said.</param>
internal sealed record RbacPolicy(string Name, Condition Condition, string Place);

/// <summary>The verdict of one set of rules.</summary>
/// <param name="IsAllowed">It may go on.</param>
/// <param name="Policy">Index of the policy that fits; -1: none does.</param>
internal readonly record struct RbacVerdict(bool IsAllowed, int Policy);

/// <summary>
/// Compiled access rules (<c>envoy.config.rbac.v3.RBAC</c>): policies in the order of their names, as Envoy tries them, of which the first that
/// fits decides.
/// </summary>
/// <remarks>Immutable, shared by all reactors. An evaluation allocates nothing.</remarks>
internal sealed class RbacRules
{
    private readonly PolicyIndex? _index;

    private RbacRules(RbacAction action, ImmutableArray<RbacPolicy> policies, string allPlaces)
    {
        Action = action;
        Policies = policies;
        AllPlaces = allPlaces;
        _index = PolicyIndex.TryBuild(policies);
    }

    public RbacAction Action { get; }

    /// <summary>In the order in which they are tried.</summary>
    public ImmutableArray<RbacPolicy> Policies { get; }

    /// <summary>Where the first of them are written, for a verdict that no policy gave; empty: nobody said.</summary>
    public string AllPlaces { get; }

    /// <returns>Null when <paramref name="errors"/> got something to say.</returns>
    public static RbacRules? Compile(RBAC rules, FieldPath path, ConfigurationErrors errors, bool isConnection)
    {
        int errorsBefore = errors.Count;
        RbacAction? action = rules.Action switch
        {
            RBAC.Types.Action.Allow => RbacAction.Allow,
            RBAC.Types.Action.Deny => RbacAction.Deny,
            RBAC.Types.Action.Log => RbacAction.Log,
            _ => null,
        };
        if (action is null) errors.Add(path.Field("action"), $"{(int)rules.Action} is not a known value");

        // A request in doubt is not allowed, and is denied.
        bool whenInDoubt = action == RbacAction.Deny;
        var conditions = new ConditionCompiler(errors, isConnection);
        var permissions = new PermissionCompiler(conditions);
        var principals = new PrincipalCompiler(conditions);
        ImmutableDictionary<string, string> places = Places(rules.AuditLoggingOptions, path.Field("audit_logging_options"), errors);
        var policies = ImmutableArray.CreateBuilder<RbacPolicy>(rules.Policies.Count);
        foreach (string name in rules.Policies.Keys.Order(StringComparer.Ordinal))
        {
            Policy policy = rules.Policies[name];
            FieldPath policyPath = path.Field("policies").Key(name);
            Condition? what = permissions.Any(policy.Permissions, policyPath.Field("permissions"), whenInDoubt);
            Condition? who = principals.Any(policy.Principals, policyPath.Field("principals"), whenInDoubt);
            if (what is not null && who is not null) policies.Add(new RbacPolicy(name, AllCondition.Of([what, who]), PlaceText.Of(places.GetValueOrDefault(name))));
        }

        if (errors.Count > errorsBefore) return null;
        string allPlaces = PlaceText.OfSeveral(places.OrderBy(static place => place.Key, StringComparer.Ordinal).Select(static place => place.Value));
        return new RbacRules(action!.Value, policies.DrainToImmutable(), allPlaces);
    }

    /// <summary>Of audit loggers one is known: the control plane's, which says where policies are written. Any other has to be optional.</summary>
    private static ImmutableDictionary<string, string> Places(RBAC.Types.AuditLoggingOptions? options, FieldPath path, ConfigurationErrors errors)
    {
        ImmutableDictionary<string, string> places = ImmutableDictionary<string, string>.Empty;
        for (int i = 0; i < (options?.LoggerConfigs.Count ?? 0); i++)
        {
            RBAC.Types.AuditLoggingOptions.Types.AuditLoggerConfig logger = options!.LoggerConfigs[i];
            if (PolicyPlaces.TryUnpack(logger.AuditLogger, out ImmutableDictionary<string, string>? told)) places = told;
            else if (!logger.IsOptional) errors.Add(path.Field("logger_configs").At(i).Field("audit_logger"), $"the audit logger '{logger.AuditLogger?.Name}' is not supported, and is not optional");
        }

        return places;
    }

    public RbacVerdict Evaluate(in AuthorizationSubject subject)
    {
        int found = Find(subject);
        return new RbacVerdict(Action == RbacAction.Log || found >= 0 == (Action == RbacAction.Allow), found);
    }

    private int Find(in AuthorizationSubject subject)
    {
        if (_index is not null && subject.Paths is not ({ HasLenient: true } or { IsInDoubt: true })) return _index.Find(Policies, subject);
        for (int i = 0; i < Policies.Length; i++)
        {
            if (Policies[i].Condition.IsMatch(subject)) return i;
        }

        return -1;
    }
}
