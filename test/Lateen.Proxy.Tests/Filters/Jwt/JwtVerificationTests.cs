using System.Security.Cryptography;
using System.Text;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters.Jwt;
using Proto = Envoy.Extensions.Filters.Http.JwtAuthn.V3;

namespace Lateen.Proxy.Tests.Filters.Jwt;

/// <summary>What a provider takes for a token of its issuer, and everything that it must not.</summary>
public sealed class JwtVerificationTests(JwtVerificationTests.Fixture fixture) : IClassFixture<JwtVerificationTests.Fixture>
{
    /// <summary>Keys are dear to make; nothing here changes them.</summary>
    public sealed class Fixture : IDisposable
    {
        internal TestIssuer Issuer { get; } = new();

        public void Dispose() => Issuer.Dispose();
    }

    private TestIssuer Issuer => fixture.Issuer;

    [Theory]
    [InlineData("RS256")]
    [InlineData("RS384")]
    [InlineData("RS512")]
    [InlineData("PS256")]
    [InlineData("PS384")]
    [InlineData("PS512")]
    [InlineData("ES256")]
    [InlineData("ES384")]
    [InlineData("ES512")]
    [InlineData("EdDSA")]
    public void Rfc7518_3_1_a_token_of_each_algorithm_is_accepted_and_of_no_other_key(string algorithm)
    {
        using var stranger = new TestIssuer();

        Assert.Equal(JwtStatus.Ok, Verify(Issuer.Sign(algorithm)));
        Assert.Equal(JwtStatus.Ok, Verify(Issuer.Sign(algorithm, header: $$"""{"typ":"JWT","alg":"{{algorithm}}"}""")));
        Assert.Equal(JwtStatus.VerificationFailed, Verify(stranger.Sign(algorithm)));
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData("ES256")]
    [InlineData("ES512")]
    [InlineData("EdDSA")]
    public void A_token_with_any_octet_changed_is_refused(string algorithm)
    {
        var provider = Provider();
        var token = Issuer.Sign(algorithm);
        for (var i = 0; i < token.Length; i++)
        {
            var changed = token.ToCharArray();
            changed[i] = changed[i] == 'A' ? 'B' : 'A';
            Assert.NotEqual(JwtStatus.Ok, Verify(new string(changed), provider));
        }
    }

    [Fact]
    public void A_token_cut_off_at_any_octet_is_refused()
    {
        var provider = Provider();
        var token = Issuer.Sign("ES256");
        for (var length = 0; length < token.Length; length++) Assert.NotEqual(JwtStatus.Ok, Verify(token[..length], provider));
        Assert.NotEqual(JwtStatus.Ok, Verify(token + "A", provider));
        Assert.NotEqual(JwtStatus.Ok, Verify(token + "=", provider));
        Assert.Equal(JwtStatus.BadFormat, Verify(token + ".", provider));
        Assert.Equal(JwtStatus.Ok, Verify(token, provider));
    }

    [Fact]
    public void Random_octets_are_refused_and_harm_nothing()
    {
        var provider = Provider();
        var random = new Random(7519);
        var token = Encoding.ASCII.GetBytes(Issuer.Sign("ES256"));
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = i % 2 == 0 ? new byte[random.Next(200)] : (byte[])token.Clone();
            if (i % 2 == 0) random.NextBytes(bytes);
            else for (var n = random.Next(1, 6); n > 0; n--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (bytes.AsSpan().SequenceEqual(token)) continue;
            Assert.NotEqual(JwtStatus.Ok, provider.Verify(bytes, provider.Audiences, TestIssuer.Now, 0, out _, out _));
        }
    }

    [Fact]
    public void Random_json_is_refused_or_read_but_never_harms()
    {
        var provider = Provider();
        var random = new Random(8259);
        const string alphabet = "{}[]\",:\\u0019 eE+-.truefalsn\u00e9\n";
        for (var i = 0; i < 20_000; i++)
        {
            var text = new char[random.Next(60)];
            for (var n = 0; n < text.Length; n++) text[n] = alphabet[random.Next(alphabet.Length)];
            var claims = (i % 3) switch
            {
                0 => new string(text),
                1 => "{\"sub\":" + new string(text) + "}",
                _ => "{\"" + new string(text) + "\":1}",
            };
            var token = TestIssuer.Encode("""{"alg":"ES256"}"""u8) + "." + TestIssuer.Encode(Encoding.UTF8.GetBytes(claims)) + ".AAAA";
            Assert.NotEqual(JwtStatus.Ok, provider.Verify(Encoding.ASCII.GetBytes(token), provider.Audiences, TestIssuer.Now, 0, out _, out _));
        }
    }

