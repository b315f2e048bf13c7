using Lateen.Http;
using Lateen.Proxy.Filters.Metadata;
using Lateen.Proxy.Filters.Rbac;
using Lateen.Proxy.Forwarding;

namespace Lateen.Proxy.Filters.Jwt;

/// <summary>What one exchange knows of its tokens while its requirement is worked out, and whether it was refused. Reused.</summary>
internal sealed class JwtCheck
{
    /// <summary>Tokens of one provider in one request. Count; more are refused, since each may cost a verification.</summary>
    private const int MaxTokens = 4;

    private HttpExchange _exchange = null!;
    private Outcome[] _outcomes = [];
    private int _leafCount;
    private long _now;
    private byte[] _scratch = [];

    /// <summary>How the path may be read, by which rules are chosen.</summary>
    public PathReadings Paths { get; } = new();

    /// <summary>Why the request was refused; <see cref="JwtStatus.Ok"/> while it was not.</summary>
    public JwtStatus Refusal { get; set; }

    /// <summary>Tokens that were found in a cache, and that were verified. Counts.</summary>
    public int CacheHits { get; private set; }

    public int CacheMisses { get; private set; }

    public void Begin(HttpExchange exchange, int leafCount, long now)
    {
        if (_outcomes.Length < leafCount) _outcomes = new Outcome[leafCount];
        _outcomes.AsSpan(0, leafCount).Clear();
        _exchange = exchange;
        _leafCount = leafCount;
        _now = now;
        CacheHits = CacheMisses = 0;
        Refusal = JwtStatus.Ok;
    }

    /// <summary>Forgets the exchange, and with it every token.</summary>
    public void End()
    {
        _outcomes.AsSpan(0, _leafCount).Clear();
        _leafCount = 0;
        _exchange = null!;
        Refusal = JwtStatus.Ok;
    }

    /// <summary>Looks for a provider's tokens and verifies them; each is asked for once, however often the requirement names it.</summary>
    /// <returns>
    /// <see cref="JwtStatus.Ok"/> when there is one, and all there are are good: a bad one beside a good one might be the one that the server
    /// reads.
    /// </returns>
    public JwtStatus Ask(ProviderLeaf leaf)
    {
        ref Outcome outcome = ref _outcomes[leaf.Index];
        if (outcome.Leaf is not null) return outcome.Status;
        outcome.Leaf = leaf;
        outcome.Status = JwtStatus.Missing;
        int tokens = 0;
        TokenLocations.TokenEnumerator found = leaf.Provider.Locations.Find(_exchange.Request);
        while (found.MoveNext())
        {
            if (++tokens > MaxTokens) return outcome.Status = JwtStatus.TooMany;
            outcome.Status = leaf.Provider.Verify(found.Current, leaf.Audiences, _now, _exchange.ReactorIndex, out VerifiedToken? token, out bool isCached);
            if (isCached) CacheHits++;
            else CacheMisses++;
            if (outcome.Status != JwtStatus.Ok) return outcome.Status;
            outcome.Token = token;
        }

        return outcome.Status;
    }

    /// <summary>The request is accepted: what its tokens say goes into metadata and headers, and tokens that shall not go on are taken out.</summary>
    public void Apply()
    {
        HeaderBlock headers = _exchange.Request.Headers;
        foreach (ref Outcome outcome in _outcomes.AsSpan(0, _leafCount))
        {
            if (outcome.Token is not { } token) continue;
            if (outcome.Status != JwtStatus.Ok) continue;
            JwtProvider provider = outcome.Leaf!.Provider;
            if (provider.ForwardPayloadHeader is { } name) headers.Set(name, token.ForwardedPayload);
            foreach ((HeaderName claim, byte[] value) in token.ClaimHeaders) headers.Set(claim, value);
            if (provider.PayloadKey.Length > 0) CopyPayload(token.Payload, provider);
            if (provider.HeaderKey.Length > 0)
            {
                MetadataValue target = _exchange.Metadata.Open(JwtAuthnFilter.MetadataNamespace).SetStruct(provider.HeaderKey);
                MetadataCopy.Members(token.Header, target);
            }

            if (provider.ClearsRouteCache) _exchange.IsRouteStale = true;
        }

        // Last: two providers may have read the same token.
        foreach (ref Outcome outcome in _outcomes.AsSpan(0, _leafCount))
        {
            if (outcome is { Token: not null, Status: JwtStatus.Ok, Leaf.Provider.Forward: false })
                outcome.Leaf.Provider.Locations.Remove(_exchange.Request, ref _scratch);
        }
    }

    private void CopyPayload(MetadataValue payload, JwtProvider provider)
    {
        MetadataValue target = _exchange.Metadata.Open(JwtAuthnFilter.MetadataNamespace).SetStruct(provider.PayloadKey);
        MetadataCopy.Members(payload, target);
        foreach (byte[] claim in provider.SpaceDelimitedClaims)
        {
            MetadataValue words = payload[claim];
            if (words.Kind != MetadataKind.Text) continue;
            MetadataValue list = target.SetList(claim);
            ReadOnlySpan<byte> rest = words.Text;
            while (!rest.IsEmpty)
            {
                int end = rest.IndexOf((byte)' ');
                ReadOnlySpan<byte> word = end < 0 ? rest : rest[..end];
                rest = end < 0 ? default : rest[(end + 1)..];
                if (!word.IsEmpty) list.Add(word);
            }
        }
    }

    private struct Outcome
    {
        public ProviderLeaf? Leaf;
        public JwtStatus Status;
        public VerifiedToken? Token;
    }
}
