using System.CommandLine;
using Lateen.Cli.Connection;
using Lateen.Cli.Output;
using Lateen.ControlPlane.Api;

namespace Lateen.Cli.Verbs;

/// <summary><c>lateen diff</c>: what apply would change, line by line. Exit code 1 says that there is a difference.</summary>
internal static class DiffVerb
{
    public static Command Create(CliEnvironment environment)
    {
        var files = SharedOptions.Files(required: true);
        var ns = SharedOptions.Namespace();
        var output = SharedOptions.Output();
        var api = SharedOptions.Api();
        var command = new ExampleCommand("diff", "Show what apply would change; exit code 0: nothing, 1: something",
            "lateen diff -f canary.yaml")
        {
            files, ns, output, api,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var texts = await InputFiles.ReadAsync(environment, parsed.GetRequiredValue(files), cancellation);
            using var client = ControlPlaneClient.Connect(environment, parsed.GetValue(api));
            var answer = await client.PostAsync(
                "api/v1/resources/diff", new ApplyRequest(texts, DryRun: true, parsed.GetValue(ns)),
                ApiJson.Default.ApplyRequest, ApiJson.Default.ApplyResponse, cancellation);
            if (parsed.GetValue(output) is var format && format != OutputFormat.Table)
                Report.Structured(environment, format, answer, ApiJson.Default.ApplyResponse);
            else Write(environment, answer);
            return answer.Accepted && answer.Changes.All(change => change.Change == "unchanged") ? ExitCode.Success : ExitCode.Refused;
        });
        return command;
    }

    private static void Write(CliEnvironment environment, ApplyResponse answer)
    {
        Report.Diagnostics(environment.Error, answer.Diagnostics);
        if (!answer.Accepted) environment.Error.WriteLine("error: apply would refuse this; nothing is compared");
        foreach (var change in answer.Changes.Where(change => change.Change != "unchanged"))
        {
            environment.Output.WriteLine($"--- {change.Kind}/{change.Name} in {change.Namespace} (stored)");
            environment.Output.WriteLine($"+++ {change.Kind}/{change.Name} in {change.Namespace} (given)");
            foreach (string line in TextDifference.Unified(change.Before ?? "", change.After ?? ""))
            {
                environment.Output.WriteLine(environment.UseColor ? Paint(line) : line);
            }
        }
    }

    private static string Paint(string line) => line[0] switch
    {
        '+' => $"\e[32m{line}\e[0m",
        '-' => $"\e[31m{line}\e[0m",
        '@' => $"\e[36m{line}\e[0m",
        _ => line,
    };
}
