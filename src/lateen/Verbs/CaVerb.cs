using System.CommandLine;
using System.Globalization;
using Lateen.Cli.Connection;
using Lateen.Cli.Output;
using Lateen.ControlPlane.Api;

namespace Lateen.Cli.Verbs;

/// <summary><c>lateen ca</c>: the mesh's certificate authority: where it stands, its roots, the replacement of the root, and tokens to join with.</summary>
internal static class CaVerb
{
    public static Command Create(CliEnvironment environment)
    {
        var command = new ExampleCommand("ca", "Show and steer the mesh's certificate authority",
            "lateen ca status",
            "lateen ca issue-token -n shop --service-account web > web.token",
            "lateen ca rotate --root")
        {
            Status(environment), Rotate(environment), IssueToken(environment), Tokens(environment), RevokeToken(environment), Workloads(environment), ForgetWorkload(environment), Root(environment),
        };
        return command;
    }

    private static ExampleCommand Status(CliEnvironment environment)
    {
        var output = SharedOptions.Output();
        return Asking(
            environment, "status", "Show who signs, whom the mesh trusts, and how far a rotation is", ["lateen ca status", "lateen ca status -o json"], [output],
            async (parsed, client, cancellation) =>
                Write(environment, parsed.GetValue(output), await client.GetAsync("api/v1/ca", ApiJson.Default.AuthorityStatusResponse, cancellation)));
    }

    private static ExampleCommand Rotate(CliEnvironment environment)
    {
        var root = new Option<bool>("--root")
        {
            Description = "Replace the root: distribute the new one, sign with it when every connected proxy has it, drop the old one when its last leaf has expired",
            Required = true,
        };
        var output = SharedOptions.Output();
        var command = Asking(
            environment, "rotate", "Replace the root of trust, without a refused handshake", ["lateen ca rotate --root", "lateen ca rotate --root -o json"], [root, output],
            async (parsed, client, cancellation) =>
            {
                var status = await client.PostAsync("api/v1/ca/rotate", new RotateRequest(parsed.GetValue(root)), ApiJson.Default.RotateRequest, ApiJson.Default.AuthorityStatusResponse, cancellation);
                Write(environment, parsed.GetValue(output), status);
            });
        // A flag that is absent counts as false, and "required" does not speak.
        command.Validators.Add(result =>
        {
            if (!result.IsSet(root)) result.AddError("say what to rotate: --root");
        });
        return command;
    }

    private static ExampleCommand IssueToken(CliEnvironment environment)
    {
        var space = new Option<string>("--namespace", "-n") { Description = "The namespace of the workload that may join, or *", HelpName = "NS", Required = true };
        var account = new Option<string>("--service-account") { Description = "Its service account, or *", HelpName = "NAME", Required = true };
        var ttl = Durations.Option("--ttl", "How long the token works: 30m, 24h, 7d. 30 days are the most. Default: 1h");
        var uses = new Option<int>("--uses") { Description = "How many workloads may join with it", HelpName = "N", DefaultValueFactory = static _ => 1 };
        var gateway = new Option<bool>("--gateway") { Description = "Proxies of this service account may be gateways. Kept until `lateen ca forget-workload`" };
        var label = SharedOptions.Label("A label that its proxies may carry, key=value. May be repeated. Selectors choose Gateways and their Secrets by labels. Kept likewise");
        var any = new Option<bool>("--allow-any") { Description = "Allow * : whoever holds such a token can be any workload of the mesh" };
        var output = SharedOptions.Output();
        return Asking(
            environment, "issue-token", "Issue a token with which a workload joins the mesh; it is shown once",
            ["lateen ca issue-token -n shop --service-account web > web.token", "lateen ca issue-token -n shop --service-account web --ttl 24h --uses 10 -o json",
                "lateen ca issue-token -n shop --service-account ingress --gateway -l istio=ingressgateway > ingress.token"],
            [space, account, ttl, uses, gateway, label, any, output],
            async (parsed, client, cancellation) =>
            {
                var request = new TokenRequest(parsed.GetRequiredValue(space), parsed.GetRequiredValue(account), (parsed.GetValue(ttl) ?? TimeSpan.FromHours(1)).TotalSeconds, parsed.GetValue(uses), parsed.GetValue(any),
                    parsed.GetValue(gateway), SharedOptions.Labels(parsed.GetValue(label)!));
                var issued = await client.PostAsync("api/v1/ca/tokens", request, ApiJson.Default.TokenRequest, ApiJson.Default.TokenResponse, cancellation);
                // The token alone on standard output, so that it can be sent into a file.
                if (parsed.GetValue(output) == OutputFormat.Table) environment.Output.WriteLine(issued.Token);
                else Report.Structured(environment, parsed.GetValue(output), issued, ApiJson.Default.TokenResponse);
            });
    }