    public static TheoryData<string, string, string> Headers => new()
    {
        { """{"alg":"none","kid":"rsa"}""", "RS256", "AlgorithmNotSupported" },
        { """{"alg":"None"}""", "RS256", "AlgorithmNotSupported" },
        { """{"alg":"HS256","kid":"rsa"}""", "HS256", "AlgorithmNotSupported" },
        { """{"alg":"rs256","kid":"rsa"}""", "RS256", "AlgorithmNotSupported" },
        { """{"alg":""}""", "RS256", "AlgorithmNotSupported" },
        { """{"kid":"rsa"}""", "RS256", "HeaderBadAlgorithm" },
        { """{"alg":["RS256"],"kid":"rsa"}""", "RS256", "HeaderBadAlgorithm" },
        { """{"alg":"RS256","kid":"nobody"}""", "RS256", "NoKeyMatches" },
        { """{"alg":"RS256","kid":"P-256"}""", "RS256", "NoKeyMatches" },
        { """{"alg":"ES256","kid":"rsa"}""", "ES256", "NoKeyMatches" },
        { """{"alg":"ES384","kid":"P-256"}""", "ES384-by-P256", "NoKeyMatches" },
        { """{"alg":"PS256","kid":"rsa"}""", "RS256", "VerificationFailed" },
        { """{"alg":"RS384","kid":"rsa"}""", "RS256", "VerificationFailed" },
        { """{"alg":"ES256","kid":"P-256"}""", "ES256-DER", "VerificationFailed" },
        { """{"alg":"RS256","kid":1}""", "RS256", "HeaderBadKeyId" },
        { """{"alg":"RS256","kid":"rsa","crit":["exp"]}""", "RS256", "CriticalNotSupported" },
        { """{"alg":"RS256","alg":"none","kid":"rsa"}""", "RS256", "HeaderBadJson" },
        { """{"alg":"RS256","\u0061lg":"RS256"}""", "RS256", "HeaderBadJson" },
        { """{"alg":"RS256"} """ + "x", "RS256", "HeaderBadJson" },
        { """{"alg":"RS256",}""", "RS256", "HeaderBadJson" },
        { """["RS256"]""", "RS256", "HeaderBadJson" },
        { "", "RS256", "HeaderBadJson" },
        { """{"alg":"RS256","x":"\ud800"}""", "RS256", "HeaderBadJson" },
        // A key that the token brings along is not looked at.
        { """{"alg":"RS256","kid":"nobody","jwk":{"kty":"RSA"},"jku":"https://evil.example/keys"}""", "RS256", "NoKeyMatches" },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public void A_header_that_is_not_as_it_must_be_is_refused(string header, string signedBy, string status) =>
        Assert.Equal(status, Verify(Issuer.Sign(signedBy, header: header)).ToString());

    [Theory]
    [InlineData("""{"iss":"https://issuer.example","aud":"shop"}""", "Ok")]
    [InlineData("""{"iss":"https://issuer.example","aud":["x","https://shop/"]}""", "Ok")]
    [InlineData("""{"iss":"https://issuer.example","aud":"shops"}""", "AudienceNotAllowed")]
    [InlineData("""{"iss":"https://issuer.example","aud":["x","y"]}""", "AudienceNotAllowed")]
    [InlineData("""{"iss":"https://issuer.example"}""", "AudienceNotAllowed")]
    [InlineData("""{"iss":"https://issuer.example","aud":7}""", "AudienceNotText")]
    [InlineData("""{"iss":"https://issuer.example","aud":["shop",7]}""", "AudienceNotText")]
    [InlineData("""{"iss":"https://issuer.example/","aud":"shop"}""", "UnknownIssuer")]
    [InlineData("""{"aud":"shop"}""", "UnknownIssuer")]
    [InlineData("""{"iss":["https://issuer.example"],"aud":"shop"}""", "IssuerNotText")]
    [InlineData("""{"iss":"https://issuer.example","iss":"https://issuer.example","aud":"shop"}""", "PayloadBadJson")]
    [InlineData("""{"iss":"https://issuer.example","aud":"shop","sub":"a","sub":"b"}""", "PayloadBadJson")]
    [InlineData("""{"iss":"https://issuer.example","aud":"shop","a":{"b":1,"b":2}}""", "PayloadBadJson")]
    [InlineData("""{"iss":"https://issuer.example","aud":"shop","sub":5}""", "SubjectNotText")]
    [InlineData("""{"iss":"https://issuer.example","aud":"shop","exp":"1"}""", "ExpirationNotInteger")]
    [InlineData("""{"iss":"https://issuer.example","aud":"shop","exp":-1}""", "ExpirationNotInteger")]
    [InlineData("""{"iss":"https://issuer.example","aud":"shop","exp":1.5}""", "ExpirationNotInteger")]
    [InlineData("""{"iss":"https://issuer.example","aud":"shop","exp":1e300}""", "ExpirationNotInteger")]
    [InlineData("""{"iss":"https://issuer.example","aud":"shop","exp":1e999}""", "PayloadBadJson")]
    [InlineData("""{"iss":"https://issuer.example","aud":"shop","exp":01}""", "PayloadBadJson")]
    [InlineData("""{"iss":"https://issuer.example","aud":"shop","exp":null}""", "ExpirationNotInteger")]
    [InlineData("""{"iss":"https://issuer.example","aud":"shop","nbf":"x"}""", "NotBeforeNotInteger")]
    [InlineData("""{"iss":"https://issuer.example","aud":"shop","iat":true}""", "IssuedAtNotInteger")]
    public void Claims_are_held_to_their_types_and_to_what_the_provider_wants(string claims, string status) =>
        Assert.Equal(status, Verify(Issuer.Sign("ES256", claims)).ToString());

    [Fact]
    public void Rfc7519_4_1_4_a_token_is_refused_from_the_second_of_its_exp_on()
    {
        var provider = Provider();
        var expiresAt = TestIssuer.Now + 100;
        var token = Issuer.Sign("ES256", $$"""{"iss":"https://issuer.example","aud":"shop","exp":{{expiresAt}}}""");

        Assert.Equal(JwtStatus.Ok, Verify(token, provider, expiresAt - 1));
        Assert.Equal(JwtStatus.Expired, Verify(token, provider, expiresAt));
        Assert.Equal(JwtStatus.Expired, Verify(token, provider, expiresAt + 1));
    }

    [Fact]
    public void Rfc7519_4_1_5_a_token_of_an_issuer_whose_clock_is_a_minute_ahead_is_good()
    {
        var provider = Provider();
        var notBefore = TestIssuer.Now;
        var token = Issuer.Sign("ES256", $$"""{"iss":"https://issuer.example","aud":"shop","exp":{{notBefore + 100}},"nbf":{{notBefore}}}""");

        Assert.Equal(JwtStatus.Ok, Verify(token, provider, notBefore - 60));
        Assert.Equal(JwtStatus.NotYetValid, Verify(token, provider, notBefore - 61));
    }

    [Fact]
    public void A_tolerance_that_is_configured_holds_at_both_ends_of_a_tokens_life()
    {
        var provider = Provider(one => one.ClockSkewSeconds = 10);
        var expiresAt = TestIssuer.Now + 100;
        var token = Issuer.Sign("ES256", $$"""{"iss":"https://issuer.example","aud":"shop","exp":{{expiresAt}},"nbf":{{expiresAt - 50}}}""");

        Assert.Equal(JwtStatus.Ok, Verify(token, provider, expiresAt + 9));
        Assert.Equal(JwtStatus.Expired, Verify(token, provider, expiresAt + 10));
        Assert.Equal(JwtStatus.Ok, Verify(token, provider, expiresAt - 60));
        Assert.Equal(JwtStatus.NotYetValid, Verify(token, provider, expiresAt - 61));
    }

    [Fact]
    public void A_token_that_was_verified_before_expires_all_the_same()
    {
        var provider = Provider();
        var token = Encoding.ASCII.GetBytes(Issuer.Sign("ES256", TestIssuer.Claims(expiresIn: 100)));
        Assert.Equal(JwtStatus.Ok, provider.Verify(token, provider.Audiences, TestIssuer.Now, 0, out _, out var first));
        Assert.Equal(JwtStatus.Ok, provider.Verify(token, provider.Audiences, TestIssuer.Now, 0, out var verified, out var second));
        Assert.Equal((false, true), (first, second));
        Assert.NotNull(verified);

        Assert.Equal(JwtStatus.Expired, provider.Verify(token, provider.Audiences, TestIssuer.Now + 1000, 0, out verified, out _));
        Assert.Null(verified);
        Assert.Equal(JwtStatus.AudienceNotAllowed, provider.Verify(token, new AudienceSet(["other"]), TestIssuer.Now, 0, out verified, out _));
        Assert.Null(verified);
    }

    [Fact]
    public void A_token_that_must_expire_and_not_too_late_is_held_to_it()
    {
        var eternal = Issuer.Sign("ES256", """{"iss":"https://issuer.example","aud":"shop"}""");
        Assert.Equal(JwtStatus.Ok, Verify(eternal));
        Assert.Equal(JwtStatus.ExpirationMissing, Verify(eternal, Provider(static one => one.RequireExpiration = true)));
        var hour = Provider(static one => one.MaxLifetime = new() { Seconds = 3600 });
        Assert.Equal(JwtStatus.ExpirationMissing, Verify(eternal, hour));
        Assert.Equal(JwtStatus.Ok, Verify(Issuer.Sign("ES256", TestIssuer.Claims(expiresIn: 3600)), hour));
        Assert.Equal(JwtStatus.LifetimeTooLong, Verify(Issuer.Sign("ES256", TestIssuer.Claims(expiresIn: 4000)), hour));
    }

    [Fact]
    public void A_token_larger_than_the_bound_is_refused_before_it_is_read()
    {
        var fits = Issuer.Sign("ES256", TestIssuer.Claims($",\"x\":\"{new string('x', 11_000)}\""));
        Assert.True(fits.Length <= JwtProvider.MaxTokenOctets);
        Assert.Equal(JwtStatus.Ok, Verify(fits));
        Assert.Equal(JwtStatus.TooLarge, Verify(Issuer.Sign("ES256", TestIssuer.Claims($",\"x\":\"{new string('x', 12_500)}\""))));
    }

    [Fact]
    public void Claims_nested_or_numbered_beyond_the_bounds_are_refused()
    {
        static string Nested(int depth) => ",\"x\":" + new string('[', depth) + new string(']', depth);
        Assert.Equal(JwtStatus.Ok, Verify(Issuer.Sign("ES256", TestIssuer.Claims(Nested(StrictJson.MaxDepth - 1)))));
        Assert.Equal(JwtStatus.PayloadBadJson, Verify(Issuer.Sign("ES256", TestIssuer.Claims(Nested(StrictJson.MaxDepth)))));
        static string Members(int count) => string.Concat(Enumerable.Range(0, count).Select(static i => $",\"m{i}\":1"));
        Assert.Equal(JwtStatus.Ok, Verify(Issuer.Sign("ES256", TestIssuer.Claims(Members(StrictJson.MaxMembers - 4)))));
        Assert.Equal(JwtStatus.PayloadBadJson, Verify(Issuer.Sign("ES256", TestIssuer.Claims(Members(StrictJson.MaxMembers - 3)))));
        static string Elements(int count) => $",\"x\":[{string.Join(',', Enumerable.Repeat('1', count))}]";
        Assert.Equal(JwtStatus.PayloadBadJson, Verify(Issuer.Sign("ES256", TestIssuer.Claims(Elements(StrictJson.MaxValues)))));
    }

    [Fact]
    public void The_cache_holds_no_more_than_it_may_and_nothing_that_was_not_verified()
    {
        var cache = new TokenCache(2);
        var token = new VerifiedToken { Store = new(), ExpiresAt = 0, NotBefore = 0 };
        cache.Add("a"u8, token);
        cache.Add("b"u8, token);
        cache.Add("b"u8, token);
        cache.Add("c"u8, token);

        Assert.Equal(2, cache.Count);
        Assert.False(cache.TryFind("a"u8, out _));
        Assert.True(cache.TryFind("c"u8, out _));

        var provider = Provider();
        var bad = Encoding.ASCII.GetBytes(Issuer.Sign("ES256-DER", header: """{"alg":"ES256","kid":"P-256"}"""));
        provider.Verify(bad, provider.Audiences, TestIssuer.Now, 0, out _, out _);
        provider.Verify(bad, provider.Audiences, TestIssuer.Now, 0, out _, out var isCached);
        Assert.False(isCached);
    }

    [Fact]
    public void A_key_that_names_its_algorithm_is_used_for_no_other()
    {
        using var rsa = RSA.Create(2048);
        var numbers = rsa.ExportParameters(false);
        var provider = Provider(keys: $$"""{"keys":[{"kty":"RSA","alg":"RS512","n":"{{TestIssuer.Encode(numbers.Modulus)}}","e":"AQAB"}]}""");
        string Sign(string algorithm, HashAlgorithmName hash)
        {
            var content = TestIssuer.Encode(Encoding.ASCII.GetBytes($$"""{"alg":"{{algorithm}}"}""")) + "." + TestIssuer.Encode(Encoding.ASCII.GetBytes(TestIssuer.Claims()));
            return content + "." + TestIssuer.Encode(rsa.SignData(Encoding.ASCII.GetBytes(content), hash, RSASignaturePadding.Pkcs1));
        }

        Assert.Equal(JwtStatus.Ok, Verify(Sign("RS512", HashAlgorithmName.SHA512), provider));
        Assert.Equal(JwtStatus.NoKeyMatches, Verify(Sign("RS256", HashAlgorithmName.SHA256), provider));
    }

    [Fact]
    public void A_set_without_keys_passes_no_token() =>
        Assert.Equal(JwtStatus.NoKeys, Verify(Issuer.Sign("ES256"), Provider(keys: """{"keys":[]}""")));

    [Theory]
    [InlineData("""{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}""", 0, "")]
    [InlineData("""{"keys":[{"kty":"RSA","use":"enc","n":"AQ","e":"AQAB"}]}""", 0, "")]
    [InlineData("""{"keys":[{"kty":"RSA","alg":"RSA-OAEP","n":"AQ","e":"AQAB"}]}""", 0, "")]
    [InlineData("""{"keys":[{"kty":"EC","crv":"secp256k1","x":"AQ","y":"AQ"}]}""", 0, "")]
    [InlineData("""{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}""", 0, "jwks.keys[0]: an RSA key has 2048 to 8192 bits, this one 17; the key is passed over")]
    [InlineData("""{"keys":[{"kty":"RSA","n":"AQAB"}]}""", 0, "jwks.keys[0]: an RSA key needs 'n' and 'e' in base64url; the key is passed over")]
    [InlineData("""{"keys":[{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}]}""", 0, "jwks.keys[0]: coordinates on P256 have 32 octets, not 1 and 1; the key is passed over")]
    [InlineData("""{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AQ"}]}""", 0, "jwks.keys[0]: an Ed25519 key has 32 octets, not 1; the key is passed over")]
    [InlineData("""{"keys":[{}]}""", 0, "jwks.keys[0]: is not a key: 'kty' is required (RFC 7517 section 4.1); the key is passed over")]
    [InlineData("""{"keys":{}}""", 0, "jwks: has no list 'keys' (a JWK Set, RFC 7517 section 5)")]
    [InlineData("not json", 0, "jwks: is not a JSON object with one value for each name (a JWK Set, RFC 7517 section 5)")]
    public void A_set_that_is_none_is_refused_and_keys_that_are_weak_malformed_or_for_other_ends_are_passed_over(string json, int kept, string complaint)
    {
        var errors = new ConfigurationErrors();
        var keys = JsonWebKeySet.Compile(Encoding.UTF8.GetBytes(json), FieldPath.Root.Field("jwks"), errors);

        Assert.Equal(complaint, string.Join('\n', errors.All.Concat(errors.Warnings)));
        Assert.Equal(errors.Any, keys is null);
        if (keys is null) return;
        Assert.Equal((kept, errors.Warnings.Count), (keys.Keys.Length, keys.UnusableCount));
    }

    [Fact]
    public void A_good_key_beside_one_that_cannot_be_used_goes_on_verifying()
    {
        string keys = Issuer.KeySet.Replace("[", """[{"kty":"RSA","kid":"weak","n":"AQAB","e":"AQAB"},""", StringComparison.Ordinal);
        var provider = Provider(keys: keys);
        Assert.Equal(JwtStatus.Ok, Verify(Issuer.Sign("ES256"), provider));
        Assert.Equal(JwtStatus.NoKeyMatches, Verify(Issuer.Sign("RS256", header: """{"alg":"RS256","kid":"weak"}"""), provider));
    }

    [Fact]
    public void A_set_of_more_keys_than_the_bound_is_refused()
    {
        string key = Issuer.KeySet[(Issuer.KeySet.IndexOf('[', StringComparison.Ordinal) + 1)..Issuer.KeySet.LastIndexOf(']')].Split("},")[1] + "}";
        string Set(int count) => $$"""{"keys":[{{string.Join(',', Enumerable.Repeat(key, count))}}]}""";
        var errors = new ConfigurationErrors();
        Assert.Equal(JsonWebKeySet.MaxKeys, JsonWebKeySet.Compile(Encoding.UTF8.GetBytes(Set(JsonWebKeySet.MaxKeys)), FieldPath.Root, errors)!.Keys.Length);
        Assert.False(errors.Any);
        JsonWebKeySet.Compile(Encoding.UTF8.GetBytes(Set(JsonWebKeySet.MaxKeys + 1)), FieldPath.Root, errors);
        Assert.True(errors.Any);
    }

    [Theory]
    [InlineData("host")]
    [InlineData("Content-Length")]
    [InlineData("transfer-encoding")]
    [InlineData("connection")]
    [InlineData("TE")]
    [InlineData("upgrade")]
    [InlineData("expect")]
    [InlineData("x-forwarded-client-cert")]
    [InlineData("X-Forwarded-Client-Cert")]
    public void A_header_that_frames_routes_or_identifies_is_no_target_for_what_an_issuer_says(string name)
    {
        var proto = new Proto.JwtProvider { LocalJwks = new() { InlineString = Issuer.KeySet }, ForwardPayloadHeader = name };
        proto.ClaimToHeaders.Add(new Proto.JwtClaimToHeader { ClaimName = "sub", HeaderName = name });
        var errors = new ConfigurationErrors();
        Assert.Null(new JwtProviderCompiler(1, errors).Compile("test", proto, FieldPath.Root));
        Assert.Equal(
            $"forward_payload_header: '{name}' is not a header that a token may fill\nclaim_to_headers[0].header_name: '{name}' is not a header that a token may fill", errors.ToString());
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(2047)]
    public void Small_rsa_keys_are_passed_over_when_configured(int bits)
    {
        using var rsa = RSA.Create(2048);
        var modulus = rsa.ExportParameters(false).Modulus!;
        var small = bits == 1024 ? modulus[128..] : [(byte)(modulus[0] & 0x7F), .. modulus[1..]];
        small[0] |= bits == 1024 ? (byte)0x80 : (byte)0x40;
        var errors = new ConfigurationErrors();

        JsonWebKeySet.Compile(
            Encoding.ASCII.GetBytes($$"""{"keys":[{"kty":"RSA","n":"{{TestIssuer.Encode(small)}}","e":"AQAB"}]}"""), FieldPath.Root, errors);

        Assert.Equal($"keys[0]: an RSA key has 2048 to 8192 bits, this one {bits}; the key is passed over", Assert.Single(errors.Warnings).ToString());
    }

    [Fact]
    public void A_point_beside_the_curve_and_a_private_key_are_passed_over_when_configured()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var numbers = key.ExportParameters(true);
        var x = TestIssuer.Encode(numbers.Q.X);
        var y = TestIssuer.Encode(numbers.Q.Y);
        var errors = new ConfigurationErrors();
        JsonWebKeySet.Compile(Encoding.ASCII.GetBytes($$"""
            {"keys":[{"kty":"EC","crv":"P-256","x":"{{x}}","y":"{{x}}"}, {"kty":"EC","crv":"P-256","x":"{{x}}","y":"{{y}}","d":"{{TestIssuer.Encode(numbers.D)}}"}]}
            """), FieldPath.Root, errors);

        Assert.StartsWith("keys[0]: OpenSSL refuses the key: ", errors.Warnings[0].ToString(), StringComparison.Ordinal);
        Assert.StartsWith("keys[1]: is a private key", errors.Warnings[1].ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(TestIssuer.Encode(numbers.D), string.Join('\n', errors.Warnings), StringComparison.Ordinal);
    }

    private JwtProvider Provider(Action<Proto.JwtProvider>? configure = null, string? keys = null)
    {
        var proto = new Proto.JwtProvider { Issuer = TestIssuer.Name, Audiences = { "shop" }, LocalJwks = new() { InlineString = keys ?? Issuer.KeySet } };
        configure?.Invoke(proto);
        var errors = new ConfigurationErrors();
        var provider = new JwtProviderCompiler(1, errors).Compile("test", proto, FieldPath.Root);
        Assert.Equal("", errors.ToString());
        return provider!;
    }

    private JwtStatus Verify(string token) => Verify(token, Provider());

    private static JwtStatus Verify(string token, JwtProvider provider, long? now = null)
    {
        var status = provider.Verify(Encoding.Latin1.GetBytes(token), provider.Audiences, now ?? TestIssuer.Now, 0, out var verified, out _);
        Assert.Equal(status == JwtStatus.Ok, verified is not null);
        return status;
    }
}
