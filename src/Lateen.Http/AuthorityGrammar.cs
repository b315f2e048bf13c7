using System.Buffers;

namespace Lateen.Http;

/// <summary><c>uri-host [ ":" port ]</c> of RFC 9110 section 7.2 and RFC 3986 section 3.2: what Host and authority-form may hold.</summary>
internal static class AuthorityGrammar
{
    /// <summary>unreserved, sub-delims, and "%" whose two digits are checked apart (RFC 3986 section 3.2.2).</summary>
    private static readonly SearchValues<byte> RegName =
        SearchValues.Create("-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!$&'()*+,;=%"u8);

    private static readonly SearchValues<byte> IpLiteral = SearchValues.Create("0123456789ABCDEFabcdef:."u8);

    /// <summary>
    /// Splits a non-empty authority without user information. A port may be empty (<c>host:</c>, RFC 3986 section 3.2.3) and then counts as none.
    /// </summary>
    /// <param name="authority">The bytes, nothing around them.</param>
    /// <param name="hostLength">Octets of the host, brackets included.</param>
    /// <param name="port">0 to 65535, or -1.</param>
    internal static bool TryParse(ReadOnlySpan<byte> authority, out int hostLength, out int port)
    {
        port = -1;
        if (authority.Length > 0 && authority[0] == '[')
        {
            hostLength = authority.IndexOf((byte)']') + 1;
            if (hostLength < 4 || authority[1..(hostLength - 1)].IndexOfAnyExcept(IpLiteral) >= 0) return false;
        }
        else
        {
            hostLength = authority.IndexOfAnyExcept(RegName);
            if (hostLength < 0) hostLength = authority.Length;
            if (hostLength == 0 || !PercentEncoding.IsWellFormed(authority[..hostLength])) return false;
        }

        if (hostLength == authority.Length) return true;
        return authority[hostLength] == ':' && TryParsePort(authority[(hostLength + 1)..], out port);
    }

    private static bool TryParsePort(ReadOnlySpan<byte> digits, out int port)
    {
        port = -1;
        if (digits.Length == 0) return true;
        if (digits.Length > 5) return false;
        int value = 0;
        foreach (byte b in digits)
        {
            if (!char.IsAsciiDigit((char)b)) return false;
            value = (value * 10) + (b - '0');
        }

        port = value;
        return value <= 65535;
    }
}
