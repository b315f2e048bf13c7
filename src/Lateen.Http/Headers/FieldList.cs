using System.Text;

namespace Lateen.Http;

/// <summary>Reads comma-separated field values (RFC 9110 section 5.6.1) in place. Empty elements are skipped, as recipients must.</summary>
public static class FieldList
{
    /// <summary>
    /// Takes the next element off a list: trimmed, never empty, commas inside quoted strings not counted. False at the end.
    /// </summary>
    public static bool TryNext(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> element)
    {
        while (rest.Length > 0)
        {
            int end = EndOfElement(rest);
            element = Trim(rest[..end]);
            rest = end < rest.Length ? rest[(end + 1)..] : default;
            if (element.Length > 0) return true;
        }

        element = default;
        return false;
    }

    /// <summary>True when one element of the list equals the token, ignoring ASCII case.</summary>
    public static bool ContainsToken(ReadOnlySpan<byte> list, ReadOnlySpan<byte> token)
    {
        if (list.Length == token.Length) return Ascii.EqualsIgnoreCase(list, token);
        while (TryNext(ref list, out ReadOnlySpan<byte> element))
            if (Ascii.EqualsIgnoreCase(element, token)) return true;
        return false;
    }

    /// <summary>Without the spaces and tabs around it (OWS, RFC 9110 section 5.6.3).</summary>
    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text)
    {
        int start = 0;
        int end = text.Length;
        while (start < end && text[start] is (byte)' ' or (byte)'\t') start++;
        while (end > start && text[end - 1] is (byte)' ' or (byte)'\t') end--;
        return text[start..end];
    }

    private static int EndOfElement(ReadOnlySpan<byte> list)
    {
        int at = list.IndexOfAny((byte)',', (byte)'"');
        if (at < 0) return list.Length;
        if (list[at] == ',') return at;
        bool quoted = false;
        for (int i = at; i < list.Length; i++)
        {
            byte b = list[i];
            if (b == '"') quoted = !quoted;
            else if (b == '\\' && quoted) i++;
            else if (b == ',' && !quoted) return i;
        }

        return list.Length;
    }
}
