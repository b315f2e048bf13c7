using System.Security.Cryptography;
using Google.Protobuf.WellKnownTypes;
using Lateen.Model.Security;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters.Jwt;
using ModelKeySet = Lateen.Model.Security.JsonWebKeySet;
using ProxyKeySet = Lateen.Proxy.Filters.Jwt.JsonWebKeySet;

namespace Lateen.Proxy.Tests.Filters.Jwt;

/// <summary>
/// Whatever the control plane accepts of a RequestAuthentication, or fetches for one, a proxy takes. It refuses a listener as a whole, so one policy that it does
/// not understand would keep every later one, also those that deny, from being taken.
/// </summary>
public sealed class AcceptedAuthenticationTests
{
    private static readonly string[] Texts =
    [
        "a", "x-token", "", " ", "a b", "a=b", "a&b", "a;b", "a,b", "a.b.c", ".", "Bearer ", "https://issuer.example", "é", "\u20ac", "\U0001F511", "\u0001", "\n", "\"", "\\", ":path", "host", "Host",
        "content-length", "connection", "x-forwarded-client-cert", "__proto__", "null", "%00", "a\u007fb", "scope", "*", "[x]", "{", "}", "'", "#", "realm.roles", "sub", "\ud83d", "x_y", "X-User", "te",
    ];

    private static readonly string[] Keys = [.. MakeKeys()];

    [Fact]
    public void Every_accepted_policy_is_taken_by_the_proxy()
    {
        int accepted = 0, refused = 0;
        for (int seed = 0; seed < 1500; seed++)
        {
            var random = new Random(seed);
            string rules = "[" + string.Join(", ", Enumerable.Range(0, 1 + random.Next(3)).Select(_ => Rule(random))) + "]";
            if (TranslatedAuthentication.Of(rules) is not { } filter)
            {
                refused++;
                continue;
            }

            accepted++;
            Assert.True(ErrorsOf(filter).Length == 0, $"seed {seed}: {ErrorsOf(filter)}\n{rules}");
        }

        // A generator that writes only what is refused, or only what nobody minds, would show nothing.
        Assert.InRange(accepted, 200, 1300);
        Assert.InRange(refused, 200, 1300);
    }

    [Fact]
    public void Every_fetched_set_of_keys_is_taken_by_the_proxy()
    {
        var source = new KeySource("https://issuer.example/keys", IsIssuer: false);
        int taken = 0;
        for (int seed = 0; seed < 1000; seed++)
        {
            string text = KeySet(new Random(seed));
            if (ModelKeySet.Read(text, out _) is not { } fetched) continue;
            taken++;
            var filter = TranslatedAuthentication.Of("""[{"issuer": "i", "jwksUri": "https://issuer.example/keys"}]""", new FetchedKeySets([KeyValuePair.Create(source, fetched)]));
            Assert.True(ErrorsOf(filter!).Length == 0, $"seed {seed}: {ErrorsOf(filter!)}\n{text}");
        }

        Assert.InRange(taken, 250, 1000);
    }

    [Fact]
    public void The_bounds_of_the_two_are_the_same()
    {
        Assert.Equal(ProxyKeySet.MaxKeys, ModelKeySet.MaxKeys);
        Assert.Equal(ProxyKeySet.MaxOctets, ModelKeySet.MaxPublicBytes);
    }

    private static string ErrorsOf(Envoy.Extensions.Filters.Http.JwtAuthn.V3.JwtAuthentication filter)
    {
        var errors = new ConfigurationErrors();
        var compiled = new JwtAuthnCompiler(1).Compile("jwt", Any.Pack(filter), FieldPath.Root, errors);
        if (!errors.Any) Assert.NotNull(compiled);
        return errors.ToString();
    }

    private static string Rule(Random random)
    {
        var fields = new List<string> { $"\"issuer\": {Text(random)}" };
        if (random.Next(2) == 0) fields.Add($"\"jwks\": {Quoted(KeySet(random))}");
        if (random.Next(4) == 0) fields.Add($"\"audiences\": {Several(random)}");
        if (random.Next(4) == 0) fields.Add($"\"fromParams\": {Several(random)}");
        if (random.Next(4) == 0) fields.Add($"\"fromCookies\": {Several(random)}");
        if (random.Next(4) == 0) fields.Add($"\"fromHeaders\": [{{\"name\": {Text(random)}, \"prefix\": {Text(random)}}}]");
        if (random.Next(4) == 0) fields.Add($"\"outputPayloadToHeader\": {Text(random)}");
        if (random.Next(4) == 0) fields.Add($"\"outputClaimToHeaders\": [{{\"header\": {Text(random)}, \"claim\": {Text(random)}}}]");
        if (random.Next(4) == 0) fields.Add($"\"spaceDelimitedClaims\": {Several(random)}");
        if (random.Next(4) == 0) fields.Add("\"forwardOriginalToken\": true");
        return "{" + string.Join(", ", fields) + "}";
    }

