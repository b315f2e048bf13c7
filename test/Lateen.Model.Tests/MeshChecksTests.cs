namespace Lateen.Model.Tests;

public sealed class MeshChecksTests
{
    [Fact]
    public void A_mesh_in_which_every_name_leads_somewhere_draws_no_finding()
    {
        var snapshot = Given.Snapshot(
            Given.Service("reviews"),
            Given.Document("Gateway", "front", "servers: [{port: {number: 80, protocol: HTTP, name: http}, hosts: [\"*.example.com\"]}]"),
            Given.Document("DestinationRule", "reviews", "host: reviews\nsubsets: [{name: v1, labels: {version: v1}}]"),
            Given.Document("VirtualService", "front", """
                hosts: [shop.example.com]
                gateways: [front]
                http: [{route: [{destination: {host: reviews, subset: v1, port: {number: 80}}}]}]
                """));
        Assert.Empty(MeshChecks.Run(snapshot));
    }

    [Theory]
    [InlineData("LAT0901", "hosts: [a]\nhttp: [{route: [{destination: {host: revews}}]}]", "reviews.default.svc.cluster.local")]
    [InlineData("LAT0902", "hosts: [a]\nhttp: [{route: [{destination: {host: reviews, port: {number: 81}}}]}]", "it has 80")]
    [InlineData("LAT0903", "hosts: [a]\nhttp: [{route: [{destination: {host: reviews, subset: v2}}]}]", "did you mean 'v1'?")]
    [InlineData("LAT0904", "hosts: [a.example.com]\ngateways: [frnt]\nhttp: [{route: [{destination: {host: reviews}}]}]", "did you mean 'default/front'?")]
    [InlineData("LAT0905", "hosts: [a]\nhttp: [{delegate: {name: nobody}}]", null)]
    [InlineData("LAT0905", "hosts: [a]\nhttp: [{delegate: {name: v}}]", null)]
    [InlineData("LAT0906", "hosts: [a.example.org]\ngateways: [front]\nhttp: [{route: [{destination: {host: reviews}}]}]", null)]
    public void A_name_that_leads_nowhere_is_a_warning_with_a_hint(string code, string spec, string? hint)
    {
        var found = Assert.Single(MeshChecks.Run(Given.Snapshot(
            Given.Service("reviews"),
            Given.Document("DestinationRule", "reviews", "host: reviews\nsubsets: [{name: v1, labels: {version: v1}}]"),
            Given.Document("Gateway", "front", "servers: [{port: {number: 80, protocol: HTTP, name: http}, hosts: [\"*.example.com\"]}]"),
            Given.Document("VirtualService", "v", spec))));
        Assert.Equal(code, found.Code);
        Assert.Equal(DiagnosticSeverity.Warning, found.Severity);
        if (hint is not null) Assert.Contains(hint, found.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void Resources_that_hide_one_another_are_named_with_their_winner()
    {
        var found = MeshChecks.Run(Given.Snapshot(
            Given.Service("target"), Given.Service("a"),
            Given.VirtualService("older", "a", age: 2), Given.VirtualService("younger", "a", age: 1),
            Given.Document("Sidecar", "older", "egress: [{hosts: [\"./*\"]}]", age: 2), Given.Document("Sidecar", "younger", "egress: [{hosts: [\"./*\"]}]", age: 1)));
        Assert.Equal(["Sidecar/default/younger LAT0908", "VirtualService/default/younger LAT0907"], found.Select(item => $"{item.Resource} {item.Code}"));
        Assert.All(found, item => Assert.Contains("/default/older", item.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Rules_and_slices_without_a_service_are_named()
    {
        var found = MeshChecks.Run(Given.Snapshot(
            Given.Document("DestinationRule", "r", "host: nobody"),
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: unlabelled}\naddressType: IPv4\n",
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: orphan, labels: {kubernetes.io/service-name: nobody}}\naddressType: IPv4\n"));
        Assert.Equal(["LAT0901", "LAT0909", "LAT0909"], found.Select(item => item.Code));
    }

    [Fact]
    public void A_certificate_is_complained_about_before_it_begins_near_its_end_and_after()
    {
        var pem = File.ReadAllText(Path.Combine(GoldenTests.Root, "Secrets", "rules.yaml"));
        var snapshot = MeshSnapshotBuilder.Build(null, ResourceReader.Read(pem, "given.yaml").Resources.Where(resource => resource.Name == "good"), 1);
        var certificate = ((Resource<Kubernetes.Secret>)snapshot.Resources(ResourceKind.Secret)[0]).Spec.Certificate!;

        Assert.Empty(MeshChecks.Run(snapshot));
        Assert.Empty(MeshChecks.Run(snapshot, certificate.NotBefore));
        Assert.Contains("not valid before", Assert.Single(MeshChecks.Run(snapshot, certificate.NotBefore.AddSeconds(-1))).Message, StringComparison.Ordinal);
        Assert.Contains("expires at", Assert.Single(MeshChecks.Run(snapshot, certificate.NotAfter.AddDays(-29))).Message, StringComparison.Ordinal);
        Assert.Contains("expired at", Assert.Single(MeshChecks.Run(snapshot, certificate.NotAfter)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_credential_that_no_secret_holds_is_a_warning_with_the_nearest_name()
    {
        var found = Assert.Single(MeshChecks.Run(Given.Snapshot(
            Given.Document("Gateway", "edge", "servers: [{port: {number: 443, name: https, protocol: HTTPS}, hosts: [a.example.com], tls: {mode: SIMPLE, credentialName: shop-tsl}}]"),
            "apiVersion: v1\nkind: Secret\nmetadata: {name: shop-tls}\n")));

        Assert.Equal(("LAT0910", "spec.servers[0].tls.credentialName"), (found.Code, found.FieldPath));
        Assert.Contains("shop-tls", found.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("credentialNames: [rsa, ecdsa]", true)]
    [InlineData("credentialNames: [rsa, same]", false)]
    [InlineData("credentialNames: [rsa, bare]", false)]
    [InlineData("credentialNames: [rsa, ecdsa], caCertCredentialName: rsa", false)]
    [InlineData("credentialNames: [rsa, ecdsa], insecureSkipVerify: true", false)]
    public void Roots_of_a_second_credential_that_are_not_those_of_the_first_are_a_warning(string tls, bool isWarned)
    {
        const string FirstRoot = "-----BEGIN CERTIFICATE-----\nMIIBjjCCATWgAwIBAgIUWSwhQ7ip/oMBuLCk1I3uGO4DgO8wCgYIKoZIzj0EAwIwHDEaMBgGA1UEAwwRb3RoZXIuZXhhbXBsZS5jb20wIBcNMjYxMTIzMTE0NzEwWhgPMjEyNjEwMzAxMTQ3MTBaMBwxGjAYBgNVBAMMEW90aGVyLmV4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqRRnbIdZNA59doPk7HJ9Ca70N/7uQ96BL9rHFzKzZM5AxwZl/9I5aECMb1i5oTpFtLyNMl+aoLW4n1Rk8CFX16NTMFEwHQYDVR0OBBYEFKpEnj30a7vah63tW0RyK9Mbp0RUMB8GA1UdIwQYMBaAFKpEnj30a7vah63tW0RyK9Mbp0RUMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgcu27Sxg7gS7Vob04yMYOcyTexaGZ6viJSYx0A0oJ1xYCICzGcZZza8+DnygwQ6TDm4FbhV1PetVm8Y45jx5s0eHp\n-----END CERTIFICATE-----\n";
        const string OtherRoot = "-----BEGIN CERTIFICATE-----\nMIIBqjCCAVCgAwIBAgIUBsDxGwfbr8HKXH1wgO/W0HOrwzAwCgYIKoZIzj0EAwIwGzEZMBcGA1UEAwwQc2hvcC5leGFtcGxlLmNvbTAgFw0yNjExMjMxMTQ3MTBaGA8yMTI2MTAzMDExNDcxMFowGzEZMBcGA1UEAwwQc2hvcC5leGFtcGxlLmNvbTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHsyhXuaZJQF240khpBBaoeC1uGn7ypkwJT45ZQG6UTifhUJQlcA6i6/NGN7qUN30GtPyb54NV40O8m8dNgMeUejcDBuMB0GA1UdDgQWBBTxomgIq+Juv/kNF9A/OBImadYCiDAfBgNVHSMEGDAWgBTxomgIq+Juv/kNF9A/OBImadYCiDAPBgNVHRMBAf8EBTADAQH/MBsGA1UdEQQUMBKCEHNob3AuZXhhbXBsZS5jb20wCgYIKoZIzj0EAwIDSAAwRQIhANudiZR5PdW4wLtHISLeuJrbEoHCiTuAkM+R+tItpUvLAiB9fq2eKRc6I7oH0MlAVybxj6iFCyO1DDux9NbKnnA2qw==\n-----END CERTIFICATE-----\n";
        static string Secret(string name, string pem) =>
            "apiVersion: v1\nkind: Secret\nmetadata: {name: " + name + "}\nstringData: {" + (pem.Length == 0 ? "" : "ca.crt: \"" + pem.ReplaceLineEndings("\\n") + "\"") + "}\n";
        var found = MeshChecks.Run(Given.Snapshot(
            Given.Document("Gateway", "edge", "servers: [{port: {number: 443, name: https, protocol: HTTPS}, hosts: [a.example.com], tls: {mode: MUTUAL, " + tls + "}}]"),
            Secret("rsa", FirstRoot), Secret("ecdsa-cacert", OtherRoot), Secret("ecdsa", FirstRoot), Secret("same", FirstRoot), Secret("bare", "")));

        if (isWarned) Assert.Equal(("LAT0505", "spec.servers[0].tls.credentialNames[1]"), (Assert.Single(found).Code, found[0].FieldPath));
        else Assert.Empty(found);
    }

    [Fact]
    public void A_custom_policy_whose_authorizer_is_not_declared_or_not_there_is_a_warning()
    {
        var custom = Given.Document("AuthorizationPolicy", "ask", "action: CUSTOM\nprovider: {name: authz}\nrules: [{}]");
        Assert.Equal("LAT0931", Assert.Single(MeshChecks.Run(Given.Snapshot(custom))).Code);

        const string mesh = "apiVersion: mesh.istio.io/v1alpha1\nkind: MeshConfig\nextensionProviders: [{name: authz, envoyExtAuthzGrpc: {service: authz.default.svc.cluster.local, port: 9000}}]\n";
        Assert.Equal("LAT0901", Assert.Single(MeshChecks.Run(Given.Snapshot(custom, mesh))).Code);
        Assert.Equal("LAT0902", Assert.Single(MeshChecks.Run(Given.Snapshot(custom, mesh, Given.Service("authz")))).Code);
        Assert.Empty(MeshChecks.Run(Given.Snapshot(custom, mesh, Given.Service("authz", port: 9000))));
    }

    [Fact]
    public void A_policy_that_asks_for_tokens_which_nobody_checks_is_a_warning()
    {
        var policy = Given.Document("AuthorizationPolicy", "users", "rules: [{from: [{source: {requestPrincipals: [\"*\"]}}]}]", "shop");
        Assert.Equal("LAT0932", Assert.Single(MeshChecks.Run(Given.Snapshot(policy))).Code);

        string Tokens(string ns) => Given.Document("RequestAuthentication", "tokens", "jwtRules: [{issuer: \"https://a.example.org\"}]", ns);
        Assert.Equal("LAT0932", Assert.Single(MeshChecks.Run(Given.Snapshot(policy, Tokens("other")))).Code);
        Assert.Empty(MeshChecks.Run(Given.Snapshot(policy, Tokens("shop"))));
        Assert.Empty(MeshChecks.Run(Given.Snapshot(policy, Tokens("istio-system"))));
    }
}
