using System.CommandLine;
using System.CommandLine.Help;
using Lateen.Cli.Demo;
using Lateen.Cli.Verbs;

namespace Lateen.Cli;

/// <summary>The composition root: every verb, and the help that all share. A new verb is one file under Verbs and one line here.</summary>
internal static class CommandTree
{
    private const string Description =
        """
        Lateen, a service mesh that speaks Istio's configuration and needs no cluster.

        Exit codes: 0 done; 1 refused, invalid, not found or (diff) different; 2 wrong command line; 3 nothing answers;
        4 stored but not served within --timeout; 130 interrupted.
        Environment: LATEEN_API (the control plane's API address), LATEEN_PROXY and LATEEN_BOOKSHOP (programs of the demo), NO_COLOR.
        """;

    public static RootCommand Create(CliEnvironment environment)
    {
        var root = new RootCommand(Description)
        {
            DemoVerb.Create(environment),
            UpVerb.Create(environment),
            BootstrapVerb.Create(environment),
            ApplyVerb.Create(environment),
            GetVerb.Create(environment),
            DeleteVerb.Create(environment),
            DiffVerb.Create(environment),
            ValidateVerb.Create(environment),
            ProxyStatusVerb.Create(environment),
            ProxyConfigVerb.Create(environment),
            AuthzVerb.Create(environment),
            CaVerb.Create(environment),
            VersionVerb.Create(environment),
            CompletionVerb.Create(environment),
        };
        foreach (var option in root.Options)
        {
            if (option is HelpOption help) help.Action = new HelpWithExamples((HelpAction)help.Action!);
        }

        return root;
    }
}
