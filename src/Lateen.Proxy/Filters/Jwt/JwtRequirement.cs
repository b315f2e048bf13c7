using System.Collections.Immutable;

namespace Lateen.Proxy.Filters.Jwt;

/// <summary>What a rule demands of the tokens of a request (<c>JwtRequirement</c>).</summary>
/// <remarks>Immutable; what is found out is kept by the <see cref="JwtCheck"/>.</remarks>
internal abstract class JwtRequirement
{
    public abstract JwtStatus Evaluate(JwtCheck check);

    /// <summary>
    /// Of two failures the one that tells more: that of a token which was looked at, before that of one that belongs to another issuer, before
    /// that of none at all.
    /// </summary>
    protected static JwtStatus Telling(JwtStatus one, JwtStatus other) => RankOf(other) > RankOf(one) ? other : one;

    private static int RankOf(JwtStatus status) => status switch
    {
        JwtStatus.Missing => 0,
        JwtStatus.UnknownIssuer => 1,
        _ => 2,
    };
}

/// <summary>A token of this provider, for one of these audiences (<c>provider_name</c>, <c>provider_and_audiences</c>).</summary>
/// <param name="index">Numbers the leaves of one configuration.</param>
/// <param name="provider">Who signs.</param>
/// <param name="audiences">The provider's, or those that stand in their place.</param>
internal sealed class ProviderLeaf(int index, JwtProvider provider, AudienceSet audiences) : JwtRequirement
{
    public int Index { get; } = index;

    public JwtProvider Provider { get; } = provider;

    public AudienceSet Audiences { get; } = audiences;

    public override JwtStatus Evaluate(JwtCheck check) => check.Ask(this);
}

/// <summary>Any of several (<c>requires_any</c>), the first that holds.</summary>
/// <param name="parts">Without the two below.</param>
/// <param name="allowsMissing">One of them was <c>allow_missing</c>: no token at all will do too, a bad one will not.</param>
/// <param name="allowsFailed">One of them was <c>allow_missing_or_failed</c>: everything will do.</param>
internal sealed class AnyRequirement(ImmutableArray<JwtRequirement> parts, bool allowsMissing, bool allowsFailed) : JwtRequirement
{
    public override JwtStatus Evaluate(JwtCheck check)
    {
        JwtStatus failure = JwtStatus.Missing;
        foreach (JwtRequirement part in parts)
        {
            JwtStatus status = part.Evaluate(check);
            if (status == JwtStatus.Ok) return JwtStatus.Ok;
            failure = Telling(failure, status);
        }

        return allowsFailed || (allowsMissing && failure == JwtStatus.Missing) ? JwtStatus.Ok : failure;
    }
}

/// <summary>All of several (<c>requires_all</c>); the first that does not hold says why.</summary>
internal sealed class AllRequirement(ImmutableArray<JwtRequirement> parts) : JwtRequirement
{
    public override JwtStatus Evaluate(JwtCheck check)
    {
        foreach (JwtRequirement part in parts)
        {
            JwtStatus status = part.Evaluate(check);
            if (status != JwtStatus.Ok) return status;
        }

        return JwtStatus.Ok;
    }
}

/// <summary>
/// <c>allow_missing</c> or <c>allow_missing_or_failed</c> alone: tokens of every provider are looked for, and those that are good are used. A token
/// that no provider accepts is refused, unless failures are allowed.
/// </summary>
/// <param name="providers">All of the configuration.</param>
/// <param name="allowsFailed">Nothing is ever refused.</param>
internal sealed class OptionalRequirement(ImmutableArray<ProviderLeaf> providers, bool allowsFailed) : JwtRequirement
{
    public override JwtStatus Evaluate(JwtCheck check)
    {
        JwtStatus failure = JwtStatus.Missing;
        bool hasGood = false;
        foreach (ProviderLeaf provider in providers)
        {
            JwtStatus status = provider.Evaluate(check);
            if (status == JwtStatus.Ok) hasGood = true;
            else failure = Telling(failure, status);
        }

        if (allowsFailed || failure == JwtStatus.Missing) return JwtStatus.Ok;
        // A token of one issuer in a place where another issuer's may stand as well is no failure of that other.
        return hasGood && failure == JwtStatus.UnknownIssuer ? JwtStatus.Ok : failure;
    }
}

/// <summary>A route demands what the filter does not know: nobody passes, since nobody knows what was meant.</summary>
internal sealed class UnknownRequirement : JwtRequirement
{
    public static readonly UnknownRequirement Instance = new();

    public override JwtStatus Evaluate(JwtCheck check) => JwtStatus.RequirementUnknown;
}
