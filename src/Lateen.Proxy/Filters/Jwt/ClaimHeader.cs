using System.Collections.Immutable;
using System.Text;
using Lateen.Http;
using Lateen.Proxy.Filters.Metadata;

namespace Lateen.Proxy.Filters.Jwt;

/// <summary>A claim that becomes a header of the request (<c>claim_to_headers</c>). A dot in the claim's name leads into an object.</summary>
/// <remarks>Immutable.</remarks>
internal sealed class ClaimHeader(HeaderName name, string claim)
{
    private readonly ImmutableArray<byte[]> _path = [.. claim.Split('.').Select(Encoding.UTF8.GetBytes)];

    public HeaderName Name { get; } = name;

    /// <summary>
    /// Texts as they are, numbers and booleans as JSON, objects and lists as JSON in base64url. Null: the token has no such claim, or its text
    /// cannot stand in a header.
    /// </summary>
    public byte[]? ValueOf(MetadataValue payload)
    {
        MetadataValue value = payload;
        foreach (byte[] step in _path) value = value[step];
        if (value.Kind is MetadataKind.Missing or MetadataKind.Null) return null;
        byte[] room = [];
        ReadOnlySpan<byte> text = MetadataText.Print(value, ref room, out _);
        if (value.Kind is MetadataKind.Struct or MetadataKind.List) return StrictBase64Url.Encode(text);
        foreach (byte one in text)
        {
            if (one is < 0x20 or 0x7F) return null;
        }

        return text.Trim((byte)' ').ToArray();
    }
}
