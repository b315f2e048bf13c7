using System.Text;

namespace Lateen.Proxy.Routing;

/// <summary>
/// The test that a route puts to a path without its query: prefix, exact, path-separated prefix or expression. A plain CONNECT has no path, which
/// only <see cref="None"/> takes and which takes nothing else.
/// </summary>
/// <remarks>
/// Immutable. <see cref="IndexKey"/> is a literal that every path it accepts begins with, so that an index may leave out the rest.
/// </remarks>
internal abstract class PathPredicate
{
    /// <summary>Envoy's <c>connect_matcher</c>.</summary>
    public static readonly PathPredicate None = new NoPath();

    public bool IsMatch(ReadOnlySpan<byte> path) => path.IsEmpty ? ReferenceEquals(this, None) : Accepts(path);

    /// <summary>Bytes that every matching path begins with; null when nothing can be said (expressions, ignored case).</summary>
    public virtual byte[]? IndexKey => null;

    /// <summary>Only a path equal to <see cref="IndexKey"/> matches.</summary>
    public virtual bool IsExact => false;

    public static PathPredicate Prefix(string prefix, bool ignoreCase) =>
        new PrefixPath(Encoding.UTF8.GetBytes(prefix), ignoreCase);

    public static PathPredicate Exact(string path, bool ignoreCase) => new ExactPath(Encoding.UTF8.GetBytes(path), ignoreCase);

    public static PathPredicate SeparatedPrefix(string prefix, bool ignoreCase) => new SeparatedPrefixPath(Encoding.UTF8.GetBytes(prefix), ignoreCase);

    public static PathPredicate Matches(SafeRegex regex) => new RegexPath(regex);

    /// <param name="path">Not empty.</param>
    protected abstract bool Accepts(ReadOnlySpan<byte> path);

    private static bool StartsWith(ReadOnlySpan<byte> path, byte[] prefix, bool ignoreCase) =>
        ignoreCase ? path.Length >= prefix.Length && Ascii.EqualsIgnoreCase(path[..prefix.Length], prefix) : path.StartsWith(prefix);

    private sealed class NoPath : PathPredicate
    {
        protected override bool Accepts(ReadOnlySpan<byte> path) => false;
    }

    private sealed class PrefixPath(byte[] prefix, bool ignoreCase) : PathPredicate
    {
        public override byte[]? IndexKey => ignoreCase ? null : prefix;

        protected override bool Accepts(ReadOnlySpan<byte> path) => StartsWith(path, prefix, ignoreCase);
    }

    private sealed class ExactPath(byte[] expected, bool ignoreCase) : PathPredicate
    {
        public override byte[]? IndexKey => ignoreCase ? null : expected;

        public override bool IsExact => true;

        protected override bool Accepts(ReadOnlySpan<byte> path) => path.Length == expected.Length && StartsWith(path, expected, ignoreCase);
    }

    private sealed class SeparatedPrefixPath(byte[] prefix, bool ignoreCase) : PathPredicate
    {
        public override byte[]? IndexKey => ignoreCase ? null : prefix;

        protected override bool Accepts(ReadOnlySpan<byte> path) =>
            StartsWith(path, prefix, ignoreCase) && (path.Length == prefix.Length || path[prefix.Length] == (byte)'/');
    }

    private sealed class RegexPath(SafeRegex regex) : PathPredicate
    {
        protected override bool Accepts(ReadOnlySpan<byte> path) => regex.IsMatch(path);
    }
}
