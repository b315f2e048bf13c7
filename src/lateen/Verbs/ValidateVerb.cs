using System.CommandLine;
using Lateen.Cli.Output;
using Lateen.ControlPlane.Api;
using Lateen.Model;

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
            string[] paths = parsed.GetRequiredValue(files);
            var texts = await InputFiles.ReadAsync(environment, paths, cancellation);
            var read = Texts.Read(texts, parsed.GetValue(ns), DateTimeOffset.UnixEpoch);
            var found = read.Diagnostics;
            // A directory is taken for a whole mesh, so that what names something which is nowhere is told too; a single file is a part of one.
            // How long a certificate lasts is its own affair.
            var together = MeshChecks.Run(MeshSnapshotBuilder.Build(null, read.Resources, 1), TimeProvider.System.GetUtcNow());
            bool isWhole = paths.Any(Directory.Exists);
            found = found.AddRange(together.Where(finding => isWhole || finding.Code == DiagnosticCodes.CertificateExpires.Code));
            var views = found.Select(DiagnosticView.Of).ToArray();
            int errors = found.Count(diagnostic => diagnostic.IsError);
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
