namespace Lateen.Cli.Tests;

public sealed class OfflineTests
{
    [Fact]
    public async Task Help_names_every_verb_and_gives_examples()
    {
        await using var work = new CliWorkplace();
        string root = (await work.RunAsync("--help")).Output;
        Assert.All((string[])["up", "apply", "get", "delete", "diff", "validate", "proxy-status", "proxy-config", "bootstrap", "ca", "version", "completion", "Exit codes:"],
            word => Assert.Contains(word, root, StringComparison.Ordinal));

        await using var verbs = new CliWorkplace();
        foreach (string verb in (string[])["up ", "apply ", "get ", "delete ", "diff ", "validate ", "proxy-status ", "proxy-config ", "proxy-config routes ", "bootstrap ", "ca ", "ca status ", "ca rotate ", "ca issue-token ", "ca tokens ", "ca revoke-token ", "ca root ", "version ", "completion "])
            Assert.Equal(0, (await verbs.RunAsync($"{verb}--help")).ExitCode);
        Golden.Verify(verbs.Transcript);
    }

    [Fact]
    public async Task Wrong_command_lines_end_with_2_and_say_what_is_wrong()
    {
        await using var work = new CliWorkplace();
        foreach (string line in (string[])["nonsense", "apply", "get", "get vs -o xml", "delete", "proxy-config routes", "completion tcsh", "up --api-address 0.0.0.0:15014", "up --xds-address nowhere"])
            Assert.Equal(2, (await work.RunAsync(line)).ExitCode);
        Golden.Verify(work.Transcript);
    }

    /// <summary>The verbs with rules of their own about their options: a rule that asks for the value of an option which has none must not end the program.</summary>
    [Fact]
    public async Task An_option_without_its_argument_ends_with_2_and_no_exception()
    {
        await using var work = new CliWorkplace();
        foreach (string line in (string[])["proxy-config secret PROXY --admin", "proxy-config secret PROXY --admin=", "proxy-config secret --admin=", "proxy-config routes PROXY --port",
            "delete vs NAME -f", "delete -f", "bootstrap sidecar NAME --label", "bootstrap sidecar NAME --xds-address", "bootstrap sidecar NAME --xds-address=", "bootstrap sidecar NAME --identity --secure-address", "demo --rate", "demo --rate much", "demo --rate 201", "demo --rate nan", "ca rotate --root much", "ca rotate --root=much", "bootstrap sidecar NAME --identity=perhaps --api x", "bootstrap sidecar", "bootstrap sidecar NAME -n", "bootstrap sidecar NAME -n=",
            "ca issue-token -n shop --service-account web --ttl", "get vs -o", "get vs -o="])
            Assert.Equal(2, (await work.RunAsync(line)).ExitCode);
        Golden.Verify(work.Transcript);
    }

    [Theory]
    [InlineData("bootstrap sidecar web~1")]
    [InlineData("bootstrap grpc web~1")]
    [InlineData("bootstrap gateway web -n shop.west")]
    public async Task A_name_that_makes_no_node_id_is_refused_before_the_control_plane_does(string line)
    {
        await using var work = new CliWorkplace();

        Assert.Equal(2, (await work.RunAsync(line)).ExitCode);
    }

    [Fact]
    public async Task Validate_reports_every_fault_with_its_place()
    {
        await using var work = new CliWorkplace();
        work.Write("good.yaml",
            """
            apiVersion: networking.istio.io/v1
            kind: ServiceEntry
            metadata: {name: a, namespace: shop}
            spec:
              hosts: [a.example]
              resolution: STATIC
              ports: [{number: 80, name: http, protocol: HTTP}]
              endpoints: [{address: 10.0.0.1}]
            """);
        work.Write("bad/one.yaml",
            """
            apiVersion: networking.istio.io/v1
            kind: VirtualService
            metadata: {name: a, namespace: shop}
            spec:
              hosts: [a.example]
              http:
              - timout: 3s
                route: [{destination: {host: a.example}, weight: -1}]
            """);
        work.Write("bad/two.yaml", "apiVersion: [\n");
        await work.RunAsync("validate -f ROOT/good.yaml");
        await work.RunAsync("validate -f ROOT/bad");
        await work.RunAsync("validate -f ROOT/bad/one.yaml -o json");
        await work.RunAsync("validate -f ROOT/missing.yaml");
        await work.RunAsync("validate -f -", "kind: Nonsense\n");
        Golden.Verify(work.Transcript);
    }

    [Fact]
    public async Task Without_a_control_plane_the_verbs_end_with_3_and_say_how_to_start_one()
    {
        await using var work = new CliWorkplace();
        Assert.Equal(3, (await work.RunAsync("get vs --api unix:ROOT/nobody.sock")).ExitCode);
        Assert.Equal(3, (await work.RunAsync("proxy-status --api unix:ROOT/nobody.sock")).ExitCode);
        Assert.Equal(0, (await work.RunAsync("version --api unix:ROOT/nobody.sock")).ExitCode);
        Golden.Verify(work.Transcript);
    }

    [Theory]
    [InlineData("bash", "complete -o default -F _lateen lateen")]
    [InlineData("zsh", "compdef _lateen lateen")]
    [InlineData("fish", "complete -c lateen")]
    public async Task Completion_prints_a_script_for_the_shell(string shell, string part)
    {
        await using var work = new CliWorkplace();
        Assert.Contains(part, (await work.RunAsync($"completion {shell}")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Suggestions_hold_verbs_and_kinds()
    {
        await using var work = new CliWorkplace();
        var verbs = await Suggest("lateen pro");
        Assert.Contains("proxy-config", verbs);
        Assert.Contains("proxy-status", verbs);
        Assert.Contains("virtualservices", await Suggest("lateen get vir"));

        async Task<string[]> Suggest(string line)
        {
            var result = await Testing.ProgramResult.OfAsync(
                Testing.Programs.Lateen, [$"[suggest:{line.Length}]", line], new Dictionary<string, string>(), null, TestContext.Current.CancellationToken);
            return result.Output.Split('\n', StringSplitOptions.TrimEntries);
        }
    }
}
