namespace Lateen.Cli;

/// <summary>
/// The end of a verb with something to say: what happened and where, what to do next, and the exit code. Thrown by the verbs' own code and
/// printed in one place, so that every failure reads alike.
/// </summary>
internal sealed class CliException(int exitCode, string message, string? hint = null) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    /// <summary>The next thing to try, as a sentence or a command.</summary>
    public string? Hint { get; } = hint;
}
