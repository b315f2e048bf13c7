using Lateen.Cli.Output;
using Lateen.ControlPlane.Api;

namespace Lateen.Cli.Verbs;

/// <summary>Tells a person what apply or delete did: diagnostics to standard error, one line per resource and the revision to standard output.</summary>
internal static class ChangeReport
{
    public static void Write(CliEnvironment environment, ApplyResponse answer, bool dryRun)
    {
        Report.Diagnostics(environment.Error, answer.Diagnostics);
        if (!answer.Accepted)
        {
            int errors = answer.Diagnostics.Count(diagnostic => diagnostic.Severity == "error");
            environment.Error.WriteLine($"error: nothing was changed: {Report.Count(errors, "error")} above");
            environment.Error.WriteLine("  correct them and apply again; what was served before is still served");
            return;
        }

        string suffix = dryRun ? " (dry run)" : "";
        foreach (var change in answer.Changes)
            environment.Output.WriteLine($"{change.Kind}/{change.Name} in {change.Namespace} {change.Change}{suffix}");
        if (!dryRun) environment.Output.WriteLine($"revision {answer.Revision}");
    }
}
