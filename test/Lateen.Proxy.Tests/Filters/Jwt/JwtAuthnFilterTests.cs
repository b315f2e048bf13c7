using System.Text;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Filters.Jwt;
using Lateen.Proxy.Filters.Metadata;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Tests.Harness;
using Lateen.Xds.Text;
using JwtAuthentication = Envoy.Extensions.Filters.Http.JwtAuthn.V3.JwtAuthentication;

namespace Lateen.Proxy.Tests.Filters.Jwt;

/// <summary>The filter in a running engine: who passes, who is refused and with which words, what the server and later filters see.</summary>
public sealed class JwtAuthnFilterTests(JwtVerificationTests.Fixture fixture) : IClassFixture<JwtVerificationTests.Fixture>
{
    private const string Unauthorized = "www-authenticate";

    private TestIssuer Issuer => fixture.Issuer;

    private string Strict => $$"""
        providers:
          own: {issuer: "{{TestIssuer.Name}}", audiences: [shop], local_jwks: {inline_string: '{{Issuer.KeySet}}'}, payload_in_metadata: payload}
        rules:
        - match: {prefix: /open}
        - match: {prefix: /}
          requires: {provider_name: own}
        """;

    /// <summary>As Istio writes it for one rule of one RequestAuthentication.</summary>
    private string Optional => $$"""
        providers:
          origins-0:
            issuer: "{{TestIssuer.Name}}"
            local_jwks: {inline_string: '{{Issuer.KeySet}}'}
            payload_in_metadata: payload
            normalize_payload_in_metadata: {space_delimited_claims: [scope, permission]}
        rules:
        - match: {prefix: /}
          requires: {requires_any: {requirements: [{provider_name: origins-0}, {allow_missing: {} }] } }
        bypass_cors_preflight: true
        """;

    [Fact]
    public async Task A_good_token_passes_and_does_not_go_on_to_the_server()
    {
        await using var mesh = await Mesh.StartAsync(Strict);

        var response = await mesh.GetAsync("/", $"Authorization: Bearer {Issuer.Sign("ES256")}");

        Assert.Equal(200, response.Status);
        Assert.DoesNotContain("authorization", mesh.Upstream.Heads.Single(), StringComparison.OrdinalIgnoreCase);
        await mesh.Proxy.EventuallyAsync("http.in.jwt_authn.allowed", 1);
    }

    [Fact]
    public async Task No_token_is_answered_with_401_and_where_to_authenticate()
    {
        await using var mesh = await Mesh.StartAsync(Strict);

        var response = await mesh.GetAsync("/a/b?q=secret");

        Assert.Equal((401, "Jwt is missing"), (response.Status, response.Body));
        Assert.Equal("Bearer realm=\"http://shop.example/a/b\"", response.Header(Unauthorized));
        Assert.Equal("401 - jwt_authn_access_denied{Jwt_is_missing}", await mesh.Log.NextAsync());
        Assert.Empty(mesh.Upstream.Heads);
        await mesh.Proxy.EventuallyAsync("http.in.jwt_authn.denied", 1);
    }

    [Fact]
    public async Task Bad_tokens_are_answered_with_what_is_wrong_with_them()
    {
        await using var mesh = await Mesh.StartAsync(Strict);

        var expired = await mesh.GetAsync("/", $"Authorization: Bearer {Issuer.Sign("ES256", TestIssuer.Claims(expiresIn: -1))}");
        Assert.Equal((401, "Jwt is expired"), (expired.Status, expired.Body));
        Assert.Equal("Bearer realm=\"http://shop.example/\", error=\"invalid_token\"", expired.Header(Unauthorized));

        var none = await mesh.GetAsync("/", "Authorization: Bearer x.y");
        Assert.Equal("Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections", none.Body);
    }

