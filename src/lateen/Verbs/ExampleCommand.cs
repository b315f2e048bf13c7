using System.CommandLine;

namespace Lateen.Cli.Verbs;

/// <summary>A command whose help ends with examples that can be pasted as they stand.</summary>
internal sealed class ExampleCommand(string name, string description, params string[] examples) : Command(name, description)
{
    public IReadOnlyList<string> Examples { get; } = examples;
}
