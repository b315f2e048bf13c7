using Lateen.ControlPlane.Tests;
using Lateen.Xds;

namespace Lateen.Cli.Tests;

public sealed class SecretTests
{
    private const string Edge =
        """
        apiVersion: networking.istio.io/v1
        kind: Gateway
        metadata: {name: edge, namespace: shop}
        spec:
          selector: {istio: ingress}
          servers:
          - {port: {number: 8443, name: https, protocol: HTTPS}, bind: 127.0.0.1, hosts: [shop.example.com], tls: {mode: SIMPLE, credentialName: edge-tls}}
        """;

    /// <summary>The keys guard nothing: they were made for this test, and the certificates last a hundred years.</summary>
    private const string First =
        """
        apiVersion: v1
        kind: Secret
        metadata: {name: edge-tls, namespace: shop}
        type: kubernetes.io/tls
        stringData:
          tls.crt: |
            -----BEGIN CERTIFICATE-----
            MIIBqjCCAVCgAwIBAgIUBsDxGwfbr8HKXH1wgO/W0HOrwzAwCgYIKoZIzj0EAwIw
            GzEZMBcGA1UEAwwQc2hvcC5leGFtcGxlLmNvbTAgFw0yNjExMjMxMTQ3MTBaGA8y
            MTI2MTAzMDExNDcxMFowGzEZMBcGA1UEAwwQc2hvcC5leGFtcGxlLmNvbTBZMBMG
            ByqGSM49AgEGCCqGSM49AwEHA0IABHsyhXuaZJQF240khpBBaoeC1uGn7ypkwJT4
            5ZQG6UTifhUJQlcA6i6/NGN7qUN30GtPyb54NV40O8m8dNgMeUejcDBuMB0GA1Ud
            DgQWBBTxomgIq+Juv/kNF9A/OBImadYCiDAfBgNVHSMEGDAWgBTxomgIq+Juv/kN
            F9A/OBImadYCiDAPBgNVHRMBAf8EBTADAQH/MBsGA1UdEQQUMBKCEHNob3AuZXhh
            bXBsZS5jb20wCgYIKoZIzj0EAwIDSAAwRQIhANudiZR5PdW4wLtHISLeuJrbEoHC
            iTuAkM+R+tItpUvLAiB9fq2eKRc6I7oH0MlAVybxj6iFCyO1DDux9NbKnnA2qw==
            -----END CERTIFICATE-----
          tls.key: |
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXSnGeNTsGwTwnCSe
            SVSPMsNN0x8yX5peo3YsVwmVxpahRANCAAR7MoV7mmSUBduNJIaQQWqHgtbhp+8q
            ZMCU+OWUBulE4n4VCUJXAOouvzRje6lDd9BrT8m+eDVeNDvJvHTYDHlH
            -----END PRIVATE KEY-----
        """;

    private const string Second =
        """
        apiVersion: v1
        kind: Secret
        metadata: {name: edge-tls, namespace: shop}
        type: kubernetes.io/tls
        stringData:
          tls.crt: |
            -----BEGIN CERTIFICATE-----
            MIIBjjCCATWgAwIBAgIUWSwhQ7ip/oMBuLCk1I3uGO4DgO8wCgYIKoZIzj0EAwIw
            HDEaMBgGA1UEAwwRb3RoZXIuZXhhbXBsZS5jb20wIBcNMjYxMTIzMTE0NzEwWhgP
            MjEyNjEwMzAxMTQ3MTBaMBwxGjAYBgNVBAMMEW90aGVyLmV4YW1wbGUuY29tMFkw
            EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqRRnbIdZNA59doPk7HJ9Ca70N/7uQ96B
            L9rHFzKzZM5AxwZl/9I5aECMb1i5oTpFtLyNMl+aoLW4n1Rk8CFX16NTMFEwHQYD
            VR0OBBYEFKpEnj30a7vah63tW0RyK9Mbp0RUMB8GA1UdIwQYMBaAFKpEnj30a7va
            h63tW0RyK9Mbp0RUMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIg
            cu27Sxg7gS7Vob04yMYOcyTexaGZ6viJSYx0A0oJ1xYCICzGcZZza8+DnygwQ6TD
            m4FbhV1PetVm8Y45jx5s0eHp
            -----END CERTIFICATE-----
          tls.key: |
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAl1qEyGmRG276w5D
            s1AOjQtpgZDUbeq99WtsyqzQJqOhRANCAASpFGdsh1k0Dn12g+Tscn0JrvQ3/u5D
            3oEv2scXMrNkzkDHBmX/0jloQIxvWLmhOkW0vI0yX5qgtbifVGTwIVfX
            -----END PRIVATE KEY-----
        """;

    [Fact]
    public async Task Secrets_are_applied_shown_and_compared_without_their_values()
    {
        await using var work = new CliWorkplace();
        work.Write("config/edge.yaml", Edge);
        work.Write("first.yaml", First);
        work.Write("second.yaml", Second);
        work.Write("mixed.yaml", Second.Replace("tls.key: |", "tls.key: not-a-key\n  other: |", StringComparison.Ordinal));

        await work.RunAsync("validate -f ROOT/config");
        await work.RunAsync("validate -f ROOT/mixed.yaml");
        // The proxy here has no identity.
        await work.UpAsync(more: "--secrets-over-plaintext");
        await work.RunAsync("apply -f ROOT/first.yaml");
        await using var proxy = new FakeProxy(work.XdsAddress, "edge", type: "router", labels: "istio=ingress");
        proxy.Subscribe(XdsTypeUrls.Secret, "kubernetes://edge-tls");
        await proxy.UntilAsync(_ => proxy.Held("SDS") == 1, TestContext.Current.CancellationToken);
        await work.RunAsync("get secrets -n shop");
        await work.RunAsync("get secret edge-tls -n shop -o yaml");
        await work.RunAsync("get secret edge-tls -n shop -o json");
        await work.RunAsync("diff -f ROOT/second.yaml");
        // By name: the roots of the mesh lie beside it, made anew for each run.
        await work.RunAsync("proxy-config secrets edge --name kubernetes://edge-tls");
        await work.RunAsync("pc listeners edge");
        await work.RunAsync("apply -f ROOT/second.yaml --wait");
        await work.RunAsync("pc secret edge --name kubernetes://edge-tls");

        var values = $"{First}\n{Second}".Split('\n').Select(line => line.Trim()).Where(line => line.Length == 64).ToList();
        Assert.NotEmpty(values);
        Assert.All(values, line => Assert.DoesNotContain(line, work.Transcript, StringComparison.Ordinal));
        Golden.Verify(work.Transcript);
    }
}
