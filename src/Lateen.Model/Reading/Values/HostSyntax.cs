using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Lateen.Model.Reading.Values;

/// <summary>What is held against a value, and what to write instead.</summary>
internal readonly record struct Complaint(string Message, string? Hint = null);

/// <summary>What a field lets a host be, beside a DNS name.</summary>
[Flags]
internal enum HostRule
{
    Name = 0,

    /// <summary><c>*</c> and <c>*.suffix</c>.</summary>
    Wildcard = 1,

    /// <summary>Also <c>*suffix</c> and <c>*-suffix</c>.</summary>
    PartialWildcard = 3,
    Address = 4,
}

/// <summary>DNS names as Istio checks them: DNS-1123 labels, at most 255 characters, a wildcard only as or in the left-most label.</summary>
internal static class HostSyntax
{
    private const int MaxLength = 255;
    private const int MaxLabelLength = 63;

    public static Complaint? Check(string host, HostRule rule)
    {
        if (host.Length == 0) return new Complaint("a host must not be empty");
        if (host.Length > MaxLength) return new Complaint($"the host has {host.Length} characters", $"at most {MaxLength}");
        if (IPAddress.TryParse(host, out _) && LooksLikeAddress(host))
            return rule.HasFlag(HostRule.Address) ? null : new Complaint($"'{host}' is an address, a DNS name is expected");
        var rest = host.AsSpan();
        if (rest[0] == '*')
        {
            if (!rule.HasFlag(HostRule.Wildcard)) return new Complaint($"'{host}' is a wildcard, a single name is expected");
            if (rest.Length == 1) return null;
            if (rest[1] == '.') rest = rest[2..];
            else if (!rule.HasFlag(HostRule.PartialWildcard))
                return new Complaint($"'{host}': '*' must be the whole first label", "such as *.example.com");
            else rest = rest[1] == '-' ? rest[2..] : rest[1..];
        }

        if (rest.Contains('*')) return new Complaint($"'{host}': '*' may stand only at the beginning", "such as *.example.com");
        if (rest.EndsWith(".")) rest = rest[..^1];
        var last = rest;
        foreach (var range in rest.Split('.'))
        {
            last = rest[range];
            if (!IsLabel(last)) return new Complaint($"'{host}' is not a DNS name", LabelHint(last));
        }

        var isSingleLabel = last.Length == rest.Length && rest.Length == host.Length;
        return !isSingleLabel && !last.ContainsAnyExceptInRange('0', '9')
            ? new Complaint($"'{host}' is not a DNS name", "the last label must not be a number")
            : null;
    }

    /// <summary>A DNS-1123 label: letters, digits and inner dashes, 1 to 63 characters; case does not matter.</summary>
    public static bool IsLabel(ReadOnlySpan<char> label)
    {
        if (label.Length is 0 or > MaxLabelLength || label[0] == '-' || label[^1] == '-') return false;
        foreach (var letter in label)
            if (!char.IsAsciiLetterOrDigit(letter) && letter != '-') return false;
        return true;
    }

    /// <summary>IPv4 with four parts, or IPv6: .NET also reads numbers and short forms, which nobody means.</summary>
    public static bool LooksLikeAddress(string text) => text.Contains(':') || text.Count(letter => letter == '.') == 3;

    /// <summary>An IPv4 address is four decimal numbers: <c>010.0.0.1</c> is 8.0.0.1 to some programs and 10.0.0.1 to others.</summary>
    public static bool IsAddress(string text) => LooksLikeAddress(text) && !text.StartsWith('[') && IPAddress.TryParse(text, out var address)
        && (address.AddressFamily != AddressFamily.InterNetwork || address.ToString() == text);

    /// <summary>An address, or an address and a prefix length; of no zone, which means something on one machine only.</summary>
    public static bool IsAddressOrCidr(string text) => !text.Contains('%') && (IsAddress(text) || IsCidr(text));

    public static bool IsCidr(string text)
    {
        var slash = text.IndexOf('/');
        if (slash < 0 || !IsAddress(text[..slash]) || !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var length)) return false;
        return length >= 0 && length <= (text.Contains(':') ? 128 : 32);
    }

    private static string LabelHint(ReadOnlySpan<char> label)
    {
        if (label.IsEmpty) return "a label between two dots is empty";
        return label.Length > MaxLabelLength
            ? $"a label has at most {MaxLabelLength} characters"
            : $"'{label}' may hold letters, digits and inner dashes only";
    }
}
