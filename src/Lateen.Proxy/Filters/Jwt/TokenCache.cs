using System.Diagnostics.CodeAnalysis;

namespace Lateen.Proxy.Filters.Jwt;

/// <summary>
/// Tokens of one provider that were verified on one reactor, by all their bytes, so that a client that shows the same token again costs a lookup.
/// Only what a key has signed gets in: strangers cannot fill it.
/// </summary>
/// <remarks>
/// Owned by one reactor; lives as long as the configuration that it verified under, so a key that is taken away takes its tokens with it. Whoever
/// finds a token looks at its times himself. Full: the one that came first makes room. Hashes are seeded per process.
/// </remarks>
/// <param name="maxTokens">Tokens kept. Count, at least 1.</param>
internal sealed class TokenCache(int maxTokens)
{
    private readonly Dictionary<byte[], VerifiedToken> _tokens = new(TokenBytes.Comparer);
    private readonly Queue<byte[]> _order = new();

    public int Count => _tokens.Count;

    public bool TryFind(ReadOnlySpan<byte> token, [NotNullWhen(true)] out VerifiedToken? verified) =>
        _tokens.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(token, out verified);

    public void Add(ReadOnlySpan<byte> token, VerifiedToken verified)
    {
        while (_tokens.Count >= maxTokens && _order.TryDequeue(out byte[]? oldest)) _tokens.Remove(oldest);
        byte[] key = token.ToArray();
        if (_tokens.TryAdd(key, verified)) _order.Enqueue(key);
    }

    private sealed class TokenBytes : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly TokenBytes Comparer = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = default(HashCode);
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
