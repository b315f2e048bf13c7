using System.Collections.Immutable;
using Lateen.Model.Security;

namespace Lateen.Model.Tests;

public sealed class AuthorizationDecisionTests
{
    private static readonly DescribedRequest Web = new()
    {
        Principal = "cluster.local/ns/shop/sa/web",
        SourceIp = "10.1.2.3",
        DestinationPort = 9080,
        Method = "GET",
        Path = "/reviews/1?full=true",
        Host = "Reviews.shop:9080",
        Headers = StringMap.Create(KeyValuePair.Create("x-team", ImmutableArray.Create("red"))),
        Claims =
        [
            new DescribedClaim(["iss"], ["https://issuer.example.org"]), new DescribedClaim(["sub"], ["alice/2"]), new DescribedClaim(["aud"], ["shop", "web"]),
            new DescribedClaim(["azp"], ["console"]), new DescribedClaim(["realm", "roles"], ["admin", "reader"]),
        ],
    };

    private static AuthorizationVerdict Decide(DescribedRequest request, params string[] policies)
    {
        var snapshot = Given.Snapshot([.. policies]);
        return AuthorizationDecision.Of(snapshot.AuthorizationPolicies.For("shop", Given.Labels("app=reviews")), snapshot.Mesh, request);
    }

    private static string Policy(string spec, string name = "policy", string annotations = "{}") =>
        Given.Document("AuthorizationPolicy", name, spec, "shop", annotations: annotations);

    [Fact]
    public void Without_a_policy_everything_passes() => Assert.Equal(AuthorizationReason.NoPolicy, Decide(Web).Reason);

    [Fact]
    public void An_allow_policy_without_rules_denies_and_one_with_an_empty_rule_allows()
    {
        var denied = Decide(Web, Policy("{}"));
        Assert.Equal((AuthorizationOutcome.Denied, AuthorizationReason.NothingAllows), (denied.Outcome, denied.Reason));
        Assert.Null(denied.Rule);
        Assert.Equal(AuthorizationOutcome.Allowed, Decide(Web, Policy("rules: [{}]")).Outcome);
    }

    [Fact]
    public void A_deny_rule_goes_before_an_allow_rule_and_is_named_with_its_place()
    {
        var verdict = Decide(Web, Policy("rules: [{}]", "allow"), Policy("action: DENY\nrules:\n- {to: [{operation: {methods: [PUT]}}]}\n- {to: [{operation: {methods: [GET]}}]}", "deny"));
        Assert.Equal((AuthorizationOutcome.Denied, AuthorizationReason.DenyRule), (verdict.Outcome, verdict.Reason));
        Assert.Equal("ns[shop]-policy[deny]-rule[1]", verdict.Rule!.Name);
        Assert.Equal(15, verdict.Rule.Location!.Value.Line);
        Assert.Equal("allow", Assert.Single(verdict.AlsoMatched).Policy.Name);
    }

    [Theory]
    [InlineData("DENY", "values: [\"x\"]")]
    [InlineData("DENY", "notValues: [\"x\"]")]
    [InlineData("ALLOW", "values: [\"x\"]")]
    [InlineData("ALLOW", "notValues: [\"x\"]")]
    public void What_another_filter_leaves_nobody_can_say_and_it_is_not_taken_for_no(string action, string values)
    {
        string policy = Policy($"action: {action}\nrules: [{{when: [{{key: \"experimental.envoy.filters.http.lua[a]\", {values}}}]}}]", "other");
        var verdict = Decide(Web, policy);
        Assert.Equal((AuthorizationOutcome.Unknown, AuthorizationReason.OtherFilters), (verdict.Outcome, verdict.Reason));
        Assert.Equal("ns[shop]-policy[other]-rule[0]", verdict.Rule!.Name);

        // What decides whatever the filter left is certain.
        Assert.Equal("deny", Decide(Web, policy, Policy("action: DENY\nrules: [{}]", "deny")).Rule!.Policy.Name);
        if (action == "ALLOW") Assert.Equal("allow", Decide(Web, policy, Policy("rules: [{}]", "allow")).Rule!.Policy.Name);
        Assert.Equal(
            action == "DENY" ? AuthorizationReason.NothingDenies : AuthorizationReason.NothingAllows,
            Decide(Web, Policy($"action: {action}\nrules: [{{to: [{{operation: {{methods: [PUT]}}}}], when: [{{key: \"experimental.envoy.filters.http.lua[a]\", {values}}}]}}]")).Reason);
    }

