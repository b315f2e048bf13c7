using Lateen.Http;
using Lateen.Proxy.Filters.Metadata;

namespace Lateen.Proxy.Filters.Jwt;

/// <summary>A token that a provider's key has signed, read once: its claims and what is made of them for requests.</summary>
/// <remarks>Not changed after it was made; kept by one reactor.</remarks>
internal sealed class VerifiedToken
{
    /// <summary>Holds <see cref="Header"/> and <see cref="Payload"/>.</summary>
    public required DynamicMetadata Store { get; init; }

    public MetadataValue Header => Store["header"u8];

    public MetadataValue Payload => Store["payload"u8];

    /// <summary><c>exp</c>, seconds since 1970; <see cref="long.MaxValue"/>: it never expires.</summary>
    public required long ExpiresAt { get; init; }

    /// <summary><c>nbf</c>, seconds since 1970; 0: from the beginning.</summary>
    public required long NotBefore { get; init; }

    /// <summary>The payload in base64url, for <c>forward_payload_header</c>; empty when nobody asks for it.</summary>
    public byte[] ForwardedPayload { get; set; } = [];

    /// <summary>Claims that become headers, those that the token has.</summary>
    public (HeaderName Name, byte[] Value)[] ClaimHeaders { get; set; } = [];
}
