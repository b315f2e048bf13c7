using System.CommandLine;
using Lateen.Cli.Connection;
using Lateen.Cli.Output;
using Lateen.ControlPlane.Api;

namespace Lateen.Cli.Verbs;

/// <summary><c>lateen apply</c>: stores resources, all of them or none, and with --wait returns when the proxies concerned serve them.</summary>
internal static class ApplyVerb
{
    public static Command Create(CliEnvironment environment)
    {
        var files = SharedOptions.Files(required: true);
        var ns = SharedOptions.Namespace();
        var wait = new Option<bool>("--wait") { Description = "Return when every proxy that the change concerns has acknowledged it" };
        var timeout = new Option<double>("--timeout") { Description = "Seconds that --wait waits", HelpName = "SECONDS", DefaultValueFactory = _ => 30 };
        var dryRun = new Option<bool>("--dry-run") { Description = "Check and report, change nothing" };
        var output = SharedOptions.Output();
        var api = SharedOptions.Api();
        var command = new ExampleCommand("apply", "Store resources: all of them, or none when one is wrong",
            "lateen apply -f canary.yaml --wait",
            "lateen apply -f ./config --dry-run",
            "generate-config | lateen apply -f -")
        {
            files, ns, wait, timeout, dryRun, output, api,
        };
        command.SetAction((parsed, cancellation) => RunAsync(
            environment,
            new Request(parsed.GetRequiredValue(files), parsed.GetValue(ns), parsed.GetValue(wait), parsed.GetValue(timeout), parsed.GetValue(dryRun)),
            parsed.GetValue(output), parsed.GetValue(api), cancellation));
        return command;
    }

    private sealed record Request(string[] Files, string? Namespace, bool Wait, double TimeoutSeconds, bool DryRun);

    private static async Task<int> RunAsync(
        CliEnvironment environment, Request request, OutputFormat format, string? api, CancellationToken cancellation)
    {
        var texts = await InputFiles.ReadAsync(environment, request.Files, cancellation);
        using var client = ControlPlaneClient.Connect(environment, api);
        var answer = await client.PostAsync(
            "api/v1/resources/apply", new ApplyRequest(texts, request.DryRun, request.Namespace),
            ApiJson.Default.ApplyRequest, ApiJson.Default.ApplyResponse, cancellation);
        if (format == OutputFormat.Table) ChangeReport.Write(environment, answer, request.DryRun);
        else Report.Structured(environment, format, answer, ApiJson.Default.ApplyResponse);
        if (!answer.Accepted) return ExitCode.Refused;
        if (!request.Wait || request.DryRun) return ExitCode.Success;
        return await RevisionWait.RunAsync(environment, client, answer.Revision, TimeSpan.FromSeconds(request.TimeoutSeconds), cancellation);
    }
}
