using System.Globalization;
using System.Text;

namespace Lateen.Model.Security;

/// <summary>
/// A request's path as proxies judge it: normalised as the mesh settings say, and as a lenient server reads what is left (ADR 0024): every escape decoded once,
/// <c>\</c> as <c>/</c>, path parameters dropped, slashes merged, dot segments resolved.
/// </summary>
/// <remarks>Texts are octets: one character each, so that a decoded octet that is no UTF-8 is compared like any other. Immutable.</remarks>
internal sealed class DescribedPath
{
    private DescribedPath(string sent, string? lenient, string query)
    {
        Sent = sent;
        Lenient = lenient ?? "";
        IsInDoubt = lenient is null;
        Query = query;
    }

    /// <summary>The path as it goes to the server.</summary>
    public string Sent { get; }

    /// <summary>The same where there is one reading.</summary>
    public string Lenient { get; }

    /// <summary>With its question mark; empty for none.</summary>
    public string Query { get; }

    /// <summary>Servers may read it in a third way, or the proxy refuses it: nothing about it is certain.</summary>
    public bool IsInDoubt { get; }

    public static DescribedPath Of(string target, PathNormalization level)
    {
        string octets = Octets(target);
        int query = octets.IndexOf('?');
        string rest = query < 0 ? "" : octets[query..];
        return Normalise(query < 0 ? octets : octets[..query], level) is { } sent
            ? new DescribedPath(sent, ReadLeniently(sent), rest)
            : new DescribedPath("", null, rest);
    }

    public static string Octets(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>Whether a test holds: where it helps to deny, of one reading, else of both.</summary>
    public bool Holds(Func<string, bool> asSent, Func<string, bool> asRead, bool whenInDoubt)
    {
        if (IsInDoubt) return whenInDoubt;
        bool first = asSent(Sent);
        return Lenient == Sent || first == whenInDoubt ? first : asRead(Lenient);
    }

    /// <summary>A pattern of paths as it is compared with the lenient reading: its own text read leniently too.</summary>
    public static ValuePattern ReadLeniently(ValuePattern pattern) => pattern with
    {
        // What a prefix ends with goes on: "/." may be the beginning of a name.
        Text = ReadLeniently(pattern.Text, isOpen: pattern.Kind == ValuePatternKind.Prefix) ?? pattern.Text,
    };

    /// <summary>
    /// Null where nothing is certain: a broken escape, an escaped control octet, <c>?</c> or <c>#</c>, UTF-8 in more octets than a character needs (RFC 3629 section 3).
    /// </summary>
    private static string? ReadLeniently(string path, bool isOpen = false)
    {
        if (Decode(path, static _ => true, out bool isDoubtful) is not { } decoded || isDoubtful) return null;
        string[] parts = decoded.Replace('\\', '/').Split('/');
        for (int i = 0; i < parts.Length; i++)
            if (parts[i].IndexOf(';') is >= 0 and var parameter) parts[i] = parts[i][..parameter];
        return Resolve(parts, keepsEmpty: false, isOpen);
    }

    /// <summary>Null for what the proxy answers 400.</summary>
    private static string? Normalise(string path, PathNormalization level)
    {
        if (level == PathNormalization.None || !path.StartsWith('/')) return path;
        if (level == PathNormalization.DecodeAndMergeSlashes)
        {
            foreach (string escape in (string[])["%2F", "%5C"])
                path = path.Replace(escape, escape == "%2F" ? "/" : "\\", StringComparison.OrdinalIgnoreCase);
        }

        if (Decode(path.Replace('\\', '/'), static octet => char.IsAsciiLetterOrDigit(octet) || octet is '-' or '.' or '_' or '~', out _) is not { } decoded) return null;
        string resolved = Resolve(decoded.Split('/'), keepsEmpty: true, isOpen: false);
        if (level == PathNormalization.Base) return resolved;
        while (resolved.Contains("//", StringComparison.Ordinal)) resolved = resolved.Replace("//", "/", StringComparison.Ordinal);
        return resolved;
    }

    /// <summary>Decodes the escapes of chosen octets, once. Null for a broken escape or an escaped NUL.</summary>
    /// <param name="isDoubtful">There is an escape that servers take in different ways.</param>
    private static string? Decode(string path, Func<char, bool> isChosen, out bool isDoubtful)
    {
        isDoubtful = false;
        char lead = '\0';
        var decoded = new StringBuilder(path.Length);
        for (int i = 0; i < path.Length; i++)
        {
            if (path[i] != '%')
            {
                lead = '\0';
                decoded.Append(path[i]);
                continue;
            }

            if (i + 2 >= path.Length || !byte.TryParse(path.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte octet) || octet == 0) return null;
            char one = (char)octet;
            isDoubtful |= octet is < 0x20 or 0x7F or (byte)'?' or (byte)'#' or 0xC0 or 0xC1 || (lead, octet) is ('\u00E0', >= 0x80 and < 0xA0) or ('\u00F0', >= 0x80 and < 0x90);
            lead = one;
            if (isChosen(one)) decoded.Append(one);
            else decoded.Append(path, i, 3);
            i += 2;
        }

        return decoded.ToString();
    }

    /// <summary>Joins segments again, dot segments resolved; never above the root.</summary>
    /// <param name="parts">What stood between slashes; the first is empty for a path, and something for a pattern that begins in the middle of one.</param>
    /// <param name="keepsEmpty">Two slashes in a row stay two.</param>
    /// <param name="isOpen">The last one is only the beginning of a segment.</param>
    private static string Resolve(string[] parts, bool keepsEmpty, bool isOpen)
    {
        var kept = new List<string> { parts[0] };
        bool isSlashed = false;
        for (int i = 1; i < parts.Length; i++)
        {
            bool isLast = i == parts.Length - 1;
            string part = parts[i];
            if (part == "." && !(isLast && isOpen)) isSlashed = isLast;
            else if (part.Length == 0 && !keepsEmpty) isSlashed = isLast;
            else if (part != ".." || (isLast && isOpen) || (kept.Count == 1 && kept[0].Length > 0)) kept.Add(part);
            else
            {
                if (kept.Count > 1) kept.RemoveAt(kept.Count - 1);
                isSlashed = isLast;
            }
        }

        if (isSlashed || (kept.Count == 1 && parts.Length > 1)) kept.Add("");
        return string.Join('/', kept);
    }
}
