using System.Buffers;
using Lateen.Http;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>
/// The two ways in which a server may read the path that it is sent: as it stands, and as a lenient one would that decodes every escape once,
/// takes <c>\</c> for <c>/</c>, drops path parameters (<c>;v=1</c>), merges slashes and resolves dot segments.
/// </summary>
/// <remarks>
/// <para>Problem: a rule is about what the server will do, but servers differ in how they read <c>/public/..%2Fadmin</c>, and the proxy does
/// not know its server. Normalisation removes what may be removed for all; what it has to leave is where rules are walked around.</para>
/// <para>Choice: nearly every path has one reading, found by three vectorised searches. For one that has two, a rule that denies applies if
/// it fits either reading, and a rule that allows only if it fits both (see <see cref="Condition"/>). A path that some server may read in
/// a third way (an escaped control octet, <c>?</c> or <c>#</c>, a broken escape, an overlong UTF-8 form) is in doubt, and nothing about it is
/// certain.</para>
/// <para>Owned by one exchange and reused; the buffer is at most as long as the target.</para>
/// </remarks>
internal sealed class PathReadings
{
    private static readonly SearchValues<byte> Suspicious = SearchValues.Create("%;\\"u8);

    private byte[] _lenient = [];
    private int _lenientPathLength;
    private int _lenientLength;

    /// <summary>There is a second reading.</summary>
    public bool HasLenient { get; private set; }

    /// <summary>No reading is sure.</summary>
    public bool IsInDoubt { get; private set; }

    /// <summary>The path in the second reading, when there is one.</summary>
    public ReadOnlySpan<byte> LenientPath => _lenient.AsSpan(0, _lenientPathLength);

    /// <summary>Path and query in the second reading, when there is one.</summary>
    public ReadOnlySpan<byte> LenientTarget => _lenient.AsSpan(0, _lenientLength);

    /// <summary>Reads the path of a request.</summary>
    public void Read(HttpRequestHead request)
    {
        HasLenient = IsInDoubt = false;
        ReadOnlySpan<byte> path = request.Path;
        if (!path.ContainsAny(Suspicious) && path.IndexOf("//"u8) < 0 && path.IndexOf("/."u8) < 0) return;
        ReadOnlySpan<byte> target = request.PathAndQuery;
        if (_lenient.Length < target.Length) _lenient = new byte[Math.Max(target.Length, 256)];
        if (!TryReadLeniently(path, _lenient, out _lenientPathLength))
        {
            IsInDoubt = true;
            return;
        }

        target[path.Length..].CopyTo(_lenient.AsSpan(_lenientPathLength));
        _lenientLength = _lenientPathLength + target.Length - path.Length;
        HasLenient = !LenientPath.SequenceEqual(path);
    }

    /// <summary>The lenient reading of a path, or of the text that a rule compares paths with.</summary>
    /// <param name="path">Without the query.</param>
    /// <param name="output">At least as long.</param>
    /// <param name="length">Octets written.</param>
    /// <param name="isOpen">What a rule compares goes on behind it, so that its last segment is only the beginning of one: no dot segment.</param>
    /// <returns>False when it cannot be read with any certainty.</returns>
    public static bool TryReadLeniently(ReadOnlySpan<byte> path, Span<byte> output, out int length, bool isOpen = false)
    {
        length = 0;
        bool isParameter = false;
        byte lead = 0;
        for (int i = 0; i < path.Length; i++)
        {
            byte one = path[i];
            // A parameter ends with its segment; an escaped semicolon begins one as well, for a server that decodes first.
            if (one == (byte)'%')
            {
                if (i + 2 >= path.Length || HexDigit(path[i + 1]) < 0 || HexDigit(path[i + 2]) < 0) return false;
                one = (byte)((HexDigit(path[i + 1]) << 4) | HexDigit(path[i + 2]));
                i += 2;
                // Where a server that decodes first ends the path, or trims it; UTF-8 in more octets than a character needs (RFC 3629 section 3).
                if (one is < 0x20 or 0x7F or (byte)'?' or (byte)'#' or 0xC0 or 0xC1 || (lead, one) is (0xE0, >= 0x80 and < 0xA0) or (0xF0, >= 0x80 and < 0x90)) return false;
                lead = one;
            }
            else
            {
                lead = 0;
            }

            if (one == (byte)'\\') one = (byte)'/';
            if (one == (byte)'/')
            {
                isParameter = false;
                length = EndSegment(output[..length]);
                if (length > 0 && output[length - 1] == (byte)'/') continue;
            }
            else if (one == (byte)';')
            {
                isParameter = true;
            }

            if (!isParameter) output[length++] = one;
        }

        if (!isOpen) length = EndSegment(output[..length]);
        return true;
    }

    /// <summary>
    /// A dot segment at the end of what was written is resolved; it never leads above the root, nor before the beginning of a rule's text that does not begin at it.
    /// </summary>
    private static int EndSegment(ReadOnlySpan<byte> written)
    {
        if (written.EndsWith("/."u8)) return written.Length - 1;
        if (!written.EndsWith("/.."u8)) return written.Length;
        int parent = written[..^3].LastIndexOf((byte)'/');
        if (parent >= 0) return parent + 1;
        return written[0] == (byte)'/' ? 1 : written.Length;
    }

    private static int HexDigit(byte one) => one switch
    {
        >= (byte)'0' and <= (byte)'9' => one - '0',
        >= (byte)'a' and <= (byte)'f' => one - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => one - 'A' + 10,
        _ => -1,
    };
}
