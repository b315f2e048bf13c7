using Envoy.Extensions.Filters.Http.JwtAuthn.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Lateen.Model;
using Lateen.Model.Security;

namespace Lateen.Translation.Tests;

public sealed class SecurityTests
{
    private const string Workload =
        """
        apiVersion: networking.istio.io/v1
        kind: Sidecar
        metadata: {name: web, namespace: shop}
        spec:
          ingress: [{port: {number: 9080, name: http, protocol: HTTP}, captureMode: NONE}]
          egress: [{port: {number: 7070, name: http, protocol: HTTP}, captureMode: NONE, hosts: ["~/*"]}]
        ---
        apiVersion: security.istio.io/v1
        kind: RequestAuthentication
        metadata: {name: tokens, namespace: shop}
        spec: {jwtRules: [{issuer: "https://a.example.org", jwksUri: "https://a.example.org/keys"}]}
        """;

    private static readonly KeySource Source = new("https://a.example.org/keys", IsIssuer: false);

    private readonly Translator _translator = new();

    private static MeshSnapshot Snapshot(string yaml) => MeshSnapshotBuilder.Build(null, ResourceReader.Read(yaml, "test.yaml").Resources, 1);

    private static FetchedKeySets Keys(string kid, string uri = "https://a.example.org/keys") =>
        new([KeyValuePair.Create(new KeySource(uri, IsIssuer: false), JsonWebKeySet.Read($$"""{"keys":[{"kty":"EC","kid":"{{kid}}"}]}""", out _)!)]);

    private static string KeysIn(ProxyResources resources)
    {
        var listener = resources.Listeners.Single(listener => listener.Name == "127.0.0.1_9080").Parse(Envoy.Config.Listener.V3.Listener.Parser);
        var manager = listener.FilterChains[0].Filters[0].TypedConfig.Unpack<HttpConnectionManager>();
        return manager.HttpFilters.Single(filter => filter.Name == "envoy.filters.http.jwt_authn").TypedConfig.Unpack<JwtAuthentication>()
            .Providers["origins-0"].LocalJwks.InlineString;
    }

    [Fact]
    public void Keys_that_come_later_renew_the_filter_and_other_keys_do_not()
    {
        var snapshot = Snapshot(Workload);
        var none = _translator.Translate(snapshot, TestMesh.Sidecar(), FetchedKeySets.None);
        Assert.Equal(FetchedKeySets.Nobody, KeysIn(none));
        var fetched = _translator.Translate(snapshot, TestMesh.Sidecar(), Keys("a"));
        Assert.Contains("\"kid\":\"a\"", KeysIn(fetched), StringComparison.Ordinal);
        Assert.NotEqual(Version(none), Version(fetched));

        var unrelated = Keys("z", "https://z.example.org/keys");
        var again = _translator.Translate(snapshot, TestMesh.Sidecar(), unrelated);
        Assert.Equal(Version(none), Version(again));
        Assert.Null(unrelated.Find(Source));
    }

    [Fact]
    public void Workloads_of_equal_policies_give_equal_bytes_and_a_round_forgets_those_that_left()
    {
        var snapshot = Snapshot(Workload);
        var one = _translator.Translate(snapshot, TestMesh.Sidecar("a"));
        var other = _translator.Translate(snapshot, TestMesh.Sidecar("b"));
        Assert.Equal(Version(one), Version(other));
        Assert.Equal(1, _translator.RememberedForSecurity);
        _translator.EndRound();
        _translator.EndRound();
        Assert.Equal(0, _translator.RememberedForSecurity);
    }

    [Fact]
    public void What_a_workload_sends_is_not_guarded_by_its_own_policies()
    {
        var resources = _translator.Translate(Snapshot(Workload), TestMesh.Sidecar());
        var outbound = resources.Listeners.Single(listener => listener.Name == "127.0.0.1_7070").Parse(Envoy.Config.Listener.V3.Listener.Parser);
        var manager = outbound.FilterChains[0].Filters[0].TypedConfig.Unpack<HttpConnectionManager>();
        Assert.DoesNotContain(manager.HttpFilters, filter => filter.Name.Contains("jwt", StringComparison.Ordinal));
    }

    [Fact]
    public void An_allow_policy_that_asks_for_requests_only_lets_no_connection_through_and_still_stands_there()
    {
        var resources = _translator.Translate(
            Snapshot(
                """
                apiVersion: networking.istio.io/v1
                kind: Sidecar
                metadata: {name: web, namespace: shop}
                spec:
                  ingress: [{port: {number: 9100, name: tcp, protocol: TCP}, captureMode: NONE}]
                  egress: [{port: {number: 7070, name: http, protocol: HTTP}, captureMode: NONE, hosts: ["~/*"]}]
                ---
                apiVersion: security.istio.io/v1
                kind: AuthorizationPolicy
                metadata: {name: readers, namespace: shop}
                spec: {rules: [{to: [{operation: {methods: [GET]}}]}]}
                """), TestMesh.Sidecar());
        var chain = resources.Listeners.Single(listener => listener.Name == "127.0.0.1_9100").Parse(Envoy.Config.Listener.V3.Listener.Parser).FilterChains[0];
        var rbac = chain.Filters[0].TypedConfig.Unpack<Envoy.Extensions.Filters.Network.Rbac.V3.RBAC>();
        Assert.Equal(Envoy.Config.Rbac.V3.RBAC.Types.Action.Allow, rbac.Rules.Action);
        Assert.Empty(rbac.Rules.Policies);
        Assert.Equal("envoy.filters.network.tcp_proxy", chain.Filters[^1].Name);
    }

    [Fact]
    public void A_policy_that_means_a_workload_without_an_inbound_listener_is_a_notice()
    {
        const string policy =
            """
            apiVersion: security.istio.io/v1
            kind: AuthorizationPolicy
            metadata: {name: readers, namespace: shop}
            spec: {selector: {matchLabels: {app: web}}}
            """;
        var notices = _translator.Translate(Snapshot(policy), TestMesh.Sidecar() with { Labels = StringMap.Create(KeyValuePair.Create("app", "web")) }).Notices;
        Assert.Contains(notices, notice => notice.StartsWith("AuthorizationPolicy/shop/readers: enforced nowhere", StringComparison.Ordinal));
        Assert.Empty(_translator.Translate(Snapshot(policy), TestMesh.Sidecar()).Notices);
    }

    private static string Version(ProxyResources resources) => resources.Listeners.Single(listener => listener.Name == "127.0.0.1_9080").Version;
}
