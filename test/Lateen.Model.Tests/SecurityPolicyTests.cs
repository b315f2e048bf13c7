using Lateen.Model.Security;

namespace Lateen.Model.Tests;

public sealed class SecurityPolicyTests
{
    [Fact]
    public void Policies_of_the_root_namespace_come_first_and_the_oldest_of_a_namespace_before_the_younger()
    {
        var policies = Given.Snapshot(
            Policy("own-old", "shop", age: 9), Policy("root-young", "istio-system", age: 1), Policy("own-young", "shop", age: 2),
            Policy("root-old", "istio-system", age: 3), Policy("elsewhere", "other")).AuthorizationPolicies;
        Assert.Equal(["root-old", "root-young", "own-old", "own-young"], policies.For("shop", StringMap<string>.Empty).Select(policy => policy.Name));
        Assert.Equal(["root-old", "root-young"], policies.For("istio-system", StringMap<string>.Empty).Select(policy => policy.Name));
    }

    [Fact]
    public void A_selector_chooses_workloads_also_from_the_root_namespace_and_a_target_none()
    {
        var policies = Given.Snapshot(
            Policy("of-a", "shop", "selector: {matchLabels: {app: a}}"), Policy("root-of-a", "istio-system", "selector: {matchLabels: {app: a}}"),
            Policy("of-b", "shop", "selector: {matchLabels: {app: b}}"), Policy("target", "shop", "targetRefs: [{kind: Service, name: a}]")).AuthorizationPolicies;
        Assert.Equal(["root-of-a", "of-a"], policies.For("shop", Given.Labels("app=a,version=v1")).Select(policy => policy.Name));
    }

    [Theory]
    [InlineData("AuthorizationPolicy", "Gateway", "gateway.networking.k8s.io", "action: DENY\nrules: [{}]")]
    [InlineData("AuthorizationPolicy", "GatewayClass", "gateway.networking.k8s.io", "action: DENY\nrules: [{}]")]
    [InlineData("AuthorizationPolicy", "Service", "", "action: DENY\nrules: [{}]")]
    [InlineData("RequestAuthentication", "ServiceEntry", "networking.istio.io", "jwtRules: []")]
    [InlineData("RequestAuthentication", "Gateway", "gateway.networking.k8s.io", "jwtRules: []")]
    public void A_target_concerns_no_workload_also_from_the_root_namespace_and_that_is_said_at_its_path(string kind, string target, string group, string spec)
    {
        string document = Given.Document(kind, "p", $"targetRefs: [{{group: \"{group}\", kind: {target}, name: a}}]\n{spec}", "istio-system");
        var found = Assert.Single(ResourceReader.Read(document, "given.yaml").Diagnostics, one => one.Code == DiagnosticCodes.TargetNotServed.Code);
        Assert.Equal((DiagnosticSeverity.Warning, "spec.targetRefs[0]"), (found.Severity, found.FieldPath));
        Assert.Contains("enforced nowhere", found.Message, StringComparison.Ordinal);
        var snapshot = Given.Snapshot(document);
        Assert.Empty(snapshot.AuthorizationPolicies.For("shop", Given.Labels("app=a")));
        Assert.Empty(snapshot.RequestAuthentications.For("shop", Given.Labels("app=a")));
    }

    [Fact]
    public void The_mesh_settings_say_which_namespace_is_the_root()
    {
        var policies = Given.Snapshot(
            "apiVersion: mesh.istio.io/v1alpha1\nkind: MeshConfig\nrootNamespace: root\n", Policy("root", "root"), Policy("no-root", "istio-system")).AuthorizationPolicies;
        Assert.Equal(["root"], policies.For("shop", StringMap<string>.Empty).Select(policy => policy.Name));
    }

    [Fact]
    public void An_index_is_kept_as_long_as_no_policy_changes()
    {
        var resources = Given.Resources($"{Policy("a", "shop")}\n---\n{Given.Service("web", "shop")}");
        var before = MeshSnapshotBuilder.Build(null, resources, 1);
        var after = MeshSnapshotBuilder.Build(before, [.. resources.Where(resource => resource.Key.Kind != ResourceKind.Service)], 2);
        Assert.Same(before.AuthorizationPolicies, after.AuthorizationPolicies);
        Assert.Same(before.RequestAuthentications, after.RequestAuthentications);
    }

    [Theory]
    [InlineData("*", "a", true)]
    [InlineData("*", "", false)]
    [InlineData("abc*", "abc", true)]
    [InlineData("abc*", "abcd", true)]
    [InlineData("abc*", "ab", false)]
    [InlineData("*abc", "xabc", true)]
    [InlineData("*abc", "abcx", false)]
    [InlineData("a*c", "a*c", true)]
    [InlineData("a*c", "abc", false)]
    [InlineData("abc", "ABC", false)]
    public void A_pattern_matches_as_its_star_says(string pattern, string value, bool matches) =>
        Assert.Equal(matches, ValuePattern.Parse(pattern).Matches(value));

