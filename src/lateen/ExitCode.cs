namespace Lateen.Cli;

/// <summary>What the program's exit status means. Printed by <c>lateen --help</c>; scripts rely on it, so a value never changes its meaning.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>The request was understood and the answer is no: invalid or refused configuration, a resource that does not exist, a difference found.</summary>
    public const int Refused = 1;

    /// <summary>The command line itself is wrong.</summary>
    public const int Usage = 2;

    /// <summary>No control plane (or proxy) answered.</summary>
    public const int Unreachable = 3;

    /// <summary>The change is stored, but the proxies concerned did not serve it within --timeout.</summary>
    public const int TimedOut = 4;

    /// <summary>Stopped by Ctrl-C or a signal.</summary>
    public const int Interrupted = 130;
}