    private static ExampleCommand Tokens(CliEnvironment environment)
    {
        var output = SharedOptions.Output();
        return Asking(
            environment, "tokens", "List the join tokens that are out; their text is shown by nothing", ["lateen ca tokens", "lateen ca tokens -o json"], [output],
            async (parsed, client, cancellation) =>
            {
                var answer = await client.GetAsync("api/v1/ca/tokens", ApiJson.Default.TokenListResponse, cancellation);
                if (parsed.GetValue(output) != OutputFormat.Table) Report.Structured(environment, parsed.GetValue(output), answer, ApiJson.Default.TokenListResponse);
                else if (answer.Items.Count == 0) environment.Error.WriteLine("No join token is out.");
                else
                {
                    var table = new Table("ID", "NAMESPACE", "SERVICE ACCOUNT", "USES LEFT", "EXPIRES");
                    foreach (var item in answer.Items) table.Add(item.Id, item.Namespace, item.ServiceAccount, $"{item.UsesLeft}", Moment(item.ExpiresAt));
                    table.Write(environment);
                }
            });
    }

    private static ExampleCommand RevokeToken(CliEnvironment environment)
    {
        var id = new Argument<string>("ID") { Description = "The token's id, as `lateen ca tokens` shows it" };
        return Asking(
            environment, "revoke-token", "Take a join token back before its time", ["lateen ca revoke-token 0123456789abcdef"], [id],
            async (parsed, client, cancellation) =>
            {
                await client.DeleteAsync($"api/v1/ca/tokens/{Uri.EscapeDataString(parsed.GetRequiredValue(id))}", ApiJson.Default.TokenListResponse, cancellation);
                environment.Output.WriteLine($"join token {parsed.GetRequiredValue(id)} revoked");
            });
    }

    private static ExampleCommand Workloads(CliEnvironment environment)
    {
        var output = SharedOptions.Output();
        return Asking(
            environment, "workloads", "List what proxies may say of themselves beyond their service account: that they are gateways, and their labels",
            ["lateen ca workloads", "lateen ca workloads -o json"], [output],
            async (parsed, client, cancellation) =>
            {
                var answer = await client.GetAsync("api/v1/ca/workloads", ApiJson.Default.GrantListResponse, cancellation);
                if (parsed.GetValue(output) != OutputFormat.Table) Report.Structured(environment, parsed.GetValue(output), answer, ApiJson.Default.GrantListResponse);
                else if (answer.Items.Count == 0) environment.Error.WriteLine("Nothing was granted with a join token.");
                else
                {
                    var table = new Table("NAMESPACE", "SERVICE ACCOUNT", "TYPE", "LABELS");
                    foreach (var item in answer.Items)
                        table.Add(item.Namespace, item.ServiceAccount, item.Gateway ? "gateway" : "sidecar", string.Join(',', item.Labels.Select(label => $"{label.Key}={label.Value}")));
                    table.Write(environment);
                }
            });
    }

