using System.Text;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>
/// Envoy's URI template as a test of a path: <c>*</c> is one segment, <c>**</c> any number of octets to the end, or to the literal text behind
/// it; <c>{name}</c>, <c>{name=*}</c> and <c>{name=**}</c> are the same with a name, which nothing here uses.
/// </summary>
/// <remarks>
/// Immutable. One pass, no backtracking: an operator fills its segment, and <c>**</c> is the last operator. A segment is not empty.
/// </remarks>
internal sealed class UriTemplate : BytePredicate
{
    /// <summary>Operators in one template. Count; Envoy's bound on variables is five, Istio writes few.</summary>
    private const int MaxOperators = 64;

    // Literals and operators by turns: literal, *, literal, *, ..., literal [, **, tail].
    private readonly byte[][] _literals;
    private readonly byte[]? _tail;

    private UriTemplate(byte[][] literals, byte[]? tail)
    {
        _literals = literals;
        _tail = tail;
    }

    /// <returns>Null and a reason when it is no template.</returns>
    public static UriTemplate? TryParse(string template, out string error)
    {
        error = "a template begins with '/'";
        if (template.Length == 0 || template[0] != '/') return null;
        var literals = new List<byte[]>();
        var literal = new StringBuilder();
        bool isOpen = false;
        string[] segments = template[1..].Split('/');
        for (int i = 0; i < segments.Length; i++)
        {
            literal.Append('/');
            string segment = segments[i];
            string operation = OperatorOf(segment);
            if (operation.Length == 0)
            {
                if (segment.AsSpan().ContainsAny("*{}?#"))
                {
                    error = $"'{segment}' must be text, '*', '**' or a variable that stands for one of them, the whole segment";
                    return null;
                }

                literal.Append(segment);
                continue;
            }

            if (isOpen)
            {
                error = "nothing but text may follow '**'";
                return null;
            }

            if (literals.Count == MaxOperators)
            {
                error = $"a template has at most {MaxOperators} operators";
                return null;
            }

            literals.Add(Encoding.UTF8.GetBytes(literal.ToString()));
            literal.Clear();
            isOpen = operation == "**";
        }

        error = string.Empty;
        byte[] last = Encoding.UTF8.GetBytes(literal.ToString());
        if (isOpen) return new UriTemplate([.. literals], last);
        literals.Add(last);
        return new UriTemplate([.. literals], null);
    }

    public override bool IsMatch(ReadOnlySpan<byte> path)
    {
        for (int i = 0; i < _literals.Length; i++)
        {
            if (!path.StartsWith(_literals[i])) return false;
            path = path[_literals[i].Length..];
            if (i == _literals.Length - 1) break;
            int end = path.IndexOf((byte)'/');
            if (end < 0) end = path.Length;
            if (end == 0) return false;
            path = path[end..];
        }

        return _tail is null ? path.IsEmpty : path.EndsWith(_tail);
    }

    /// <summary><c>*</c>, <c>**</c>, or nothing when the segment is text.</summary>
    private static string OperatorOf(string segment)
    {
        if (segment is "*" or "**") return segment;
        if (segment.Length < 3 || segment[0] != '{' || segment[^1] != '}') return string.Empty;
        string inner = segment[1..^1];
        int equals = inner.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? inner : inner[..equals];
        string pattern = equals < 0 ? "*" : inner[(equals + 1)..];
        bool isName = name.Length > 0 && char.IsAsciiLetter(name[0]) && name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '_');
        return isName && pattern is "*" or "**" ? pattern : string.Empty;
    }
}
