using Google.Protobuf.Collections;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>Compiles a tree of rules of one kind, permissions or principals: what the two share is how they are put together.</summary>
/// <typeparam name="TRule">The message.</typeparam>
/// <param name="conditions">Compiles the tests.</param>
internal abstract class RuleCompiler<TRule>(ConditionCompiler conditions)
{
    protected ConditionCompiler Conditions => conditions;

    /// <summary>The alternatives of a list.</summary>
    public Condition? Any(RepeatedField<TRule> rules, FieldPath path, bool whenInDoubt) => Compile(rules, path, whenInDoubt) is { } all ? AnyCondition.Of(all) : null;

    /// <summary>All of a list.</summary>
    protected Condition? All(RepeatedField<TRule> rules, FieldPath path, bool whenInDoubt) => Compile(rules, path, whenInDoubt) is { } all ? AllCondition.Of(all) : null;

    /// <summary>The opposite of a rule: what helps to deny inside of it helps to allow outside.</summary>
    protected Condition? Not(TRule rule, FieldPath path, bool whenInDoubt) => Compile(rule, path, !whenInDoubt) is { } inner ? new NotCondition(inner) : null;

    /// <summary><c>any</c>, which says nothing where it is false.</summary>
    protected Condition? Always(bool any, FieldPath path) => any ? AlwaysCondition.Instance : conditions.Refuse(path, "must be true");

    /// <returns>Null when the errors got something to say.</returns>
    protected abstract Condition? Compile(TRule rule, FieldPath path, bool whenInDoubt);

    private List<Condition>? Compile(RepeatedField<TRule> rules, FieldPath path, bool whenInDoubt)
    {
        if (rules.Count == 0) conditions.Errors.Add(path, "at least one is required");
        var compiled = new List<Condition>(rules.Count);
        for (int i = 0; i < rules.Count; i++)
        {
            if (Compile(rules[i], path.At(i), whenInDoubt) is { } condition) compiled.Add(condition);
        }

        return compiled.Count == rules.Count && compiled.Count > 0 ? compiled : null;
    }
}
