using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Lateen.Http;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>
/// A test of a field of the request (<c>HeaderMatcher</c>). As routes have it, several fields of one name count as one value joined by commas,
/// and a test of the value of a missing field is false, inverted or not, unless missing counts as empty.
/// </summary>
/// <remarks>
/// Servers differ in which of several fields they take. Where the test helps to deny, one of them alone is enough too
/// (the hole of CVE-2026-26308 was that it is not); where it helps to allow, each must fit as well, for tests that a joined value
/// cannot be trusted to fail (<paramref name="needsEach"/>).
/// </remarks>
/// <param name="name">Of the field.</param>
/// <param name="value">What it has to be like.</param>
/// <param name="needsEach">A test of the beginning or the end of the value.</param>
/// <param name="isInverted">The result is turned round.</param>
/// <param name="isMissingEmpty">A missing field counts as an empty one.</param>
/// <param name="whenInDoubt">What the test of a value, before it is inverted, says where readings differ.</param>
internal sealed class HeaderCondition(HeaderName name, ValueTest value, bool needsEach, bool isInverted, bool isMissingEmpty, bool whenInDoubt) : Condition
{
    private const int JoinedOctetsOnStack = 256;

    public override int Cost => 10;

    public override bool IsMatch(in AuthorizationSubject subject)
    {
        if (subject.Request is not { } request) return false;
        HeaderBlock headers = request.Headers;
        int at = headers.IndexOf(name);
        if (at < 0) return isMissingEmpty && value.IsMatch(default) != isInverted;
        int second = headers.IndexOf(name, at + 1);
        return (second < 0 ? value.IsMatch(headers[at].Value) : IsMatch(headers, at)) != isInverted;
    }

    private bool IsMatch(HeaderBlock headers, int first)
    {
        if (IsJoinedMatch(headers, first) == whenInDoubt) return whenInDoubt;
        if (!whenInDoubt && !needsEach) return true;
        for (int at = first; at >= 0; at = headers.IndexOf(name, at + 1))
        {
            if (value.IsMatch(headers[at].Value) == whenInDoubt) return whenInDoubt;
        }

        return !whenInDoubt;
    }

    private bool IsJoinedMatch(HeaderBlock headers, int first)
    {
        int length = -1;
        for (int at = first; at >= 0; at = headers.IndexOf(name, at + 1)) length += headers[at].Value.Length + 1;

        byte[]? rented = null;
        Span<byte> joined = length <= JoinedOctetsOnStack ? stackalloc byte[JoinedOctetsOnStack] : rented = ArrayPool<byte>.Shared.Rent(length);
        int written = 0;
        for (int at = first; at >= 0; at = headers.IndexOf(name, at + 1))
        {
            if (at != first) joined[written++] = (byte)',';
            ReadOnlySpan<byte> one = headers[at].Value;
            one.CopyTo(joined[written..]);
            written += one.Length;
        }

        bool isMatch = value.IsMatch(joined[..written]);
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        return isMatch;
    }
}

/// <summary>What a value has to be like: a text, or a decimal integer from the first (inclusive) to the end (exclusive).</summary>
internal readonly struct ValueTest(BytePredicate? text, (long First, long End) range)
{
    public bool IsMatch(ReadOnlySpan<byte> value)
    {
        if (text is not null) return text.IsMatch(value);
        return Utf8Parser.TryParse(value, out long number, out int consumed) && consumed == value.Length && number >= range.First && number < range.End;
    }
}

/// <summary>A field is there, or is not (<c>present_match</c>).</summary>
internal sealed class HeaderPresenceCondition(HeaderName name, bool isWanted) : Condition
{
    public override int Cost => 3;

    public override bool IsMatch(in AuthorizationSubject subject) => subject.Request is { } request && request.Headers.IndexOf(name) >= 0 == isWanted;
}

/// <summary>
/// A test of <c>:method</c>. Methods have case (RFC 9110 section 9.1), but some servers raise it: <c>delete</c> is in doubt, and counts as
/// <c>DELETE</c> where that helps to deny.
/// </summary>
internal sealed class MethodCondition(ValueTest value, bool isInverted, bool whenInDoubt) : Condition
{
    private const int MaxRaisedOctets = 64;

    public override int Cost => 2;

    public override bool IsMatch(in AuthorizationSubject subject)
    {
        if (subject.Request is not { } request) return false;
        ReadOnlySpan<byte> method = request.MethodText;
        bool isMatch = value.IsMatch(method);
        if (isMatch != whenInDoubt && request.Method == RequestMethod.Other && method.Length <= MaxRaisedOctets)
        {
            Span<byte> raised = stackalloc byte[MaxRaisedOctets];
            Ascii.ToUpper(method, raised, out int length);
            isMatch = value.IsMatch(raised[..length]);
        }

        return isMatch != isInverted;
    }
}

/// <summary>A test of <c>:scheme</c>.</summary>
internal sealed class SchemeCondition(ValueTest value, bool isInverted) : Condition
{
    public override int Cost => 2;

    public override bool IsMatch(in AuthorizationSubject subject) =>
        subject.Request is { } request && value.IsMatch(request.Scheme == RequestScheme.Https ? "https"u8 : "http"u8) != isInverted;
}

/// <summary>A test of <c>:path</c>: path and query, in each reading of the path.</summary>
internal sealed class TargetCondition(ValueTest value, bool isInverted, bool whenInDoubt) : Condition
{
    public override int Cost => 6;

    public override bool IsMatch(in AuthorizationSubject subject)
    {
        if (subject.Request is not { } request || subject.Paths is not { } paths) return false;
        if (paths.IsInDoubt) return whenInDoubt != isInverted;
        bool isMatch = value.IsMatch(request.PathAndQuery);
        if (isMatch != whenInDoubt && paths.HasLenient) isMatch = value.IsMatch(paths.LenientTarget);
        return isMatch != isInverted;
    }
}
