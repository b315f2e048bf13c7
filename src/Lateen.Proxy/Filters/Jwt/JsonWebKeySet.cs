using System.Collections.Immutable;
using System.Text;
using Lateen.Net.Signatures;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters.Metadata;

namespace Lateen.Proxy.Filters.Jwt;

/// <summary>One key of a set: public, fit for verifying, with the limits that the set puts on it.</summary>
/// <param name="Id"><c>kid</c>, bytes of UTF-8; empty: none.</param>
/// <param name="Algorithm"><c>alg</c>: the only algorithm that it may be used for; null: any of its kind.</param>
/// <param name="Key">The key itself.</param>
internal sealed record JsonWebKey(byte[] Id, SignatureAlgorithm? Algorithm, SignatureKey Key)
{
    public bool Fits(SignatureAlgorithm algorithm) => Key.Fits(algorithm) && (Algorithm is null || Algorithm == algorithm);
}

/// <summary>
/// The public keys of an issuer (RFC 7517). Keys that are not for verifying signatures, and of kinds that this proxy does not know, are passed
/// over, as section 5 there says. So is a key that it knows and that is malformed, weak or private, with a warning: an issuer that publishes one such key
/// must not keep a whole listener, and every later policy on it, from being taken.
/// </summary>
/// <remarks>Immutable. A set without keys is a set that no token passes.</remarks>
internal sealed class JsonWebKeySet
{
    /// <summary>Keys of one set. Count; a token without <c>kid</c> is tried with each. Lateen's control plane keeps to it.</summary>
    public const int MaxKeys = 128;

    /// <summary>Octets of one set's text: what the store of values has room for. Lateen's control plane keeps to it.</summary>
    public const int MaxOctets = 64 * 1024;

    private JsonWebKeySet(ImmutableArray<JsonWebKey> keys, int unusableCount)
    {
        Keys = keys;
        UnusableCount = unusableCount;
    }

    public ImmutableArray<JsonWebKey> Keys { get; }

    /// <summary>Keys that were passed over because they are malformed, weak or private. Count.</summary>
    public int UnusableCount { get; }

    /// <summary>Reads a set. What is none is an error; a single key that cannot be used is a warning.</summary>
    public static JsonWebKeySet? Compile(ReadOnlySpan<byte> json, FieldPath path, ConfigurationErrors errors)
    {
        if (json.Length > MaxOctets)
        {
            errors.Add(path, $"has {json.Length} octets, at most {MaxOctets} are allowed");
            return null;
        }

        var store = new DynamicMetadata();
        MetadataValue set = store.Open("set"u8);
        if (!StrictJson.TryRead(json, set))
        {
            errors.Add(path, "is not a JSON object with one value for each name (a JWK Set, RFC 7517 section 5)");
            return null;
        }

        MetadataValue list = set["keys"u8];
        if (list.Kind != MetadataKind.List)
        {
            errors.Add(path, "has no list 'keys' (a JWK Set, RFC 7517 section 5)");
            return null;
        }

        var keys = ImmutableArray.CreateBuilder<JsonWebKey>();
        int index = 0, unusable = 0;
        for (MetadataValue one = list.First; !one.IsMissing; one = one.Next)
        {
            FieldPath place = path.Field("keys").At(index++);
            if (Read(one, out JsonWebKey? key) is { } problem)
            {
                errors.Warn(place, $"{problem}; the key is passed over");
                unusable++;
            }
            else if (key is not null)
            {
                keys.Add(key);
            }
        }

        if (keys.Count > MaxKeys) errors.Add(path.Field("keys"), $"has {keys.Count} keys for signatures, at most {MaxKeys} are allowed");
        return new JsonWebKeySet(keys.ToImmutable(), unusable);
    }

