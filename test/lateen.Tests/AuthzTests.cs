namespace Lateen.Cli.Tests;

public sealed class AuthzTests
{
    private const string Policies =
        """
        apiVersion: v1
        kind: Service
        metadata: {name: reviews, namespace: bookshop}
        spec: {clusterIP: 10.0.0.1, selector: {app: reviews}, ports: [{name: http, port: 9080}]}
        ---
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {name: readers, namespace: bookshop}
        spec:
          selector: {matchLabels: {app: reviews}}
          rules:
          - from: [{source: {namespaces: [bookshop]}}]
            to: [{operation: {methods: [GET]}}]
          - when: [{key: "request.auth.claims[groups]", values: [admin]}]
        ---
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {name: no-internals, namespace: istio-system}
        spec:
          action: DENY
          rules: [{to: [{operation: {paths: ["/internal*"], ports: ["9080"]}}]}]
        ---
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {name: watch, namespace: bookshop}
        spec: {action: AUDIT, rules: [{}]}
        """;

    [Fact]
    public async Task Authz_check_lists_the_policies_of_a_workload_and_names_the_rule_that_decides()
    {
        await using var work = new CliWorkplace();
        work.Write("config/policies.yaml", Policies);
        await work.RunAsync("authz check --help");
        Assert.Equal(0, (await work.RunAsync("authz check reviews -n bookshop -f ROOT/config")).ExitCode);
        Assert.Equal(0, (await work.RunAsync("authz check reviews -n bookshop -f ROOT/config --from bookshop/web --method GET --path /reviews/1 --port 9080")).ExitCode);
        Assert.Equal(1, (await work.RunAsync("authz check reviews -n bookshop -f ROOT/config --from bookshop/web --path /internal/debug --port 9080")).ExitCode);
        Assert.Equal(1, (await work.RunAsync("authz check -n bookshop -l app=reviews -f ROOT/config --from bookshop/web --method DELETE")).ExitCode);
        Assert.Equal(0, (await work.RunAsync("authz check -n bookshop -l app=reviews -f ROOT/config --method DELETE --claim groups=staff --claim groups=admin -o json")).ExitCode);
        Assert.Equal(1, (await work.RunAsync("authz check reviews -n bookshop -f ROOT/config --tcp --port 6379 -o yaml")).ExitCode);
        Assert.Equal(0, (await work.RunAsync("authz check -n elsewhere -l app=other -f ROOT/config --method GET")).ExitCode);
        Assert.Equal(1, (await work.RunAsync("authz check nobody -n bookshop -f ROOT/config")).ExitCode);
        Assert.Equal(2, (await work.RunAsync("authz check -f ROOT/config")).ExitCode);
        Assert.Equal(2, (await work.RunAsync("authz check reviews -f ROOT/config --claim nonsense")).ExitCode);
        work.Write("other/policies.yaml", "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: lua, namespace: bookshop}\nspec: {action: DENY, rules: [{when: [{key: \"experimental.envoy.filters.http.lua[a]\", values: [\"x\"]}]}]}\n");
        Assert.Equal(1, (await work.RunAsync("authz check -n bookshop -l app=reviews -f ROOT/other --method GET")).ExitCode);
        work.Write("broken/policies.yaml", "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a, namespace: bookshop}\nspec: {action: DENY}\n");
        Assert.Equal(1, (await work.RunAsync("authz check -n bookshop -l app=reviews -f ROOT/broken --method GET")).ExitCode);
        Golden.Verify(work.Transcript);
    }

    [Fact]
    public async Task Authz_check_asks_a_running_control_plane()
    {
        await using var work = new CliWorkplace();
        work.Write("config/policies.yaml", Policies);
        await work.UpAsync();
        Assert.Equal(0, (await work.RunAsync("authz check reviews -n bookshop --from bookshop/web")).ExitCode);
        Assert.Equal(1, (await work.RunAsync("authz check nobody -n bookshop")).ExitCode);
        Assert.Equal(0, await work.DownAsync());
        Golden.Verify(work.Transcript);
    }
}
