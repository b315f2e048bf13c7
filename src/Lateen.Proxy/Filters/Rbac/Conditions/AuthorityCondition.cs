using System.Buffers.Text;
using Lateen.Http;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>
/// A test of <c>:authority</c>, that is of Host. Names of hosts have no case and may end in the root's dot, a port may be written with zeros or
/// not at all behind its colon: the test holds if it does for any form of the same name and port.
/// </summary>
/// <remarks>A host with a percent sign is a name to some servers and another to others, so it is in doubt.</remarks>
internal sealed class AuthorityCondition(ValueTest value, bool isInverted, bool whenInDoubt) : Condition
{
    /// <summary>Longest authority that is rewritten to be compared. Octets; DNS ends at 255, a longer one is in doubt.</summary>
    private const int MaxOctets = 300;

    public override int Cost => 8;

    public override bool IsMatch(in AuthorizationSubject subject) => subject.Request is { } request && IsMatch(request) != isInverted;

    private bool IsMatch(HttpRequestHead request)
    {
        ReadOnlySpan<byte> lower = request.LowerAuthority;
        if (lower.Contains((byte)'%')) return whenInDoubt;
        if (value.IsMatch(lower) || value.IsMatch(request.Authority)) return true;
        ReadOnlySpan<byte> host = request.Host;
        bool hasDot = host.EndsWith("."u8);
        bool hasOddPort = lower.Length > host.Length && (lower.Length == host.Length + 1 || lower[host.Length + 1] == (byte)'0');
        if (!hasDot && !hasOddPort) return false;
        if (lower.Length > MaxOctets) return whenInDoubt;

        Span<byte> plain = stackalloc byte[MaxOctets + 8];
        ReadOnlySpan<byte> name = host.TrimEnd((byte)'.');
        name.CopyTo(plain);
        int length = name.Length;
        if (request.Port >= 0)
        {
            plain[length++] = (byte)':';
            Utf8Formatter.TryFormat(request.Port, plain[length..], out int digits);
            length += digits;
        }

        return value.IsMatch(plain[..length]);
    }
}