    [Theory]
    [InlineData("CN=x/ns/admin/sa/y")]
    [InlineData("https://evil.example/ns/admin/sa/y")]
    [InlineData("CN=x")]
    public void A_name_that_is_no_spiffe_id_is_nobodys_identity(string name)
    {
        foreach (string source in (string[])["namespaces: [admin]", "principals: [\"*\"]", "principals: [\"*/sa/y\"]", "trustDomains: [\"*\"]"])
            Assert.Equal(AuthorizationReason.NothingAllows, Decide(Web with { Principal = name }, Policy($"rules: [{{from: [{{source: {{{source}}}}}]}}]")).Reason);
    }

    [Theory]
    [InlineData("td/ns/admin/sa/x", "admin", true)]
    [InlineData("td/ns/admin/sa/x", "ad*", true)]
    [InlineData("td/ns/dev/sa/x", "*", true)]
    [InlineData("td/ns/dev/ns/admin/x", "admin", false)]
    [InlineData("td/x/ns/admin/x", "admin", false)]
    [InlineData("/ns/admin/sa/x", "admin", false)]
    [InlineData("td/ns/admin", "admin", false)]
    [InlineData("td/ns/a/sa/b", "a*b", false)]
    public void A_namespace_is_the_one_step_of_the_id_behind_its_trust_domain(string id, string value, bool matches) => Assert.Equal(
        matches ? AuthorizationOutcome.Allowed : AuthorizationOutcome.Denied,
        Decide(Web with { Principal = id }, Policy($"rules: [{{from: [{{source: {{namespaces: [\"{value}\"]}}}}]}}]")).Outcome);

    [Theory]
    [InlineData("/admin%3Fx")]
    [InlineData("/admin%3fx")]
    [InlineData("/admin%23x")]
    [InlineData("/admin%0a")]
    [InlineData("/admin%0D")]
    [InlineData("/admin%09")]
    [InlineData("/admin%1F")]
    [InlineData("/admin%7f")]
    public void A_path_that_some_servers_end_or_trim_after_they_decoded_it_is_in_doubt(string path)
    {
        Assert.Equal(AuthorizationReason.DenyRule, Decide(Web with { Path = path }, Policy("action: DENY\nrules: [{to: [{operation: {paths: [\"/admin\"]}}]}]")).Reason);
        Assert.Equal(AuthorizationReason.NothingAllows, Decide(Web with { Path = path + ".jpg" }, Policy("rules: [{to: [{operation: {paths: [\"*.jpg\"]}}]}]")).Reason);
    }

    [Fact]
    public void A_dry_run_policy_and_an_audit_policy_match_and_decide_nothing()
    {
        var verdict = Decide(Web, Policy("action: DENY\nrules: [{}]", "dry", "{istio.io/dry-run: \"true\"}"), Policy("action: AUDIT\nrules: [{}]", "audit"));
        Assert.Equal((AuthorizationOutcome.Allowed, AuthorizationReason.NothingDenies), (verdict.Outcome, verdict.Reason));
        Assert.Equal(["audit", "dry"], verdict.AlsoMatched.Select(rule => rule.Policy.Name).Order());
        // A dry-run ALLOW policy does not make the others necessary either.
        Assert.Equal(AuthorizationOutcome.Allowed, Decide(Web, Policy("{}", "dry", "{istio.io/dry-run: \"true\"}")).Outcome);
    }

