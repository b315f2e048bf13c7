using System.Text;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>A test of the canonical path without its query (<c>url_path</c>, <c>uri_template</c>), in each of its readings.</summary>
/// <param name="asSent">Of the path as it goes to the server.</param>
/// <param name="asRead">Of the path as a lenient server reads it: the same test, its own text read leniently too.</param>
/// <param name="whenInDoubt">The result where the path cannot be read with certainty; also whether one reading is enough.</param>
/// <param name="exact">The one path that the test of the path as sent takes; null when there are more.</param>
internal sealed class PathCondition(BytePredicate asSent, BytePredicate asRead, bool whenInDoubt, byte[]? exact = null) : Condition
{
    public override int Cost => 5;

    public override IReadOnlyList<byte[]>? ExactPaths => exact is null ? null : [exact];

    public override bool IsMatch(in AuthorizationSubject subject)
    {
        if (subject.Request is not { } request || subject.Paths is not { } paths) return false;
        if (paths.IsInDoubt) return whenInDoubt;
        bool isMatch = asSent.IsMatch(request.Path);
        if (!paths.HasLenient || isMatch == whenInDoubt) return isMatch;
        return asRead.IsMatch(paths.LenientPath);
    }

    /// <summary>A literal as a lenient server would read it, were it a path; the literal itself when it cannot be read so.</summary>
    /// <param name="isOpen">Something may come behind it: <c>/.</c> may be the beginning of a name.</param>
    public static string ReadLeniently(string literal, bool isOpen)
    {
        byte[] text = Encoding.UTF8.GetBytes(literal);
        byte[] read = new byte[text.Length];
        return PathReadings.TryReadLeniently(text, read, out int length, isOpen) ? Encoding.UTF8.GetString(read, 0, length) : literal;
    }
}
