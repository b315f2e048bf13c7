using System.CommandLine;
using Lateen.Cli;
using Lateen.Cli.Output;

var environment = CliEnvironment.FromProcess();
var parsed = CommandTree.Create(environment).Parse(args);
if (parsed.Errors.Count > 0 && parsed.Action is not HelpWithExamples)
{
    foreach (var error in parsed.Errors) environment.Error.WriteLine($"error: {error.Message}");
    environment.Error.WriteLine($"  `lateen {string.Join(' ', CommandPath(parsed))}--help` shows how it is used");
    return ExitCode.Usage;
}

try
{
    return await parsed.InvokeAsync(new InvocationConfiguration
    {
        EnableDefaultExceptionHandler = false,
        // After Ctrl-C a verb may clean up for so long before it is left behind. The demo ends some thirty processes, on a busy machine in more than the 2 s of the default.
        ProcessTerminationTimeout = TimeSpan.FromSeconds(20),
    });
}
catch (CliException error)
{
    Report.Error(environment, error);
    return error.ExitCode;
}
catch (OperationCanceledException)
{
    return ExitCode.Interrupted;
}

static IEnumerable<string> CommandPath(ParseResult parsed)
{
    var names = new Stack<string>();
    for (var result = parsed.CommandResult; result.Parent is System.CommandLine.Parsing.CommandResult parent; result = parent) names.Push(result.Command.Name);
    return names.Select(name => name + " ").Select(name => name.TrimEnd()).Append("");
}
