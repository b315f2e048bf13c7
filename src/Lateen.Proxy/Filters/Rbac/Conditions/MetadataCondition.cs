using System.Collections.Immutable;
using Lateen.Proxy.Filters.Metadata;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>A test of what another filter found out (<c>MetadataMatcher</c>), such as a claim of a verified token. A missing value fits nothing.</summary>
/// <param name="filterNamespace">Whose metadata.</param>
/// <param name="path">Keys, outermost first.</param>
/// <param name="value">What the value has to be like.</param>
/// <param name="isInverted">The result is turned round.</param>
/// <param name="whenInDoubt">The result where metadata were lost for want of room, so that nothing about them is certain.</param>
internal sealed class MetadataCondition(
    byte[] filterNamespace, ImmutableArray<byte[]> path, MetadataTest value, bool isInverted, bool whenInDoubt) : Condition
{
    public override int Cost => 12 + value.Cost;

    public override bool IsMatch(in AuthorizationSubject subject)
    {
        if (subject.Metadata is not { } metadata) return isInverted;
        if (metadata.IsOverflowed) return whenInDoubt;
        MetadataValue found = metadata[filterNamespace];
        foreach (byte[] key in path)
        {
            if (found.IsMissing) break;
            found = found[key];
        }

        return value.IsMatch(found) != isInverted;
    }
}

/// <summary>A test of one value of metadata (<c>ValueMatcher</c>).</summary>
internal abstract class MetadataTest
{
    public virtual int Cost => 1;

    public abstract bool IsMatch(MetadataValue value);
}

/// <summary><c>null_match</c></summary>
internal sealed class NullTest : MetadataTest
{
    public override bool IsMatch(MetadataValue value) => value.Kind == MetadataKind.Null;
}

/// <summary><c>bool_match</c></summary>
internal sealed class BoolTest(bool wanted) : MetadataTest
{
    public override bool IsMatch(MetadataValue value) => value.Kind == MetadataKind.Bool && value.IsTrue == wanted;
}

/// <summary><c>present_match</c>; as in Envoy, the wish for an absent value fits nothing.</summary>
internal sealed class PresenceTest(bool wanted) : MetadataTest
{
    public override bool IsMatch(MetadataValue value) => wanted && !value.IsMissing;
}

/// <summary><c>double_match</c>: from the first (inclusive) to the end (exclusive).</summary>
internal sealed class NumberTest(double first, double end, bool isExact) : MetadataTest
{
    public override bool IsMatch(MetadataValue value) =>
        value.Kind == MetadataKind.Number && (isExact ? value.Number == first : value.Number >= first && value.Number < end);
}

/// <summary><c>string_match</c></summary>
internal sealed class TextTest(BytePredicate text) : MetadataTest
{
    public override bool IsMatch(MetadataValue value) => value.Kind == MetadataKind.Text && text.IsMatch(value.Text);
}

/// <summary><c>list_match</c>: one of the elements.</summary>
internal sealed class ListTest(MetadataTest element) : MetadataTest
{
    public override int Cost => 4 * element.Cost;

    public override bool IsMatch(MetadataValue value)
    {
        if (value.Kind != MetadataKind.List) return false;
        for (MetadataValue one = value.First; !one.IsMissing; one = one.Next)
        {
            if (element.IsMatch(one)) return true;
        }

        return false;
    }
}

/// <summary><c>or_match</c></summary>
internal sealed class OrTest(MetadataTest[] tests) : MetadataTest
{
    public override int Cost => tests.Sum(static one => one.Cost);

    public override bool IsMatch(MetadataValue value)
    {
        foreach (MetadataTest test in tests)
        {
            if (test.IsMatch(value)) return true;
        }

        return false;
    }
}