    /// <summary>The algorithm by its name in JWS; null for every other, <c>none</c> and all that work with shared secrets among them.</summary>
    public static SignatureAlgorithm? AlgorithmOf(ReadOnlySpan<byte> name)
    {
        if (name.Length == 5)
        {
            if (name.SequenceEqual("RS256"u8)) return SignatureAlgorithm.Rs256;
            if (name.SequenceEqual("RS384"u8)) return SignatureAlgorithm.Rs384;
            if (name.SequenceEqual("RS512"u8)) return SignatureAlgorithm.Rs512;
            if (name.SequenceEqual("PS256"u8)) return SignatureAlgorithm.Ps256;
            if (name.SequenceEqual("PS384"u8)) return SignatureAlgorithm.Ps384;
            if (name.SequenceEqual("PS512"u8)) return SignatureAlgorithm.Ps512;
            if (name.SequenceEqual("ES256"u8)) return SignatureAlgorithm.Es256;
            if (name.SequenceEqual("ES384"u8)) return SignatureAlgorithm.Es384;
            if (name.SequenceEqual("ES512"u8)) return SignatureAlgorithm.Es512;
            if (name.SequenceEqual("EdDSA"u8)) return SignatureAlgorithm.EdDsa;
        }

        return null;
    }

    /// <returns>What is wrong with it; null, and no key, when it is passed over.</returns>
    private static string? Read(MetadataValue jwk, out JsonWebKey? key)
    {
        key = null;
        if (jwk.Kind != MetadataKind.Struct || jwk["kty"u8].Kind != MetadataKind.Text) return "is not a key: 'kty' is required (RFC 7517 section 4.1)";
        if (!IsForVerifying(jwk)) return null;
        MetadataValue id = jwk["kid"u8];
        MetadataValue name = jwk["alg"u8];
        if (id.Kind is not (MetadataKind.Missing or MetadataKind.Text)) return "'kid' is not a text";
        if (name.Kind is not (MetadataKind.Missing or MetadataKind.Text)) return "'alg' is not a text";
        SignatureAlgorithm? algorithm = AlgorithmOf(name.Text);
        // Keys for encryption often say so by their algorithm only.
        if (!name.IsMissing && algorithm is null) return null;

        ReadOnlySpan<byte> type = jwk["kty"u8].Text;
        SignatureKey? made;
        string? problem;
        if (type.SequenceEqual("RSA"u8))
        {
            if (Octets(jwk, "n"u8) is not { } modulus || Octets(jwk, "e"u8) is not { } exponent) return "an RSA key needs 'n' and 'e' in base64url";
            made = SignatureKey.TryCreateRsa(modulus, exponent, out problem);
        }
        else if (type.SequenceEqual("EC"u8))
        {
            if (CurveOf(jwk["crv"u8].Text) is not { } curve) return null;
            if (Octets(jwk, "x"u8) is not { } x || Octets(jwk, "y"u8) is not { } y) return "an EC key needs 'x' and 'y' in base64url";
            made = SignatureKey.TryCreateCurve(curve, x, y, out problem);
        }
        else if (type.SequenceEqual("OKP"u8) && jwk["crv"u8].Text.SequenceEqual("Ed25519"u8))
        {
            if (Octets(jwk, "x"u8) is not { } point) return "an OKP key needs 'x' in base64url";
            made = SignatureKey.TryCreateEd25519(point, out problem);
        }
        else
        {
            return null;
        }

        if (!jwk["d"u8].IsMissing) return "is a private key, which has no place here: whoever can read this configuration can sign tokens; give the public one";
        if (made is null) return problem;
        if (algorithm is { } only && !made.Fits(only)) return $"'alg' is {Encoding.ASCII.GetString(name.Text)}, which is not for a key of this kind";
        key = new JsonWebKey(id.Text.ToArray(), algorithm, made);
        return null;
    }

    private static bool IsForVerifying(MetadataValue jwk)
    {
        MetadataValue use = jwk["use"u8];
        if (!use.IsMissing && !use.Text.SequenceEqual("sig"u8)) return false;
        MetadataValue operations = jwk["key_ops"u8];
        if (operations.IsMissing) return true;
        for (MetadataValue one = operations.First; !one.IsMissing; one = one.Next)
        {
            if (one.Text.SequenceEqual("verify"u8)) return true;
        }

        return false;
    }

    private static SignatureKeyKind? CurveOf(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("P-256"u8) ? SignatureKeyKind.P256
        : name.SequenceEqual("P-384"u8) ? SignatureKeyKind.P384
        : name.SequenceEqual("P-521"u8) ? SignatureKeyKind.P521
        : null;

    private static byte[]? Octets(MetadataValue jwk, ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> text = jwk[name].Text;
        return text.IsEmpty ? null : StrictBase64Url.TryDecode(text);
    }
}
