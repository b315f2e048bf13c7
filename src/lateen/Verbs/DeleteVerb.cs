using System.CommandLine;
using Lateen.Cli.Connection;
using Lateen.Cli.Output;
using Lateen.ControlPlane.Api;

namespace Lateen.Cli.Verbs;

/// <summary><c>lateen delete</c>: takes away resources that were applied, by name or by the files that hold them.</summary>
internal static class DeleteVerb
{
    public static Command Create(CliEnvironment environment)
    {
        var kind = new Argument<string?>("KIND") { HelpName = "KIND", Description = "A kind or its short name", Arity = ArgumentArity.ZeroOrOne };
        kind.CompletionSources.Add(KindNames.ForCompletion());
        var names = new Argument<string[]>("NAME") { Description = "The resources", Arity = ArgumentArity.ZeroOrMore };
        var files = SharedOptions.Files(required: false);
        var ns = SharedOptions.Namespace();
        var dryRun = new Option<bool>("--dry-run") { Description = "Check and report, change nothing" };
        var output = SharedOptions.Output();
        var api = SharedOptions.Api();
        var command = new ExampleCommand("delete", "Delete applied resources: all that are named, or none",
            "lateen delete vs reviews -n bookshop",
            "lateen delete -f canary.yaml")
        {
            kind, names, files, ns, dryRun, output, api,
        };
        command.Validators.Add(result =>
        {
            // What was written, not its value: an option without its argument has none, and asking for it throws.
            bool named = result.GetResult(names) is { Tokens.Count: > 0 };
            bool filed = result.GetResult(files) is { Implicit: false };
            if (named == filed) result.AddError("say what to delete: either KIND and NAME, or -f");
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            string nsName = parsed.GetValue(ns) ?? "default";
            var items = (parsed.GetValue(names) ?? []).Select(name => new ResourceName(parsed.GetValue(kind) ?? "", nsName, name)).ToArray();
            var texts = await InputFiles.ReadAsync(environment, parsed.GetValue(files) ?? [], cancellation);
            bool dry = parsed.GetValue(dryRun);
            using var client = ControlPlaneClient.Connect(environment, parsed.GetValue(api));
            var answer = await client.PostAsync(
                "api/v1/resources/delete", new DeleteRequest(items, texts, dry, parsed.GetValue(ns)),
                ApiJson.Default.DeleteRequest, ApiJson.Default.ApplyResponse, cancellation);
            if (parsed.GetValue(output) is var format && format != OutputFormat.Table)
                Report.Structured(environment, format, answer, ApiJson.Default.ApplyResponse);
            else ChangeReport.Write(environment, answer, dry);
            return answer.Accepted ? ExitCode.Success : ExitCode.Refused;
        });
        return command;
    }
}
