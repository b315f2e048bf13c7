using System.Collections.Immutable;
using System.Text;
using Lateen.Proxy.Filters.Metadata;

namespace Lateen.Proxy.Filters.Jwt;

/// <summary>The audiences of which a token must name one (RFC 7519 section 4.1.3). As in Envoy, a scheme before and a slash behind do not count.</summary>
/// <remarks>Immutable. Empty: any audience will do, and none.</remarks>
internal sealed class AudienceSet(IEnumerable<string> audiences)
{
    private readonly ImmutableArray<byte[]> _allowed = [.. audiences.Select(static one => Trim(Encoding.UTF8.GetBytes(one)).ToArray())];

    /// <param name="claim"><c>aud</c> of a token: a text, a list of texts, or missing.</param>
    public bool Allows(MetadataValue claim)
    {
        if (_allowed.IsEmpty) return true;
        if (claim.Kind == MetadataKind.Text) return Contains(claim.Text);
        for (MetadataValue one = claim.First; !one.IsMissing; one = one.Next)
        {
            if (Contains(one.Text)) return true;
        }

        return false;
    }

    private bool Contains(ReadOnlySpan<byte> audience)
    {
        ReadOnlySpan<byte> asked = Trim(audience);
        foreach (byte[] one in _allowed)
        {
            if (asked.SequenceEqual(one)) return true;
        }

        return false;
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> audience)
    {
        if (audience.StartsWith("http://"u8)) audience = audience[7..];
        else if (audience.StartsWith("https://"u8)) audience = audience[8..];
        return audience.EndsWith("/"u8) ? audience[..^1] : audience;
    }
}
