using System.Buffers;
using System.Buffers.Text;
using Lateen.Http;

namespace Lateen.Proxy.Routing;

/// <summary>
/// A test of one request header (<c>HeaderMatcher</c>), pseudo-headers included. Several fields of one name count as one value joined by
/// commas, as Envoy reads them. A test of the value of a missing header is false, inverted or not, unless missing counts as empty.
/// </summary>
/// <remarks>Immutable.</remarks>
internal sealed class HeaderPredicate
{
    private const int JoinedBytesOnStack = 256;

    public required HeaderSubject Subject { get; init; }

    /// <summary>Set when <see cref="Subject"/> is a field.</summary>
    public HeaderName? Name { get; init; }

    /// <summary>Null: only presence counts, or <see cref="Range"/>.</summary>
    public BytePredicate? Value { get; init; }

    /// <summary>A decimal integer from Start (inclusive) to End (exclusive).</summary>
    public (long Start, long End)? Range { get; init; }

    /// <summary>For a presence test: must it be there? Otherwise unused.</summary>
    public bool IsPresenceWanted { get; init; } = true;

    public bool IsInverted { get; init; }

    public bool IsMissingEmpty { get; init; }

    public bool IsMatch(in RequestView request)
    {
        if (Subject != HeaderSubject.Field) return IsValueMatch(PseudoHeader(request), isPresent: true);

        var headers = request.Headers;
        var at = headers.IndexOf(Name!);
        if (at < 0) return IsValueMatch(default, isPresent: false);
        var value = headers[at].Value;
        return Value is null || headers.IndexOf(Name!, at + 1) < 0 ? IsValueMatch(value, isPresent: true) : IsJoinedMatch(headers, at);
    }

    private ReadOnlySpan<byte> PseudoHeader(in RequestView request) => Subject switch
    {
        HeaderSubject.Method => request.Method,
        HeaderSubject.Scheme => request.Scheme,
        HeaderSubject.Authority => request.Authority,
        _ => request.Target,
    };

    private bool IsValueMatch(ReadOnlySpan<byte> value, bool isPresent)
    {
        if (Value is null && Range is null) return ((isPresent || IsMissingEmpty) == IsPresenceWanted) != IsInverted;
        if (!isPresent && !IsMissingEmpty) return false;
        return (Value is not null ? Value.IsMatch(value) : IsInRange(value)) != IsInverted;
    }

    private bool IsInRange(ReadOnlySpan<byte> value)
    {
        var (start, end) = Range!.Value;
        return Utf8Parser.TryParse(value, out long number, out var consumed) && consumed == value.Length && number >= start && number < end;
    }

    private bool IsJoinedMatch(HeaderBlock headers, int first)
    {
        var length = -1;
        for (var at = first; at >= 0; at = headers.IndexOf(Name!, at + 1)) length += headers[at].Value.Length + 1;

        byte[]? rented = null;
        var joined = length <= JoinedBytesOnStack ? stackalloc byte[JoinedBytesOnStack] : rented = ArrayPool<byte>.Shared.Rent(length);
        var written = 0;
        for (var at = first; at >= 0; at = headers.IndexOf(Name!, at + 1))
        {
            if (written > 0) joined[written++] = (byte)',';
            var value = headers[at].Value;
            value.CopyTo(joined[written..]);
            written += value.Length;
        }

        var isMatch = IsValueMatch(joined[..written], isPresent: true);
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        return isMatch;
    }
}

/// <summary>What a header test looks at.</summary>
internal enum HeaderSubject
{
    Field,
    Method,
    Scheme,
    Authority,
    Path,
}
