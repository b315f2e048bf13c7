using Lateen.ControlPlane.Api;
using Lateen.Model;

namespace Lateen.ControlPlane.Tests;

/// <summary>What is asked of a snapshot, without a control plane around it.</summary>
public sealed class AuthorizationCheckTests
{
    private const string Mesh =
        """
        apiVersion: mesh.istio.io/v1alpha1
        kind: MeshConfig
        extensionProviders:
        - {name: there, envoyExtAuthzGrpc: {service: authz.shop.svc.cluster.local, port: 9000}}
        - {name: by-http, envoyExtAuthzHttp: {service: authz.shop.svc.cluster.local, port: 9000}}
        - {name: on-no-port, envoyExtAuthzGrpc: {service: authz.shop.svc.cluster.local, port: 9001}}
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {name: authz, namespace: shop}
        spec: {hosts: [authz.shop.svc.cluster.local], resolution: STATIC, ports: [{number: 9000, name: grpc, protocol: GRPC}], endpoints: [{address: 10.0.0.9}]}
        """;

    private static VerdictView Check(string spec, DescribedTraffic traffic)
    {
        string policy = $"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: p, namespace: shop}}\nspec: {spec}\n";
        var snapshot = MeshSnapshotBuilder.Build(null, [.. ResourceReader.Read($"{Mesh}\n---\n{policy}", "test.yaml").Resources], 1);
        var answer = AuthorizationCheck.Run(snapshot, new AuthorizationCheckRequest("shop", null, null, traffic), null, out var problem);
        Assert.Null(problem);
        return answer!.Verdict!;
    }

    [Theory]
    [InlineData("there", false, "ASK")]
    [InlineData("there", true, "ASK")]
    [InlineData("by-http", false, "ASK")]
    [InlineData("by-http", true, "DENIED")]
    [InlineData("on-no-port", false, "DENIED")]
    [InlineData("undeclared", false, "DENIED")]
    public void An_authorizer_that_nobody_can_ask_denies(string provider, bool isTcp, string outcome)
    {
        var verdict = Check($"{{action: CUSTOM, provider: {{name: {provider}}}, rules: [{{}}]}}", new DescribedTraffic(Tcp: isTcp, Port: 1));
        Assert.Equal((outcome, "ns[shop]-policy[p]-rule[0]"), (verdict.Outcome, verdict.Rule!.Name));
    }

    [Theory]
    [InlineData("DENY", "DENIED")]
    [InlineData("ALLOW", "DENIED")]
    public void A_field_that_is_there_twice_is_judged_in_each_of_its_values(string action, string outcome)
    {
        var traffic = new DescribedTraffic(Headers: [new DescribedHeaderView("X-Role", "admin"), new DescribedHeaderView("x-role", "user")]);
        Assert.Equal(outcome, Check($"{{action: {action}, rules: [{{when: [{{key: \"request.headers[x-role]\", values: [admin]}}]}}]}}", traffic).Outcome);
    }

    [Theory]
    [InlineData("/public/../admin", "DENIED")]
    [InlineData("/public/..%2Fadmin", "DENIED")]
    [InlineData("/public/..%252Fadmin", "ALLOWED")]
    [InlineData("/public/x", "ALLOWED")]
    [InlineData("/%zz", "DENIED")]
    public void A_path_is_normalised_and_what_is_left_of_two_meanings_is_judged_in_both(string path, string outcome) =>
        Assert.Equal(outcome, Check("{action: DENY, rules: [{to: [{operation: {paths: [/admin]}}]}]}", new DescribedTraffic(Path: path)).Outcome);
}
