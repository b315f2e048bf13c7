namespace Lateen.Proxy.Filters.Rbac;

/// <summary><c>any: true</c>.</summary>
internal sealed class AlwaysCondition : Condition
{
    public static readonly AlwaysCondition Instance = new();

    public override int Cost => 0;

    public override bool IsMatch(in AuthorizationSubject subject) => true;
}

/// <summary><c>and_rules</c>, <c>and_ids</c>: all of them, the cheapest first.</summary>
internal sealed class AllCondition : Condition
{
    private readonly Condition[] _conditions;

    private AllCondition(Condition[] conditions)
    {
        _conditions = conditions;
        Cost = conditions.Sum(static one => one.Cost);
    }

    public override int Cost { get; }

    public override IReadOnlyList<byte[]>? ExactPaths => _conditions.Select(static one => one.ExactPaths).Where(static one => one is not null).MinBy(static one => one!.Count);

    public override IReadOnlyList<byte[]>? ExactNames => _conditions.Select(static one => one.ExactNames).Where(static one => one is not null).MinBy(static one => one!.Count);

    public static Condition Of(IEnumerable<Condition> conditions)
    {
        Condition[] sorted = [.. conditions.Where(static one => one is not AlwaysCondition).OrderBy(static one => one.Cost)];
        return sorted.Length switch { 0 => AlwaysCondition.Instance, 1 => sorted[0], _ => new AllCondition(sorted) };
    }

    public override bool IsMatch(in AuthorizationSubject subject)
    {
        foreach (Condition condition in _conditions)
        {
            if (!condition.IsMatch(subject)) return false;
        }

        return true;
    }
}

/// <summary><c>or_rules</c>, <c>or_ids</c>, and the lists of a policy: one of them, the cheapest first.</summary>
internal sealed class AnyCondition : Condition
{
    private readonly Condition[] _conditions;

    private AnyCondition(Condition[] conditions)
    {
        _conditions = conditions;
        Cost = conditions.Sum(static one => one.Cost);
    }

    public override int Cost { get; }

    public override IReadOnlyList<byte[]>? ExactPaths => Array.TrueForAll(_conditions, static one => one.ExactPaths is not null) ? [.. _conditions.SelectMany(static one => one.ExactPaths!)] : null;

    public override IReadOnlyList<byte[]>? ExactNames => Array.TrueForAll(_conditions, static one => one.ExactNames is not null) ? [.. _conditions.SelectMany(static one => one.ExactNames!)] : null;

    public static Condition Of(IEnumerable<Condition> conditions)
    {
        Condition[] sorted = [.. conditions.OrderBy(static one => one.Cost)];
        return sorted is [AlwaysCondition, ..] ? sorted[0] : sorted.Length == 1 ? sorted[0] : new AnyCondition(sorted);
    }

    public override bool IsMatch(in AuthorizationSubject subject)
    {
        foreach (Condition condition in _conditions)
        {
            if (condition.IsMatch(subject)) return true;
        }

        return false;
    }
}

/// <summary><c>not_rule</c>, <c>not_id</c>.</summary>
internal sealed class NotCondition(Condition condition) : Condition
{
    public override int Cost => condition.Cost;

    public override bool IsMatch(in AuthorizationSubject subject) => !condition.IsMatch(subject);
}