    [Theory]
    [InlineData("/foo/{*}", "/foo/bar", true)]
    [InlineData("/foo/{*}", "/foo/bar/baz", false)]
    [InlineData("/foo/{*}", "/foo/", false)]
    [InlineData("/foo/{**}", "/foo/", true)]
    [InlineData("/foo/{**}", "/foo", false)]
    [InlineData("/foo/{**}/", "/foo/bar/", true)]
    [InlineData("/foo/{**}/", "/foo/bar", false)]
    [InlineData("/foo/{*}/bar/{**}", "/foo/buzz/bar/baz/qux", true)]
    [InlineData("/{**}/index.html", "/a/b/index.html", true)]
    [InlineData("/{**}/index.html", "/index.html", false)]
    [InlineData("/{*}/x", "//x", false)]
    public void A_template_takes_one_segment_or_the_rest(string template, string path, bool matches) =>
        Assert.Equal(matches, PathTemplate.Matches(template, path));

    [Fact]
    public void A_key_set_is_kept_without_its_private_members()
    {
        const string text = """{"keys": [{"kty": "RSA", "kid": "a", "n": "AQ", "e": "AQAB", "d": "x", "p": "x", "q": "x", "dp": "x", "dq": "x", "qi": "x"}]}""";
        var keys = JsonWebKeySet.Read(text, out string? reason);
        Assert.Null(reason);
        Assert.True(keys!.HoldsPrivateKey);
        Assert.Equal("""{"keys":[{"kty":"RSA","kid":"a","n":"AQ","e":"AQAB"}]}""", keys.Text);
    }

    [Fact]
    public void A_key_that_nobody_can_use_is_left_out_and_the_others_stay_with_their_public_members_alone()
    {
        const string text = """
            {"keys": [
              {"kid": "no-type"}, {"kty": 1}, "text", {"kty": "RSA", "kid": 7}, {"kty": "EC", "x": "AQ", "x": "AQ"}, {"kty": "EC", "key_ops": "verify"},
              {"kty": "RSA", "kid": "good", "n": "AQ", "e": "AQAB", "x5c": ["MII"], "ext": true, "ext": {}, "key_ops": ["sign", 1, "verify", "wrapKey"]},
              {"kty": "EC", "key_ops": ["encrypt"]}]}
            """;
        var keys = JsonWebKeySet.Read(text, out string? reason);
        Assert.Null(reason);
        Assert.Equal("""{"keys":[{"kty":"RSA","kid":"good","n":"AQ","e":"AQAB","key_ops":["verify"]},{"kty":"EC","key_ops":[]}]}""", keys!.Text);
        Assert.Equal(2, keys.Count);
        Assert.Equal(
            ["keys[0] has no type 'kty'", "keys[1] has no type 'kty'", "keys[2] has no type 'kty'", "keys[3] has a 'kid' that is not a text", "keys[4] has 'x' twice",
                "keys[5] has a 'key_ops' that is no list"], keys.Unusable);

        Assert.Null(JsonWebKeySet.Read("""{"keys": [{"kid": "a"}, {"kty": 1}]}""", out reason));
        Assert.Equal("it holds no key that can be used: keys[0] has no type 'kty'", reason);
    }

    [Fact]
    public void A_key_set_is_bounded_in_bytes_keys_and_depth()
    {
        Assert.Null(JsonWebKeySet.Read($$"""{"keys": [{"kty": "RSA", "x": "{{new string('a', JsonWebKeySet.MaxBytes)}}"}]}""", out string? reason));
        Assert.Contains("larger", reason, StringComparison.Ordinal);
        Assert.Null(JsonWebKeySet.Read($$"""{"keys": [{"kty": "RSA", "n": "{{new string('a', JsonWebKeySet.MaxPublicBytes)}}"}]}""", out reason));
        Assert.Contains("what proxies need of it is larger", reason, StringComparison.Ordinal);
        string key = """{"kty": "RSA"}""";
        Assert.NotNull(JsonWebKeySet.Read($$"""{"keys": [{{string.Join(',', Enumerable.Repeat(key, JsonWebKeySet.MaxKeys))}}]}""", out _));
        Assert.Null(JsonWebKeySet.Read($$"""{"keys": [{{string.Join(',', Enumerable.Repeat(key, JsonWebKeySet.MaxKeys + 1))}}]}""", out reason));
        Assert.Contains("more than", reason, StringComparison.Ordinal);
        Assert.Null(JsonWebKeySet.Read($$"""{"keys": {{new string('[', 40)}}{{new string(']', 40)}}}""", out _));
    }

    [Fact]
    public void No_prefix_of_a_key_set_and_no_random_text_throws()
    {
        const string text = """{"keys": [{"kty": "EC", "kid": "\ud800", "x": "\u00e9"}, {"kty": 1}]}""";
        for (int i = 0; i <= text.Length; i++) _ = JsonWebKeySet.Read(text[..i], out _);
        var random = new Random(1);
        for (int round = 0; round < 2000; round++)
        {
            char[] letters = text.ToCharArray();
            for (int i = 0; i < 4; i++) letters[random.Next(letters.Length)] = (char)random.Next(0x20, 0xe000);
            _ = JsonWebKeySet.Read(new string(letters), out _);
        }
    }

    private static string Policy(string name, string ns, string more = "", int age = 0) =>
        Given.Document("AuthorizationPolicy", name, more.Length > 0 ? $"rules: [{{}}]\n{more}" : "rules: [{}]", ns, age);
}