    private static ExampleCommand ForgetWorkload(CliEnvironment environment)
    {
        var space = new Option<string>("--namespace", "-n") { Description = "The namespace of the workload", HelpName = "NS", Required = true };
        var account = new Option<string>("--service-account") { Description = "Its service account", HelpName = "NAME", Required = true };
        return Asking(
            environment, "forget-workload", "Take back what was granted to a service account with its join tokens; a gateway of it is cut off",
            ["lateen ca forget-workload -n shop --service-account ingress"], [space, account],
            async (parsed, client, cancellation) =>
            {
                string path = $"{Uri.EscapeDataString(parsed.GetRequiredValue(space))}/{Uri.EscapeDataString(parsed.GetRequiredValue(account))}";
                await client.DeleteAsync($"api/v1/ca/workloads/{path}", ApiJson.Default.GrantListResponse, cancellation);
                environment.Output.WriteLine($"{parsed.GetRequiredValue(space)}/{parsed.GetRequiredValue(account)} forgotten");
            });
    }

    private static ExampleCommand Root(CliEnvironment environment)
    {
        var output = SharedOptions.Output();
        return Asking(
            environment, "root", "Print the roots of trust in PEM, for a workload that is to join", ["lateen ca root > roots.pem", "lateen ca root -o json"], [output],
            async (parsed, client, cancellation) =>
            {
                var roots = await client.GetAsync("api/v1/ca/roots", ApiJson.Default.RootsResponse, cancellation);
                if (parsed.GetValue(output) == OutputFormat.Table) environment.Output.Write(roots.Pem);
                else Report.Structured(environment, parsed.GetValue(output), roots, ApiJson.Default.RootsResponse);
            });
    }

    /// <summary>A verb that asks the control plane, with <c>--api</c> as its last option, and is done when it has told the answer.</summary>
    private static ExampleCommand Asking(
        CliEnvironment environment, string name, string description, string[] examples, Symbol[] symbols, Func<ParseResult, ControlPlaneClient, CancellationToken, Task> tell)
    {
        var command = new ExampleCommand(name, description, examples);
        foreach (var symbol in symbols)
        {
            if (symbol is Option option) command.Add(option);
            else command.Add((Argument)symbol);
        }

        var api = SharedOptions.Api();
        command.Add(api);
        command.SetAction(async (parsed, cancellation) =>
        {
            using var client = ControlPlaneClient.Connect(environment, parsed.GetValue(api));
            await tell(parsed, client, cancellation);
            return ExitCode.Success;
        });
        return command;
    }

    private static void Write(CliEnvironment environment, OutputFormat format, AuthorityStatusResponse status)
    {
        if (format != OutputFormat.Table)
        {
            Report.Structured(environment, format, status, ApiJson.Default.AuthorityStatusResponse);
            return;
        }

        environment.Output.WriteLine($"trust domain: {status.TrustDomain}");
        environment.Output.WriteLine($"authority: {status.Source}, signs as {status.Signer} until {Moment(status.SignerNotAfter)}");
        environment.Output.WriteLine($"secure port: {status.SecureAddress}");
        environment.Output.WriteLine($"join tokens: {status.JoinTokens}");
        environment.Output.WriteLine($"rotation: {Stage(status)}");
        var table = new Table("ROOT", "EXPIRES", "SHA-256");
        foreach (var root in status.Roots) table.Add(root.Subject, Moment(root.NotAfter), root.Fingerprint[..32]);
        table.Write(environment);
    }

    private static string Stage(AuthorityStatusResponse status) => status.Stage switch
    {
        "settled" => "none, settled",
        "distributing" when status.Pending.Count > 0 => $"distributing the new root, waiting for {string.Join(", ", status.Pending)}",
        "distributing" => "distributing the new root",
        "retiring" => $"the new root signs; the old one is dropped after {Moment(status.FinishesAt!.Value)}",
        _ => "by the operator's files",
    };

    private static string Moment(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
