namespace Lateen.Cli;

/// <summary>
/// What the process was started with, read once by Program and passed down: nothing else in this program reads the environment or the console.
/// </summary>
/// <param name="Output">Standard output: what was asked for, and nothing else.</param>
/// <param name="Error">Standard error: progress, warnings and errors.</param>
/// <param name="IsOutputTerminal">Output goes to a person; false for pipes, files and <c>TERM=dumb</c>.</param>
/// <param name="UseColor">The terminal takes colours and <c>NO_COLOR</c> is not set.</param>
/// <param name="ApiAddress">LATEEN_API, or null.</param>
/// <param name="RuntimeDirectory">Where a running control plane writes its address; <c>$XDG_RUNTIME_DIR/lateen</c> or <c>/tmp/lateen-UID</c>.</param>
/// <param name="StateDirectory">Where a control plane without a directory of its own keeps what was applied.</param>
/// <param name="Programs">What the demo starts beside this program.</param>
internal sealed record CliEnvironment(
    TextWriter Output,
    TextWriter Error,
    TextReader Input,
    bool IsOutputTerminal,
    bool IsErrorTerminal,
    bool UseColor,
    string? ApiAddress,
    string RuntimeDirectory,
    string StateDirectory,
    DemoPrograms Programs)
{
    /// <summary>Reads the process's environment. Called by Program only.</summary>
    public static CliEnvironment FromProcess()
    {
#pragma warning disable RS0030 // This is the executable, and this is the one place in it that reads the environment.
        string? Read(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
#pragma warning restore RS0030

        bool dumb = Read("TERM") is "dumb";
        bool outputTerminal = !Console.IsOutputRedirected && !dumb;
        string runtime = Read("XDG_RUNTIME_DIR") is { } xdg ? Path.Combine(xdg, "lateen") : Path.Combine(Path.GetTempPath(), $"lateen-{UserId()}");
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string state = Path.Combine(Read("XDG_STATE_HOME") ?? Path.Combine(home, ".local", "state"), "lateen");
        return new CliEnvironment(
            Console.Out, Console.Error, Console.In, outputTerminal, !Console.IsErrorRedirected && !dumb,
            outputTerminal && Read("NO_COLOR") is null, Read("LATEEN_API"), runtime, state,
            new DemoPrograms(Read("LATEEN_PROXY") ?? Beside("lateen-proxy"), Read("LATEEN_BOOKSHOP") ?? Beside("bookshop"), OnPath(Read("PATH"), "redis-server")));
    }

    /// <summary>Installed programs lie beside this one.</summary>
    private static string Beside(string name) => Path.Combine(AppContext.BaseDirectory, name);

    private static string? OnPath(string? path, string name) => path?.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>The numeric user id, which keeps two users of one machine apart under /tmp. Linux tells it in /proc; elsewhere the name serves.</summary>
    private static string UserId()
    {
        const string status = "/proc/self/status";
        if (!File.Exists(status)) return Environment.UserName;
        foreach (string line in File.ReadLines(status))
        {
            if (line.StartsWith("Uid:", StringComparison.Ordinal)) return line.Split('\t', StringSplitOptions.RemoveEmptyEntries)[1].Trim();
        }

        return Environment.UserName;
    }
}

/// <summary>The programs of the demo: LATEEN_PROXY and LATEEN_BOOKSHOP, or what lies beside this program. The launcher of a checkout sets both.</summary>
/// <param name="Redis">redis-server, where the machine has one; the shop brings a small counter of its own for one that has not.</param>
internal sealed record DemoPrograms(string Proxy, string Bookshop, string? Redis = null);
