using System.CommandLine;
using Lateen.Cli.Output;
using Lateen.ControlPlane.Api;

namespace Lateen.Cli.Verbs;

/// <summary><c>lateen validate</c>: checks files as apply would, without a control plane.</summary>
internal static class ValidateVerb
{
    public static Command Create(CliEnvironment environment)
    {
        var files = SharedOptions.Files(required: true);
        var ns = SharedOptions.Namespace();
        var output = SharedOptions.Output();
        var command = new ExampleCommand("validate", "Check files without a control plane; exit code 0: good (warnings allowed), 1: errors",
            "lateen validate -f ./config",
            "lateen validate -f canary.yaml -o json")
        {
            files, ns, output,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var texts = await InputFiles.ReadAsync(environment, parsed.GetRequiredValue(files), cancellation);
            var read = Texts.Read(texts, parsed.GetValue(ns), DateTimeOffset.UnixEpoch);
            var views = read.Diagnostics.Select(DiagnosticView.Of).ToArray();
            int errors = read.Diagnostics.Count(diagnostic => diagnostic.IsError);
            if (parsed.GetValue(output) is var format && format != OutputFormat.Table)
                Report.Structured(environment, format, new DiagnosticListResponse(0, views), ApiJson.Default.DiagnosticListResponse);
            else
            {
                Report.Diagnostics(environment.Output, views);
                environment.Output.WriteLine(
                    $"{Report.Count(texts.Count, "file")}, {Report.Count(read.Resources.Length, "good resource")}, {Report.Count(errors, "error")}, {Report.Count(views.Length - errors, "warning")}");
            }

            return errors == 0 ? ExitCode.Success : ExitCode.Refused;
        });
        return command;
    }
}
