using System.CommandLine;
using System.CommandLine.Parsing;
using Lateen.Cli.Output;

namespace Lateen.Cli.Verbs;

/// <summary>Options that several verbs take. A factory each: System.CommandLine wants an option to belong to one command.</summary>
internal static class SharedOptions
{
    /// <summary>
    /// True when a flag is given and not as <c>false</c>. For rules about a whole command line, which run while it may still be wrong: asking for the value of an
    /// option that cannot be read throws, and what is wrong with it is complained about anyway.
    /// </summary>
    public static bool IsSet(this CommandResult line, Option<bool> flag) => line.GetResult(flag) is { Implicit: false } given
        && (given.Tokens.Count == 0 || (bool.TryParse(given.Tokens[^1].Value, out bool value) && value));

    public static Option<string?> Api() => new("--api")
    {
        Description = "Address of the control plane's API: host:port or unix:/path. Default: LATEEN_API, then the running `lateen up`, then 127.0.0.1:15014",
        HelpName = "ADDRESS",
    };

    public static Option<OutputFormat> Output()
    {
        var option = new Option<OutputFormat>("--output", "-o")
        {
            Description = "table (for people, the default), json or yaml (for programs)",
            HelpName = "table|json|yaml",
            CustomParser = static result =>
            {
                string written = result.Tokens[^1].Value;
                if (Enum.TryParse<OutputFormat>(written, ignoreCase: true, out var format) && !char.IsAsciiDigit(written[0])) return format;
                result.AddError($"'{written}' is not an output format; write table, json or yaml");
                return OutputFormat.Table;
            },
        };
        option.CompletionSources.Add("table", "json", "yaml");
        return option;
    }

    public static Option<string[]> Files(bool required)
    {
        var option = new Option<string[]>("--file", "-f")
        {
            Description = "A YAML or JSON file, a directory (all *.yaml, *.yml and *.json below it), or - for standard input. May be repeated",
            HelpName = "FILE|DIR|-",
            Required = required,
        };
        // A default would count as given, and "required" would never speak.
        if (!required) option.DefaultValueFactory = static _ => [];
        return option;
    }

    public static Option<string[]> Label(string description)
    {
        var option = new Option<string[]>("--label", "-l") { Description = description, HelpName = "KEY=VALUE", DefaultValueFactory = static _ => [] };
        option.Validators.Add(static result =>
        {
            foreach (var token in result.Tokens.Where(token => token.Value.IndexOf('=', StringComparison.Ordinal) < 1)) result.AddError($"--label wants key=value, not '{token.Value}'.");
        });
        return option;
    }

    /// <summary>What <see cref="Label"/> was given; of a key that is given twice the last counts.</summary>
    public static Dictionary<string, string> Labels(string[] given) =>
        given.Select(pair => pair.Split('=', 2)).GroupBy(pair => pair[0]).ToDictionary(group => group.Key, group => group.Last()[1]);

    public static Option<string?> Namespace() => new("--namespace", "-n")
    {
        Description = "The namespace. Default: default",
        HelpName = "NS",
    };
}
