using System.CommandLine;
using Lateen.Cli.Connection;
using Lateen.Cli.Output;
using Lateen.ControlPlane.Api;
using Lateen.Model;

namespace Lateen.Cli.Verbs;

/// <summary><c>lateen authz check</c>: the policies that concern a workload, and the verdict on a described request, of files or of a running control plane.</summary>
internal static class AuthzCheckVerb
{
    public static Command Create(CliEnvironment environment)
    {
        var workload = new Argument<string?>("WORKLOAD")
        {
            Description = "A connected proxy, a WorkloadEntry or a Service with a selector, whose labels count",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var files = SharedOptions.Files(required: false);
        var ns = SharedOptions.Namespace();
        var labels = new Option<string?>("--labels", "-l") { Description = "The workload's labels, instead of its name", HelpName = "a=b,c=d" };
        var traffic = new TrafficFlags();
        var output = SharedOptions.Output();
        var api = SharedOptions.Api();
        var command = new ExampleCommand(
            "check", "Show the policies of a workload and, for a described request, who lets it through or not. Exit code 0: allowed, or only listed; 1: denied, or unknown",
            "lateen authz check reviews -n bookshop",
            "lateen authz check reviews -n bookshop --from bookshop/web --method GET --path /reviews/1",
            "lateen authz check -f ./config -n bookshop -l app=reviews --from bookshop/web --method DELETE --claim groups=admin",
            "lateen authz check redis -n bookshop --tcp --port 6379 --source-ip 10.0.0.7 -o json")
        {
            workload, files, ns, labels,
        };
        traffic.AddTo(command);
        command.Add(output);
        command.Add(api);
        command.SetAction(async (parsed, cancellation) =>
        {
            var question = new AuthorizationCheckRequest(
                parsed.GetValue(ns) ?? "default", parsed.GetValue(workload), Labels(parsed.GetValue(labels)), traffic.Read(parsed));
            if (question is { Workload: null, Labels: null })
                throw new CliException(ExitCode.Usage, "which workload? name one, or say its labels with --labels", "lateen authz check reviews -n bookshop");
            string[] paths = parsed.GetValue(files) ?? [];
            var answer = paths.Length > 0
                ? await OfFilesAsync(environment, paths, parsed.GetValue(ns), question, cancellation)
                : await OfControlPlaneAsync(environment, parsed.GetValue(api), question, cancellation);
            if (parsed.GetValue(output) is var format && format != OutputFormat.Table)
                Report.Structured(environment, format, answer, ApiJson.Default.AuthorizationCheckResponse);
            else Write(environment, answer);
            // Who asks whether something may pass must not take "nobody can say" for a yes.
            return answer.Verdict?.Outcome is "DENIED" or "UNKNOWN" ? ExitCode.Refused : ExitCode.Success;
        });
        return command;
    }

    private static async Task<AuthorizationCheckResponse> OfControlPlaneAsync(
        CliEnvironment environment, string? api, AuthorizationCheckRequest question, CancellationToken cancellation)
    {
        using var client = ControlPlaneClient.Connect(environment, api);
        return await client.PostAsync(
            "api/v1/authz/check", question, ApiJson.Default.AuthorizationCheckRequest, ApiJson.Default.AuthorizationCheckResponse, cancellation);
    }

    private static async Task<AuthorizationCheckResponse> OfFilesAsync(
        CliEnvironment environment, string[] paths, string? defaultNamespace, AuthorizationCheckRequest question, CancellationToken cancellation)
    {
        var read = Texts.Read(await InputFiles.ReadAsync(environment, paths, cancellation), defaultNamespace, DateTimeOffset.UnixEpoch);
        var errors = read.Diagnostics.Where(found => found.IsError).Select(DiagnosticView.Of).ToArray();
        if (errors.Length > 0)
        {
            // A policy that is refused is not there, and an answer without it could be the wrong one.
            Report.Diagnostics(environment.Error, errors);
            throw new CliException(ExitCode.Refused, $"{Report.Count(errors.Length, "error")} in the configuration: the answer would be about another one", "see `lateen validate -f`");
        }

        var answer = AuthorizationCheck.Run(MeshSnapshotBuilder.Build(null, read.Resources, 1), question, labelsOfProxy: null, out var problem);
        return answer ?? throw new CliException(ExitCode.Refused, problem!.Message, problem.Hint);
    }

    private static Dictionary<string, string>? Labels(string? written)
    {
        if (written is null) return null;
        var labels = new Dictionary<string, string>();
        foreach (string label in written.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = label.IndexOf('=');
            if (equals <= 0) throw new CliException(ExitCode.Usage, $"--labels: '{label}' is not name=value", "--labels app=reviews,version=v1");
            labels[label[..equals]] = label[(equals + 1)..];
        }

        return labels;
    }

    private static void Write(CliEnvironment environment, AuthorizationCheckResponse answer)
    {
        if (answer.Policies.Count == 0) environment.Output.WriteLine("No policy concerns this workload.");
        else
        {
            var table = new Table("KIND", "NAMESPACE", "NAME", "ACTION", "RULES", "SOURCE");
            foreach (var policy in answer.Policies)
            {
                table.Add(
                    policy.Kind, policy.Namespace, policy.Name, policy.DryRun ? $"{policy.Action} (dry-run)" : policy.Action, $"{policy.Rules}", Place(policy.File, policy.Line));
            }

            table.Write(environment);
        }

        if (answer.Verdict is not { } verdict) return;
        environment.Output.WriteLine();
        environment.Output.WriteLine($"{verdict.Outcome}: {verdict.Reason}");
        if (verdict.Rule is { File.Length: > 0 } rule) environment.Output.WriteLine($"  at {Place(rule.File, rule.Line)}");
        foreach (var also in verdict.AlsoMatched)
            environment.Output.WriteLine($"  also matches: {also.Name} ({also.Action}{(also.DryRun ? ", dry-run" : "")}, {Place(also.File, also.Line)})");
    }

    private static string Place(string file, int line) => file.Length == 0 ? "-" : line > 0 ? $"{file}:{line}" : file;
}