    [Fact]
    public void A_custom_rule_asks_its_authorizer_and_denies_when_there_is_none()
    {
        const string mesh = "apiVersion: mesh.istio.io/v1alpha1\nkind: MeshConfig\nextensionProviders: [{name: authz, envoyExtAuthzGrpc: {service: a.example.org, port: 1}}]\n";
        const string custom = "action: CUSTOM\nprovider: {name: authz}\nrules: [{}]";
        Assert.Equal(AuthorizationOutcome.LeftToAuthorizer, Decide(Web, mesh, Policy(custom)).Outcome);
        Assert.Equal(AuthorizationReason.UnknownProvider, Decide(Web, Policy(custom)).Reason);
        Assert.Equal(AuthorizationReason.DenyRule, Decide(Web, mesh, Policy(custom, "ask"), Policy("action: DENY\nrules: [{}]", "deny")).Reason);
    }

    [Theory]
    [InlineData("from: [{source: {principals: [\"cluster.local/ns/shop/sa/web\"]}}]", true)]
    [InlineData("from: [{source: {principals: [\"spiffe://cluster.local/ns/shop/sa/web\"]}}]", true)]
    [InlineData("from: [{source: {principals: [\"*/sa/web\"]}}]", true)]
    [InlineData("from: [{source: {principals: [\"cluster.local/ns/shop/*\"]}}]", true)]
    [InlineData("from: [{source: {principals: [\"*\"]}}]", true)]
    [InlineData("from: [{source: {principals: [\"cluster.local/ns/shop/sa/cart\"]}}]", false)]
    [InlineData("from: [{source: {principals: [\"*\"], notPrincipals: [\"*/sa/web\"]}}]", false)]
    [InlineData("from: [{source: {namespaces: [dev]}}, {source: {namespaces: [\"sh*\"]}}]", true)]
    [InlineData("from: [{source: {namespaces: [\"s*p\"]}}]", true)]
    [InlineData("from: [{source: {namespaces: [\"s*z\"]}}]", false)]
    [InlineData("from: [{source: {notNamespaces: [shop]}}]", false)]
    [InlineData("from: [{source: {serviceAccounts: [web]}}]", true)]
    [InlineData("from: [{source: {serviceAccounts: [dev/web]}}]", false)]
    [InlineData("from: [{source: {trustDomains: [cluster.local]}}]", true)]
    [InlineData("from: [{source: {trustDomains: [\"other.*\"]}}]", false)]
    [InlineData("from: [{source: {ipBlocks: [10.1.0.0/16]}}]", true)]
    [InlineData("from: [{source: {ipBlocks: [10.1.9.9/20]}}]", true)]
    [InlineData("from: [{source: {ipBlocks: [\"::/0\"]}}]", false)]
    [InlineData("from: [{source: {notIpBlocks: [10.1.2.3]}}]", false)]
    [InlineData("from: [{source: {remoteIpBlocks: [10.0.0.0/8]}}]", true)]
    [InlineData("from: [{source: {requestPrincipals: [\"https://issuer.example.org/alice/2\"]}}]", true)]
    [InlineData("from: [{source: {requestPrincipals: [\"*/2\"]}}]", true)]
    [InlineData("from: [{source: {requestPrincipals: [\"https://other*\"]}}]", false)]
    [InlineData("from: [{source: {notRequestPrincipals: [\"*\"]}}]", false)]
    [InlineData("to: [{operation: {hosts: [reviews.SHOP]}}]", true)]
    [InlineData("to: [{operation: {hosts: [\"reviews.shop:9080\"]}}]", true)]
    [InlineData("to: [{operation: {hosts: [\"reviews.shop:80\"]}}]", false)]
    [InlineData("to: [{operation: {hosts: [\"*.shop\"]}}]", true)]
    [InlineData("to: [{operation: {ports: [\"9080\"]}}]", true)]
    [InlineData("to: [{operation: {notPorts: [\"9080\"]}}]", false)]
    [InlineData("to: [{operation: {methods: [get]}}]", false)]
    [InlineData("to: [{operation: {paths: [/reviews/1]}}]", true)]
    [InlineData("to: [{operation: {paths: [\"/reviews/{*}\"]}}]", true)]
    [InlineData("to: [{operation: {paths: [\"*/2\"]}}]", false)]
    [InlineData("to: [{operation: {methods: [GET], paths: [/other]}}]", false)]
    [InlineData("when: [{key: \"request.headers[X-Team]\", values: [\"re*\"]}]", true)]
    [InlineData("when: [{key: \"request.headers[X-Other]\", values: [\"*\"]}]", false)]
    [InlineData("when: [{key: \"request.headers[X-Other]\", notValues: [\"*\"]}]", true)]
    [InlineData("when: [{key: request.auth.audiences, values: [web]}]", true)]
    [InlineData("when: [{key: request.auth.presenter, values: [shell]}]", false)]
    [InlineData("when: [{key: \"request.auth.claims[realm][roles]\", values: [reader]}]", true)]
    [InlineData("when: [{key: \"request.auth.claims[realm]\", values: [reader]}]", false)]
    [InlineData("when: [{key: connection.sni, values: [\"*\"]}]", false)]
    [InlineData("when: [{key: destination.ip, values: [10.0.0.1]}]", false)]
    public void A_rule_matches_what_it_says(string rule, bool matches) =>
        Assert.Equal(matches, Decide(Web, Policy($"rules:\n- {rule}")).Outcome == AuthorizationOutcome.Allowed);

