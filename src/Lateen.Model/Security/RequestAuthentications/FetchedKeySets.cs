using System.Collections.Frozen;

namespace Lateen.Model.Security;

/// <summary>Where keys are fetched from: a URL of theirs, or an issuer whose OpenID configuration names one.</summary>
/// <param name="Uri">An absolute http or https URL, as written.</param>
/// <param name="IsIssuer">True: <paramref name="Uri"/> is the issuer's, and its <c>/.well-known/openid-configuration</c> says where the keys are.</param>
public readonly record struct KeySource(string Uri, bool IsIssuer)
{
    /// <summary>Null for a rule that brings its keys, or whose issuer is no URL.</summary>
    public static KeySource? Of(JwtRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        if (rule.Jwks is not null) return null;
        if (rule.JwksUri is { } uri) return new KeySource(uri, IsIssuer: false);
        return rule.Issuer is { } issuer && System.Uri.TryCreate(issuer, UriKind.Absolute, out var parsed) && parsed.Scheme is "http" or "https"
            ? new KeySource(issuer, IsIssuer: true)
            : null;
    }

    public override string ToString() => IsIssuer ? $"issuer {Uri}" : Uri;
}

/// <summary>The key sets that were fetched, by where they are from. Immutable; a change is another object.</summary>
public sealed class FetchedKeySets
{
    /// <summary>Nothing was fetched.</summary>
    public static readonly FetchedKeySets None = new(FrozenDictionary<KeySource, JsonWebKeySet>.Empty);

    /// <summary>
    /// What stands for keys that nobody has: a well-formed set whose private half was thrown away when it was made, so that no token passes. Proxies
    /// refuse an empty set, and a missing provider would let tokens through unverified.
    /// </summary>
    public const string Nobody =
        """{"keys":[{"kty":"EC","crv":"P-256","kid":"lateen-keys-were-not-fetched","alg":"ES256","use":"sig","x":"6bqATeNB_B-9JHkgp4MWvZOYz8iDP43gKC1G3n10Gq4","y":"P7Ts0-p22dgQWQsJbWc1o7MACfLHArGClMb0XzdYPig"}]}""";

    private readonly FrozenDictionary<KeySource, JsonWebKeySet> _sets;

    public FetchedKeySets(IEnumerable<KeyValuePair<KeySource, JsonWebKeySet>> sets) => _sets = sets.ToFrozenDictionary();

    public JsonWebKeySet? Find(KeySource source) => _sets.GetValueOrDefault(source);

    /// <summary>The keys of a rule, JSON: its own, else those fetched, else <see cref="Nobody"/>.</summary>
    public string Of(JwtRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        if (rule.Jwks is { } own) return own;
        return KeySource.Of(rule) is { } source && Find(source) is { } fetched ? fetched.Text : Nobody;
    }
}