    // Half of the texts are harmless, so that not every policy has something that is refused.
    private static string Text(Random random) => Quoted(random.Next(2) == 0 ? $"x-{random.Next(9)}" : Texts[random.Next(Texts.Length)]);

    private static string Several(Random random) => "[" + string.Join(", ", Enumerable.Range(0, random.Next(1, 4)).Select(_ => Text(random))) + "]";

    /// <summary>In JSON's quotes, which YAML reads too; half of a surrogate pair has no other form.</summary>
    private static string Quoted(string text) => "\"" + string.Concat(text.Select(static one => one is >= ' ' and < '\u007f' and not ('"' or '\\') ? $"{one}" : $"\\u{(int)one:x4}")) + "\"";

    private static string KeySet(Random random)
    {
        int count = random.Next(20) switch { 0 => 0, 1 => ModelKeySet.MaxKeys, 2 => ModelKeySet.MaxKeys + 1, 3 => 65, _ => random.Next(1, 6) };
        string keys = string.Join(",", Enumerable.Range(0, count).Select(_ => Keys[random.Next(Keys.Length)]));
        return random.Next(12) switch
        {
            0 => $$"""{"keys":[{{keys}}],"keys":[]}""",
            1 => $$"""{"more":{"a":1,"a":[[[[[[[[[]]]]]]]]]},"keys":[{{keys}}]}""",
            2 => $$""" {"keys" : [ {{keys}} ] } """,
            3 => $$"""{"keys":[{{keys}}]""",
            _ => $$"""{"keys":[{{keys}}]}""",
        };
    }

    private static IEnumerable<string> MakeKeys()
    {
        using var rsa = RSA.Create(2048);
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string n = TestIssuer.Encode(rsa.ExportParameters(false).Modulus), x = TestIssuer.Encode(ec.ExportParameters(false).Q.X), y = TestIssuer.Encode(ec.ExportParameters(false).Q.Y);
        return
        [
            $$"""{"kty":"RSA","kid":"good","n":"{{n}}","e":"AQAB"}""", $$"""{"kty":"EC","kid":"é\u20ac","crv":"P-256","x":"{{x}}","y":"{{y}}","use":"sig"}""",
            // Too small, of another's algorithm, twice the same member, private, off the curve, of the wrong length, of other kinds and ends.
            $$"""{"kty":"RSA","n":"{{n[..170]}}","e":"AQAB"}""", $$"""{"kty":"RSA","alg":"ES256","n":"{{n}}","e":"AQAB"}""", $$"""{"kty":"RSA","n":"{{n}}","n":"{{n}}","e":"AQAB"}""",
            $$"""{"kty":"EC","crv":"P-256","x":"{{x}}","y":"{{y}}","d":"{{x}}"}""", $$"""{"kty":"EC","crv":"P-256","x":"{{x}}","y":"{{x}}"}""", """{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}""",
            """{"kty":"OKP","crv":"Ed25519","x":"AQ"}""", """{"kty":"oct","k":"c2VjcmV0"}""", """{"kty":"XYZ","x":"AQ"}""", """{"kty":"RSA","use":"enc","n":"!","e":"!"}""",
            // No keys, and keys with things in them that nobody asked for.
            "{}", "1", "null", "\"key\"", "[]", """{"kty":1}""", """{"kty":"RSA","kid":7,"n":"AQ"}""", """{"kty":"RSA","alg":null}""", """{"kty":""}""", """{"kty":"EC","key_ops":"verify"}""",
            """{"kty":"EC","kid":"\ud800"}""", $$"""{"kty":"EC","crv":"P-256","x":"{{x}}","y":"{{y}}","key_ops":[{{string.Join(",", Enumerable.Repeat("\"verify\"", 300))}}]}""",
            $$$"""{"kty":"RSA","n":"{{{n}}}","e":"AQAB","x5c":[{{{string.Join(",", Enumerable.Repeat("\"MIIC\"", 200))}}}],"ext":{"a":1,"a":2}}""",
            "{\"kty\":\"EC\"" + string.Concat(Enumerable.Range(0, 200).Select(static i => $",\"m{i}\":{i}")) + "}", $$"""{"kty":"RSA","kid":"{{new string('k', 3000)}}","n":"{{n}}","e":"AQAB"}""",
        ];
    }
}