    [Fact]
    public void An_identity_of_an_alias_is_one_of_the_mesh()
    {
        const string mesh = "apiVersion: mesh.istio.io/v1alpha1\nkind: MeshConfig\ntrustDomain: new.example.org\ntrustDomainAliases: [old.example.org]\n";
        string policy = Policy("rules: [{from: [{source: {principals: [\"cluster.local/ns/shop/sa/web\"]}}]}]");
        foreach (string domain in (string[])["new.example.org", "old.example.org"])
            Assert.Equal(AuthorizationOutcome.Allowed, Decide(Web with { Principal = $"{domain}/ns/shop/sa/web" }, mesh, policy).Outcome);
        Assert.Equal(AuthorizationOutcome.Denied, Decide(Web with { Principal = "cluster.local/ns/shop/sa/web" }, mesh, policy).Outcome);
        Assert.Equal(AuthorizationOutcome.Denied, Decide(Web with { Principal = "third.example.org/ns/shop/sa/web" }, mesh, policy).Outcome);
    }

    [Fact]
    public void On_a_connection_an_allow_rule_about_requests_never_matches_and_a_deny_rule_is_wider()
    {
        var connection = Web with { IsHttp = false };
        Assert.Equal(AuthorizationOutcome.Denied, Decide(connection, Policy("rules: [{to: [{operation: {methods: [GET]}}]}]")).Outcome);
        Assert.Equal(AuthorizationReason.DenyRule, Decide(connection, Policy("action: DENY\nrules: [{to: [{operation: {methods: [PUT]}}]}]")).Reason);
        Assert.Equal(AuthorizationOutcome.Allowed, Decide(connection, Policy("action: DENY\nrules: [{to: [{operation: {methods: [PUT], ports: [\"1\"]}}]}]")).Outcome);
    }

    [Fact]
    public void A_peer_without_a_certificate_has_no_identity()
    {
        var plain = Web with { Principal = null };
        Assert.Equal(AuthorizationOutcome.Denied, Decide(plain, Policy("rules: [{from: [{source: {principals: [\"*\"]}}]}]")).Outcome);
        Assert.Equal(AuthorizationOutcome.Allowed, Decide(plain, Policy("rules: [{from: [{source: {notNamespaces: [dev]}}]}]")).Outcome);
    }
}
