using System.CommandLine;
using Lateen.Cli.Output;

namespace Lateen.Cli.Verbs;

/// <summary>Options that several verbs take. A factory each: System.CommandLine wants an option to belong to one command.</summary>
internal static class SharedOptions
{
    public static Option<string?> Api() => new("--api")
    {
        Description = "Address of the control plane's API: host:port or unix:/path. Default: LATEEN_API, then the running `lateen up`, then 127.0.0.1:15014",
        HelpName = "ADDRESS",
    };

    public static Option<OutputFormat> Output() => new("--output", "-o")
    {
        Description = "table (for people), json or yaml (for programs)",
        HelpName = "table|json|yaml",
        DefaultValueFactory = _ => OutputFormat.Table,
    };

    public static Option<string[]> Files(bool required) => new("--file", "-f")
    {
        Description = "A YAML or JSON file, a directory (all *.yaml, *.yml and *.json below it), or - for standard input. May be repeated",
        HelpName = "FILE|DIR|-",
        Required = required,
        DefaultValueFactory = _ => [],
    };

    public static Option<string?> Namespace() => new("--namespace", "-n")
    {
        Description = "The namespace. Default: default",
        HelpName = "NS",
    };
}
