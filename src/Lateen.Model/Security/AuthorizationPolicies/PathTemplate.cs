using Lateen.Model.Reading.Values;

namespace Lateen.Model.Security;

/// <summary>
/// A path with operators: <c>{*}</c> is one segment that is not empty, <c>{**}</c>, the last operator, anything with any slashes in it or nothing.
/// <c>/orders/{*}/items</c>, <c>/static/{**}</c> (also <c>/static/</c>, not <c>/static</c>), <c>/files/{**}/index.html</c>.
/// </summary>
public static class PathTemplate
{
    private const string OneSegment = "{*}";
    private const string Rest = "{**}";

    /// <summary>Envoy's bound on the operators of a <c>uri_template</c>.</summary>
    private const int MaxOperators = 5;

    /// <summary>True when a value of <c>paths</c> is a template rather than a pattern.</summary>
    public static bool IsTemplate(string written)
    {
        ArgumentNullException.ThrowIfNull(written);
        return written.Contains('{') || written.Contains('}');
    }

    internal static Complaint? Check(string written)
    {
        const string form = "such as /orders/{*}/items or /static/{**}";
        if (!written.StartsWith('/')) return new Complaint($"the template '{written}' does not begin with '/'", form);
        int operators = 0;
        bool isRestSeen = false;
        foreach (string segment in written[1..].Split('/'))
        {
            if (segment is OneSegment or Rest)
            {
                if (isRestSeen) return new Complaint($"'{written}': nothing may vary behind {{**}}", form);
                isRestSeen = segment == Rest;
                if (++operators > MaxOperators) return new Complaint($"'{written}' has more than {MaxOperators} operators");
                continue;
            }

            if (segment.AsSpan().IndexOfAny('{', '}') >= 0)
                return new Complaint($"'{segment}' is not {{*}} or {{**}}", "an operator is a whole segment between two slashes");
            if (segment.AsSpan().IndexOfAny('?', '#') >= 0) return new Complaint($"'{written}' has a '?' or a '#', which no path has", form);
            if (segment.Contains('*')) return new Complaint($"'{written}' mixes '*' with operators", "write {*} or {**}");
        }

        return null;
    }

    /// <summary>True when a path (without its query) fits a template that was checked.</summary>
    public static bool Matches(string template, string path)
    {
        ArgumentNullException.ThrowIfNull(template);
        ArgumentNullException.ThrowIfNull(path);
        string[] pattern = template.Split('/');
        string[] segments = path.Split('/');
        int rest = Array.IndexOf(pattern, Rest);
        if (rest < 0) return pattern.Length == segments.Length && Fits(pattern, 0, segments, 0, pattern.Length);
        int behind = pattern.Length - rest - 1;
        return segments.Length >= pattern.Length && Fits(pattern, 0, segments, 0, rest)
            && Fits(pattern, rest + 1, segments, segments.Length - behind, behind);
    }

    private static bool Fits(string[] pattern, int patternAt, string[] segments, int segmentAt, int count)
    {
        for (int i = 0; i < count; i++)
        {
            string expected = pattern[patternAt + i];
            string actual = segments[segmentAt + i];
            if (expected == OneSegment ? actual.Length == 0 : actual != expected) return false;
        }

        return true;
    }
}
