namespace Lateen.Http;

/// <summary>Bounds on what one HTTP/1.1 message may make us hold. Immutable; one instance per listener or cluster.</summary>
public sealed record Http1Limits
{
    /// <summary>Envoy's defaults where it has one.</summary>
    public static Http1Limits Default { get; } = new();

    /// <summary>
    /// Start line and header section together, in octets, line ends included. Hit: 431 (RFC 6585 section 5). 60 KiB is Envoy's
    /// <c>max_request_headers_kb</c>, which counts the same.
    /// </summary>
    public int MaxHeadOctets { get; init; } = 60 * 1024;

    /// <summary>
    /// Request target, in octets. Hit: 414, which RFC 9112 section 3 requires for a target longer than the server wishes to parse; Envoy
    /// has no such limit of its own and answers 431. 32 KiB leaves half of the head for fields; RFC 9110 section 4.1 recommends at least 8,000.
    /// </summary>
    public int MaxTargetOctets { get; init; } = 32 * 1024;

    /// <summary>Method, in octets. Hit: 501 (RFC 9112 section 3). The longest registered one (UPDATEREDIRECTREF) has 17.</summary>
    public int MaxMethodOctets { get; init; } = 32;

    /// <summary>Fields in a header section, and in a trailer section. Count. Hit: 431. 100 is Envoy's <c>max_headers_count</c>.</summary>
    public int MaxFields { get; init; } = 100;

    /// <summary>Trailer section, in octets. Hit: 431. It is held until the body is through, so it gets less than a head.</summary>
    public int MaxTrailerOctets { get; init; } = 16 * 1024;

    /// <summary>
    /// Chunk extensions of one message, in octets. They are read and dropped; without a bound a peer could send one octet of content per
    /// kilobyte (RFC 9112 section 7.1.1). Hit: 400.
    /// </summary>
    public int MaxChunkExtensionOctets { get; init; } = 16 * 1024;

    /// <summary>Options in Connection. Count. Hit: 400. Each costs a search through the fields; Envoy stops below 10 too.</summary>
    public int MaxConnectionOptions { get; init; } = 9;
}
