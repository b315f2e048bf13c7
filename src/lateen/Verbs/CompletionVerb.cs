using System.CommandLine;

namespace Lateen.Cli.Verbs;

/// <summary>
/// <c>lateen completion</c>: prints a script that makes a shell complete our verbs, options and kinds. The script asks the program itself by the
/// <c>[suggest:POSITION]</c> directive, so it never grows out of date.
/// </summary>
internal static class CompletionVerb
{
    private const string Bash = """
        # lateen completion for bash; load it with: source <(lateen completion bash)
        _lateen() {
            local IFS=$'\n'
            COMPREPLY=($(compgen -W "$(lateen "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _lateen lateen
        """;

    private const string Zsh = """
        #compdef lateen
        # lateen completion for zsh; load it with: source <(lateen completion zsh)
        _lateen() {
            local -a words_found
            words_found=("${(@f)$(lateen "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
            compadd -a words_found || _files
        }
        compdef _lateen lateen
        """;

    private const string Fish = """
        # lateen completion for fish; load it with: lateen completion fish | source
        function __lateen_complete
            set -l line (commandline -cp)
            lateen "[suggest:"(string length -- $line)"]" "$line" 2>/dev/null
        end
        complete -c lateen -a '(__lateen_complete)'
        """;

    public static Command Create(CliEnvironment environment)
    {
        var shell = new Argument<string>("SHELL") { HelpName = "SHELL", Description = "bash, zsh or fish" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new ExampleCommand("completion", "Print a shell's completion script",
            "source <(lateen completion bash)",
            "lateen completion fish > ~/.config/fish/completions/lateen.fish")
        {
            shell,
        };
        command.SetAction(parsed =>
        {
            environment.Output.WriteLine(parsed.GetRequiredValue(shell) switch { "bash" => Bash, "zsh" => Zsh, _ => Fish });
            return ExitCode.Success;
        });
        return command;
    }
}