    [Fact]
    public async Task What_is_translated_of_a_policy_takes_no_token_a_second_after_its_end_and_one_of_a_clock_that_is_ahead()
    {
        var keys = Issuer.KeySet.Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", " ", StringComparison.Ordinal);
        var translated = TranslatedAuthentication.Of($$"""[{"issuer": "{{TestIssuer.Name}}", "jwks": "{{keys}}"}]""");
        await using var mesh = await Mesh.StartAsync(TranslatedAuthentication.Yaml(translated!));

        var expired = await mesh.GetAsync("/", $"Authorization: Bearer {Issuer.Sign("ES256", TestIssuer.Claims(expiresIn: -1))}");
        Assert.Equal((401, "Jwt is expired"), (expired.Status, expired.Body));
        Assert.Equal(200, (await mesh.GetAsync("/", $"Authorization: Bearer {Issuer.Sign("ES256", TestIssuer.Claims())}")).Status);
        Assert.Equal(200, (await mesh.GetAsync("/", $"Authorization: Bearer {Issuer.Sign("ES256", TestIssuer.Claims($",\"nbf\":{TestIssuer.Now + 50}"))}")).Status);
        var early = await mesh.GetAsync("/", $"Authorization: Bearer {Issuer.Sign("ES256", TestIssuer.Claims($",\"nbf\":{TestIssuer.Now + 120}"))}");
        Assert.Equal((401, "Jwt not yet valid"), (early.Status, early.Body));
    }

    [Fact]
    public async Task Keys_that_are_passed_over_are_counted()
    {
        await using var mesh = await Mesh.StartAsync(Strict.Replace("{\"keys\": [", "{\"keys\": [{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"},", StringComparison.Ordinal));
        Assert.Equal(200, (await mesh.GetAsync("/", $"Authorization: Bearer {Issuer.Sign("ES256")}")).Status);
        await mesh.Proxy.EventuallyAsync("http.in.jwt_authn.jwks_unusable_keys", 1);
    }

    [Fact]
    public async Task A_token_for_somebody_else_is_refused_without_a_word_and_the_log_says_why()
    {
        await using var mesh = await Mesh.StartAsync(Strict);

        var audience = await mesh.GetAsync("/", $"Authorization: Bearer {Issuer.Sign("ES256", $$"""{"iss":"{{TestIssuer.Name}}","aud":"bank"}""")}");

        Assert.Equal((403, ""), (audience.Status, audience.Body));
        Assert.Null(audience.Header(Unauthorized));
        Assert.Equal("403 - jwt_authn_access_denied{Audiences_in_Jwt_are_not_allowed}", await mesh.Log.NextAsync());
    }

    [Fact]
    public async Task The_challenge_of_a_refused_request_does_not_leak_into_the_next_answer_on_the_connection()
    {
        await using var mesh = await Mesh.StartAsync(Strict);
        using var client = await RawClient.ConnectAsync(mesh.Proxy.Address);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
        Assert.NotNull((await client.ReadResponseAsync()).Header(Unauthorized));
        await client.SendAsync("GET /open HTTP/1.1\r\nHost: shop\r\n\r\n");
        Assert.Null((await client.ReadResponseAsync()).Header(Unauthorized));
    }

    [Fact]
    public async Task The_failure_is_told_by_status_alone_where_the_configuration_says_so()
    {
        await using var mesh = await Mesh.StartAsync(Strict + "\nstrip_failure_response: true");
        Assert.Equal("", (await mesh.GetAsync("/")).Body);
    }

    [Fact]
    public async Task A_rule_without_requirement_and_a_request_without_rule_pass()
    {
        await using var mesh = await Mesh.StartAsync(Strict.Replace("prefix: /}", "prefix: /closed}", StringComparison.Ordinal));
        Assert.Equal(200, (await mesh.GetAsync("/open")).Status);
        Assert.Equal(200, (await mesh.GetAsync("/elsewhere")).Status);
        Assert.Equal(401, (await mesh.GetAsync("/closed")).Status);
    }

    [Fact]
    public async Task Istios_optional_requirement_lets_the_tokenless_pass_and_refuses_every_token_that_is_not_good()
    {
        await using var mesh = await Mesh.StartAsync(Optional);
        using var stranger = new TestIssuer();

        Assert.Equal(200, (await mesh.GetAsync("/")).Status);
        Assert.Equal(200, (await mesh.GetAsync("/", $"Authorization: Bearer {Issuer.Sign("RS256")}")).Status);
        Assert.Equal("Jwt verification fails", (await mesh.GetAsync("/", $"Authorization: Bearer {stranger.Sign("RS256")}")).Body);
        Assert.Equal("Jwt issuer is not configured", (await mesh.GetAsync("/", $"Authorization: Bearer {Issuer.Sign("RS256", """{"iss":"https://other"}""")}")).Body);
        Assert.Equal(200, (await mesh.GetAsync("/", "Authorization: Basic YTpi")).Status);
    }

    [Fact]
    public async Task A_good_token_does_not_cover_a_bad_one_beside_it()
    {
        await using var mesh = await Mesh.StartAsync(Optional);
        using var stranger = new TestIssuer();
        var good = Issuer.Sign("ES256");
        var bad = stranger.Sign("ES256");

        Assert.Equal(401, (await mesh.GetAsync("/", $"Authorization: Bearer {good}", $"Authorization: Bearer {bad}")).Status);
        Assert.Equal(401, (await mesh.GetAsync("/", $"Authorization: Bearer {bad}", $"Authorization: Bearer {good}")).Status);
        Assert.Equal(401, (await mesh.GetAsync($"/?access_token={bad}", $"Authorization: Bearer {good}")).Status);
        Assert.Equal("Too many Jwts are present", (await mesh.GetAsync("/", [.. Enumerable.Repeat($"Authorization: Bearer {good}", 5)])).Body);
        Assert.Empty(mesh.Upstream.Heads);
    }

    [Fact]
    public async Task Two_issuers_as_istio_joins_them_accept_the_tokens_of_either_and_of_nobody_else()
    {
        using var second = new TestIssuer();
        await using var mesh = await Mesh.StartAsync($$"""
            providers:
              a: {issuer: "{{TestIssuer.Name}}", local_jwks: {inline_string: '{{Issuer.KeySet}}'} }
              b: {issuer: "https://second", local_jwks: {inline_string: '{{second.KeySet}}'} }
            rules:
            - match: {prefix: /}
              requires:
                requires_any:
                  requirements:
                  - provider_name: a
                  - provider_name: b
                  - requires_all:
                      requirements:
                      - requires_any: {requirements: [{provider_name: a}, {allow_missing: {} }]}
                      - requires_any: {requirements: [{provider_name: b}, {allow_missing: {} }]}
            """);

        Assert.Equal(200, (await mesh.GetAsync("/")).Status);
        Assert.Equal(200, (await mesh.GetAsync("/", $"Authorization: Bearer {Issuer.Sign("ES256")}")).Status);
        Assert.Equal(200, (await mesh.GetAsync("/", $"Authorization: Bearer {second.Sign("ES256", """{"iss":"https://second"}""")}")).Status);
        Assert.Equal("Jwt verification fails", (await mesh.GetAsync("/", $"Authorization: Bearer {second.Sign("ES256")}")).Body);
        Assert.Equal("Jwt issuer is not configured", (await mesh.GetAsync("/", $"Authorization: Bearer {second.Sign("ES256", """{"iss":"https://third"}""")}")).Body);
    }

    [Fact]
    public async Task Allow_missing_or_failed_passes_everything_and_uses_what_is_good()
    {
        var recorder = new MetadataRecorder();
        await using var mesh = await Mesh.StartAsync(
            Strict.Replace("requires: {provider_name: own}", "requires: {allow_missing_or_failed: {}}", StringComparison.Ordinal), recorder);

        Assert.Equal(200, (await mesh.GetAsync("/", "Authorization: Bearer a.b.c")).Status);
        Assert.Equal(200, (await mesh.GetAsync("/", $"Authorization: Bearer {Issuer.Sign("ES256")}")).Status);
        Assert.Equal(["", "alice"], recorder.Subjects);
    }

    [Fact]
    public async Task Audiences_of_a_requirement_stand_in_the_place_of_the_providers()
    {
        await using var mesh = await Mesh.StartAsync(
            Strict.Replace("requires: {provider_name: own}", "requires: {provider_and_audiences: {provider_name: own, audiences: [bank]}}", StringComparison.Ordinal));
        Assert.Equal(403, (await mesh.GetAsync("/", $"Authorization: Bearer {Issuer.Sign("ES256")}")).Status);
        Assert.Equal(200, (await mesh.GetAsync("/", $"Authorization: Bearer {Issuer.Sign("ES256", $$"""{"iss":"{{TestIssuer.Name}}","aud":"bank"}""")}")).Status);
    }

    [Fact]
    public async Task A_cors_preflight_passes_without_token_and_counts_as_one()
    {
        await using var mesh = await Mesh.StartAsync(Strict + "\nbypass_cors_preflight: true");
        const string preflight = "OPTIONS / HTTP/1.1\r\nHost: shop\r\nOrigin: https://app\r\nAccess-Control-Request-Method: GET\r\n\r\n";
        Assert.Equal(200, (await RawClient.ExchangeAsync(mesh.Proxy.Address, preflight)).Status);
        Assert.Equal(401, (await RawClient.ExchangeAsync(mesh.Proxy.Address, "OPTIONS / HTTP/1.1\r\nHost: shop\r\nOrigin: https://app\r\n\r\n")).Status);
        await mesh.Proxy.EventuallyAsync("http.in.jwt_authn.cors_preflight_bypassed", 1);
    }

    [Fact]
    public async Task Tokens_are_found_in_headers_parameters_and_cookies_and_taken_out_of_each()
    {
        await using var mesh = await Mesh.StartAsync($$"""
            providers:
              own:
                issuer: "{{TestIssuer.Name}}"
                local_jwks: {inline_string: '{{Issuer.KeySet}}'}
                from_headers: [{name: x-token, value_prefix: "jwt:"}, {name: x-bare}]
                from_params: [t]
                from_cookies: [session]
            rules: [{match: {prefix: /}, requires: {provider_name: own} }]
            """);
        var token = Issuer.Sign("ES256");

        Assert.Equal(200, (await mesh.GetAsync("/1", $"X-Token: jwt:{token}", "x-token: other")).Status);
        Assert.Equal(200, (await mesh.GetAsync("/2", $"x-bare: {token}")).Status);
        Assert.Equal(200, (await mesh.GetAsync($"/3?a=1&t={token}&b=2")).Status);
        Assert.Equal(200, (await mesh.GetAsync($"/4?t={token}")).Status);
        Assert.Equal(200, (await mesh.GetAsync("/5", $"Cookie: a=1; session={token}; b=2")).Status);
        Assert.Equal(401, (await mesh.GetAsync("/6", $"Authorization: Bearer {token}")).Status);

        var heads = mesh.Upstream.Heads.ToArray();
        Assert.All(heads, head => Assert.DoesNotContain(token, head, StringComparison.Ordinal));
        Assert.Contains("x-token: other", heads[0], StringComparison.OrdinalIgnoreCase);
        Assert.StartsWith("GET /3?a=1&b=2 ", heads[2], StringComparison.Ordinal);
        Assert.StartsWith("GET /4 ", heads[3], StringComparison.Ordinal);
        Assert.Contains("cookie: a=1; b=2\r\n", heads[4], StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("/open/..%2Fadmin", 401)]
    [InlineData("/open/..;/admin", 401)]
    [InlineData("/open%2F..%2Fadmin", 401)]
    [InlineData("/open/%C0%AE%C0%AE/admin", 401)]
    [InlineData("/open/a%2Fb", 200)]
    [InlineData("/open/a;v=1", 200)]
    [InlineData("/opera", 401)]
    public async Task A_path_that_a_server_may_take_for_another_needs_what_both_need(string path, int status)
    {
        await using var mesh = await Mesh.StartAsync(Strict);

        Assert.Equal(status, (await mesh.GetAsync(path)).Status);
        Assert.Equal(200, (await mesh.GetAsync(path, $"Authorization: Bearer {Issuer.Sign("ES256")}")).Status);
    }

    /// <summary>A token that the proxy does not see and the server does is one that nobody verified.</summary>
    [Theory]
    [InlineData("/", "Authorization: bearer {0}")]
    [InlineData("/", "AUTHORIZATION: BEARER   {0}")]
    [InlineData("/", "Authorization: Bearer\t{0}")]
    [InlineData("/?access_token={0}", "x: y")]
    [InlineData("/?access%5Ftoken={0}", "x: y")]
    [InlineData("/?a=b&%61ccess_toke%6e={0}&c", "x: y")]
    public async Task A_token_is_found_however_a_server_may_find_it(string target, string header)
    {
        await using var mesh = await Mesh.StartAsync(Optional);
        string good = Issuer.Sign("ES256");

        Assert.Equal(401, (await mesh.GetAsync(string.Format(System.Globalization.CultureInfo.InvariantCulture, target, "x.y.z"), string.Format(System.Globalization.CultureInfo.InvariantCulture, header, "x.y.z"))).Status);
        Assert.Equal(200, (await mesh.GetAsync(string.Format(System.Globalization.CultureInfo.InvariantCulture, target, good), string.Format(System.Globalization.CultureInfo.InvariantCulture, header, good))).Status);

        Assert.DoesNotContain(good, Assert.Single(mesh.Upstream.Heads), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/?access_tokens={0}", "Authorization: Basic {0}")]
    [InlineData("/?xaccess%5Ftoken={0}", "Authorization: Bearerx {0}")]
    [InlineData("/?access%5Ftoke=n{0}", "Authorization: {0}")]
    [InlineData("/?access%5token={0}", "Authorization: Bearer")]
    public async Task What_is_no_token_is_none(string target, string header)
    {
        await using var mesh = await Mesh.StartAsync(Optional);

        Assert.Equal(200, (await mesh.GetAsync(string.Format(System.Globalization.CultureInfo.InvariantCulture, target, "x.y.z"), string.Format(System.Globalization.CultureInfo.InvariantCulture, header, "x.y.z"))).Status);
    }

    [Fact]
    public async Task The_token_its_payload_and_its_claims_go_on_where_the_configuration_says_so_and_cannot_be_forged()
    {
        await using var mesh = await Mesh.StartAsync($$"""
            providers:
              own:
                issuer: "{{TestIssuer.Name}}"
                local_jwks: {inline_string: '{{Issuer.KeySet}}'}
                forward: true
                forward_payload_header: x-payload
                pad_forward_payload_header: true
                claim_to_headers:
                - {header_name: x-sub, claim_name: sub}
                - {header_name: x-city, claim_name: address.city}
                - {header_name: x-level, claim_name: level}
                - {header_name: x-groups, claim_name: groups}
                - {header_name: x-none, claim_name: none}
                - {header_name: x-evil, claim_name: evil}
            rules:
            - match: {prefix: /open}
            - match: {prefix: /}
              requires: {provider_name: own}
            """);
        const string claims = """{"iss":"https://issuer.example","sub":"alice","level":5,"address":{"city":"Kiel"},"groups":["a","b"],"evil":"x\r\ny: z"}""";
        var token = Issuer.Sign("ES256", claims);

        Assert.Equal(200, (await mesh.GetAsync("/", $"Authorization: Bearer {token}", "x-none: forged", "x-sub: mallory", "X_Sub: mallory", "x_none: forged")).Status);
        Assert.Equal(200, (await mesh.GetAsync("/open", "x-sub: mallory", "x-payload: forged", "x_sub: mallory", "X_PAYLOAD: forged", "x_subs: fine")).Status);

        var head = mesh.Upstream.Heads.First().ToLowerInvariant();
        Assert.Contains("authorization: bearer", head, StringComparison.Ordinal);
        Assert.Contains("x-sub: alice\r\n", head, StringComparison.Ordinal);
        Assert.Contains("x-city: kiel\r\n", head, StringComparison.Ordinal);
        Assert.Contains("x-level: 5\r\n", head, StringComparison.Ordinal);
        Assert.Contains($"x-groups: {TestIssuer.Encode("""["a","b"]"""u8).ToLowerInvariant()}\r\n", head, StringComparison.Ordinal);
        Assert.Contains($"x-payload: {Convert.ToBase64String(Encoding.UTF8.GetBytes(claims)).ToLowerInvariant()}\r\n", head, StringComparison.Ordinal);
        Assert.DoesNotContain("forged", head, StringComparison.Ordinal);
        Assert.DoesNotContain("x-evil", head, StringComparison.Ordinal);
        Assert.DoesNotContain("mallory", mesh.Upstream.Heads.Last(), StringComparison.Ordinal);
        Assert.DoesNotContain("forged", mesh.Upstream.Heads.Last(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Claims_stand_in_metadata_where_istios_rules_look_for_them_and_only_of_accepted_tokens()
    {
        var recorder = new MetadataRecorder();
        await using var mesh = await Mesh.StartAsync(Optional, recorder);

        await mesh.GetAsync("/", $"Authorization: Bearer {Issuer.Sign("ES256", TestIssuer.Claims(",\"scope\":\"read write\",\"groups\":[\"dev\",7]"))}");
        await mesh.GetAsync("/");

        Assert.Equal(["alice", ""], recorder.Subjects);
        Assert.Equal(["read write|dev 7", "|"], recorder.Words);
    }

    [Fact]
    public async Task A_token_that_was_seen_is_not_verified_again_and_a_new_configuration_forgets_it()
    {
        await using var mesh = await Mesh.StartAsync(Strict);
        var token = Issuer.Sign("ES256");
        for (var i = 0; i < 3; i++) Assert.Equal(200, (await mesh.GetAsync("/", $"Authorization: Bearer {token}")).Status);
        await mesh.Proxy.EventuallyAsync("http.in.jwt_authn.jwt_cache_hit", 2);
        await mesh.Proxy.EventuallyAsync("http.in.jwt_authn.jwt_cache_miss", 1);

        using var other = new TestIssuer();
        mesh.Publish(Strict.Replace(Issuer.KeySet, other.KeySet, StringComparison.Ordinal));
        await mesh.Proxy.SettleAsync();

        Assert.Equal("Jwt verification fails", (await mesh.GetAsync("/", $"Authorization: Bearer {token}")).Body);
    }

    [Fact]
    public async Task Requests_with_a_token_that_was_seen_allocate_nothing_and_neither_do_refusals()
    {
        // The log of tests makes a string of each exchange.
        await using var mesh = await Mesh.StartWithoutLogAsync(Optional);
        using var client = await RawClient.ConnectAsync(mesh.Proxy.Address);
        var good = $"GET / HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {Issuer.Sign("ES256", TestIssuer.Claims(",\"scope\":\"read write\",\"groups\":[\"dev\"]"))}\r\n\r\n";
        // Not even read: the refusal itself is what is measured.
        var bad = $"GET / HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {new string('x', JwtProvider.MaxTokenOctets + 1)}\r\n\r\n";
        async Task Run(int count)
        {
            for (var i = 0; i < count; i++)
            {
                await client.SendAsync(good);
                Assert.Equal(200, (await client.ReadResponseAsync()).Status);
                await client.SendAsync(bad);
                Assert.Equal(401, (await client.ReadResponseAsync()).Status);
            }
        }

        await Run(300);
        var best = await ReactorAllocation.LeastAsync(mesh.Proxy.Engine.Reactors[0], () => Run(300));

        Assert.True(best <= 0, $"{best} bytes in 600 requests");
    }

    [Theory]
    [InlineData("providers: {a: {issuer: i, remote_jwks: {http_uri: {uri: 'https://x', cluster: x, timeout: 1s}}}}", "typed_config.providers[\"a\"].remote_jwks: is not supported")]
    [InlineData("providers: {a: {issuer: i}}", "typed_config.providers[\"a\"]: needs keys: local_jwks")]
    [InlineData("providers: {a: {issuer: i, local_jwks: {inline_string: '{}'}}}", "typed_config.providers[\"a\"].local_jwks: has no list 'keys'")]
    [InlineData("providers: {a: {local_jwks: {inline_string: '{\"keys\":[]}'}, failed_status_in_metadata: x}}", "typed_config.providers[\"a\"].failed_status_in_metadata: is not supported")]
    [InlineData("providers: {a: {local_jwks: {inline_string: '{\"keys\":[]}'}, clock_skew_seconds: 3601}}", "typed_config.providers[\"a\"].clock_skew_seconds: is at most 3600")]
    [InlineData("providers: {a: {local_jwks: {inline_string: '{\"keys\":[]}'}, jwt_cache_config: {jwt_cache_size: 10001}}}", "typed_config.providers[\"a\"].jwt_cache_config.jwt_cache_size: is at most 10000")]
    [InlineData("providers: {a: {local_jwks: {inline_string: '{\"keys\":[]}'}, from_headers: [{name: 'a b'}]}}", "typed_config.providers[\"a\"].from_headers[0].name: 'a b' is not a header name")]
    [InlineData("filter_state_rules: {name: x}", "typed_config.filter_state_rules: is not supported")]
    [InlineData("rules: [{match: {prefix: /}, requires: {provider_name: b}}]", "typed_config.rules[0].requires.provider_name: 'b' is not among the providers")]
    [InlineData("rules: [{match: {prefix: /}, requirement_name: b}]", "typed_config.rules[0].requirement_name: 'b' is not in requirement_map")]
    [InlineData("rules: [{match: {prefix: /}, requires: {requires_any: {requirements: [{allow_missing: {}}]}}}]", "typed_config.rules[0].requires.requires_any.requirements: needs at least two")]
    [InlineData("rules: [{match: {prefix: /}, requires: {requires_any: {requirements: [{allow_missing: {}}, {}]}}}]", "typed_config.rules[0].requires.requires_any.requirements[1]: demands nothing")]
    [InlineData("rules: [{match: {prefix: /}, requires: {extract_only_without_validation: {}}}]", "typed_config.rules[0].requires.extract_only_without_validation: is not supported")]
    [InlineData("rules: [{requires: {allow_missing: {}}}]", "typed_config.rules[0].match: is required")]
    public void What_is_wrong_or_not_supported_is_refused_with_its_path(string yaml, string complaint)
    {
        var errors = new ConfigurationErrors();
        Assert.Null(Compile(yaml, errors));
        Assert.StartsWith(complaint, errors.All[0].ToString(), StringComparison.Ordinal);
    }

    private static JwtAuthnFilter? Compile(string yaml, ConfigurationErrors errors)
    {
        var message = ProtoYamlReader.ReadText<JwtAuthentication>(yaml, out var faults);
        Assert.Empty(faults);
        return (JwtAuthnFilter?)new JwtAuthnCompiler(1).Compile("jwt", Any.Pack(message!), FieldPath.Root.Field("typed_config"), errors);
    }

    /// <summary>A server behind a proxy whose requests pass the filter.</summary>
    private sealed class Mesh : IAsyncDisposable
    {
        private readonly EngineRecipe _recipe = new();

        public TestUpstream Upstream { get; } = TestUpstream.Answering();

        public RecordingLog Log { get; } = new();

        public EngineUnderTest Proxy { get; private set; } = null!;

        public static Task<Mesh> StartAsync(string yaml, params HttpFilter[] more)
        {
            var mesh = new Mesh();
            mesh.Proxy = EngineUnderTest.Start(recipe => mesh.Configure(recipe, yaml, more));
            return Task.FromResult(mesh);
        }

        public static Task<Mesh> StartWithoutLogAsync(string yaml)
        {
            var mesh = new Mesh();
            mesh.Proxy = EngineUnderTest.Start(recipe =>
            {
                mesh.Configure(recipe, yaml, []);
                recipe.AccessLogs.Clear();
            });
            return Task.FromResult(mesh);
        }

        public void Publish(string yaml)
        {
            Configure(_recipe, yaml, []);
            _recipe.ChangesListener = true;
            Proxy.Publish(_recipe);
        }

        public Task<RawResponse> GetAsync(string target, params string[] headers) =>
            RawClient.ExchangeAsync(Proxy.Address, $"GET {target} HTTP/1.1\r\nHost: shop.example\r\n{string.Concat(headers.Select(static one => one + "\r\n"))}\r\n");

        public async ValueTask DisposeAsync()
        {
            await Proxy.DisposeAsync();
            await Upstream.DisposeAsync();
        }

        private void Configure(EngineRecipe recipe, string yaml, HttpFilter[] more)
        {
            var errors = new ConfigurationErrors();
            recipe.Filters.Add(Compile(yaml, errors)!);
            Assert.Equal("", errors.ToString());
            recipe.Filters.AddRange(more);
            recipe.AccessLogs.Add(Log);
            recipe.Cluster("backend", Upstream.Address);
        }
    }

    /// <summary>Stands behind the filter and writes down what it left.</summary>
    private sealed record MetadataRecorder() : HttpFilter("recorder", "test")
    {
        public List<string> Subjects { get; } = [];

        public List<string> Words { get; } = [];

        public override FilterStages Stages => FilterStages.Request;

        public override FilterVerdict OnRequest(HttpExchange exchange)
        {
            MetadataValue payload = exchange.Metadata["envoy.filters.http.jwt_authn"u8]["payload"u8];
            Subjects.Add(Encoding.UTF8.GetString(payload["sub"u8].Text));
            Words.Add(string.Join(' ', ListOf(payload["scope"u8])) + "|" + string.Join(' ', ListOf(payload["groups"u8])));
            return FilterVerdict.Continue;
        }

        private static List<string> ListOf(MetadataValue list)
        {
            var texts = new List<string>();
            for (MetadataValue one = list.First; !one.IsMissing; one = one.Next)
                texts.Add(one.Kind == MetadataKind.Text ? Encoding.UTF8.GetString(one.Text) : one.Number.ToString(System.Globalization.CultureInfo.InvariantCulture));
            return texts;
        }
    }
}
