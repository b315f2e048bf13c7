using System.Buffers;

namespace Lateen.Proxy.Routing;

/// <summary>Whether bytes that a rewrite made can stand as a path in a request target (RFC 9112 section 3.2.1).</summary>
internal static class PathText
{
    private static readonly SearchValues<byte> Legal = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/%\"<>[]\\^`{|}"u8);

    /// <summary>
    /// It begins with a slash and has neither query, fragment, space nor control byte; what clients send without escaping passes, as it
    /// does on the way in.
    /// </summary>
    public static bool IsValid(ReadOnlySpan<byte> path) =>
        !path.IsEmpty && path[0] == (byte)'/' && !path.ContainsAnyExcept(Legal);
}

/// <summary>Whether bytes that a rewrite made can stand as <c>host [ ":" port ]</c> (RFC 9110 section 4.2.1).</summary>
internal static class AuthorityText
{
    private static readonly SearchValues<byte> HostBytes = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;="u8);

    private static readonly SearchValues<byte> AddressBytes = SearchValues.Create("0123456789abcdefABCDEF:."u8);

    public static bool IsValid(ReadOnlySpan<byte> authority)
    {
        if (authority.IsEmpty) return false;
        if (authority[0] == (byte)'[')
        {
            var close = authority.IndexOf((byte)']');
            return close > 2 && !authority[1..close].ContainsAnyExcept(AddressBytes) && IsPort(authority[(close + 1)..]);
        }

        var colon = authority.IndexOf((byte)':');
        var host = colon < 0 ? authority : authority[..colon];
        return !host.IsEmpty && !host.ContainsAnyExcept(HostBytes) && IsPort(colon < 0 ? default : authority[colon..]);
    }

    private static bool IsPort(ReadOnlySpan<byte> text) =>
        text.IsEmpty || (text[0] == (byte)':' && text.Length is > 1 and <= 6
            && System.Buffers.Text.Utf8Parser.TryParse(text[1..], out ushort _, out var consumed) && consumed == text.Length - 1);
}
