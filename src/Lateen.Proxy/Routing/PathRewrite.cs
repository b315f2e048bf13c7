using System.Text;
using System.Text.RegularExpressions;

namespace Lateen.Proxy.Routing;

/// <summary>
/// How a route changes the path before the request goes on, or into the location of a redirect. The query is not touched.
/// </summary>
/// <remarks>Immutable.</remarks>
internal abstract class PathRewrite
{
    /// <summary>Appends the new path.</summary>
    /// <remarks><paramref name="path"/>: Without query.</remarks>
    public abstract void Write(ReadOnlySpan<byte> path, ref ByteBuilder output);
}

/// <summary>
/// Replaces what the route matched by prefix (<c>prefix_rewrite</c>): as many bytes as the matched prefix has, or the whole path when it
/// matched as a whole (exact path, expression).
/// </summary>
internal sealed class PrefixRewrite(string replacement, int? matchedPrefixBytes) : PathRewrite
{
    private readonly byte[] _replacement = Encoding.UTF8.GetBytes(replacement);

    public override void Write(ReadOnlySpan<byte> path, ref ByteBuilder output)
    {
        var rest = path[Math.Min(matchedPrefixBytes ?? path.Length, path.Length)..];
        output.Append(_replacement);
        // "/api/" -> "" leaves "x" of "/api/x" and nothing of "/api/": a path has its slash.
        if (output.Length == 0 && (rest.IsEmpty || rest[0] != (byte)'/')) output.Append((byte)'/');
        output.Append(rest);
    }
}

/// <summary>
/// Replaces every match of an expression (<c>regex_rewrite</c>), with <c>\1</c> to <c>\9</c> for what its groups took and <c>\0</c> for
/// the match. It makes strings: rewriting by expression is the one route feature that allocates per request.
/// </summary>
internal sealed class RegexRewrite : PathRewrite
{
    private readonly Regex _regex;
    private readonly string _replacement;

    private RegexRewrite(Regex regex, string replacement)
    {
        _regex = regex;
        _replacement = replacement;
    }

    public static RegexRewrite? TryCreate(string pattern, string substitution, out string error)
    {
        if (pattern.Length == 0)
        {
            error = "the expression is empty";
            return null;
        }

        if (SafeRegex.TryCompile(pattern, wholeInput: false, out error) is not { } regex) return null;
        return TryTranslate(substitution, regex, out error) is { } replacement ? new RegexRewrite(regex, replacement) : null;
    }

    public override void Write(ReadOnlySpan<byte> path, ref ByteBuilder output)
    {
        var rewritten = _regex.Replace(Encoding.UTF8.GetString(path), _replacement);
        output.Append(Encoding.UTF8.GetBytes(rewritten));
    }

    /// <summary>The whole text after the replacement; for host rewrites.</summary>
    public byte[] Apply(ReadOnlySpan<byte> text) => Encoding.UTF8.GetBytes(_regex.Replace(Encoding.UTF8.GetString(text), _replacement));

    // RE2 writes \1 and \\, .NET writes ${1} and $$.
    private static string? TryTranslate(string substitution, Regex regex, out string error)
    {
        error = string.Empty;
        var groups = regex.GetGroupNumbers().Length - 1;
        var result = new StringBuilder(substitution.Length);
        for (var i = 0; i < substitution.Length; i++)
        {
            var c = substitution[i];
            if (c != '\\')
            {
                result.Append(c == '$' ? "$$" : c.ToString());
                continue;
            }

            var next = i + 1 < substitution.Length ? substitution[i + 1] : '\0';
            if (next == '\\') result.Append('\\');
            else if (char.IsAsciiDigit(next) && next - '0' <= groups) result.Append("${").Append(next).Append('}');
            else
            {
                error = char.IsAsciiDigit(next)
                    ? $@"the substitution names group \{next}, the expression has {groups}"
                    : @"a backslash in a substitution must be followed by a digit or a backslash";
                return null;
            }

            i++;
        }

        return result.ToString();
    }
}
