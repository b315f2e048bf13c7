using System.Text;
using System.Text.RegularExpressions;
using Lateen.Testing;

namespace Lateen.Cli.Tests;

/// <summary>
/// A directory and a runtime directory of its own in which the built CLI runs, alone or against a control plane that it started, and a transcript of what
/// was said: commands, both streams, exit codes, with what differs from run to run replaced by a word.
/// </summary>
internal sealed partial class CliWorkplace : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("lateen-cli-").FullName;
    private readonly StringBuilder _transcript = new();
    private ProgramUnderTest? _plane;

    public string Configuration => Path.Combine(_root, "config");

    /// <summary>Where a control plane leaves its notes for the other verbs.</summary>
    public string RuntimeDirectory => Path.Combine(_root, "run", "lateen");

    public string Transcript => _transcript.ToString();

    public string XdsAddress { get; private set; } = "";

    public string ApiAddress { get; private set; } = "";

    private Dictionary<string, string> Environment => new()
    {
        ["XDG_RUNTIME_DIR"] = Path.Combine(_root, "run"),
        ["XDG_STATE_HOME"] = Path.Combine(_root, "state"),
        ["LATEEN_API"] = "",
        ["NO_COLOR"] = "1",
    };

    public string Write(string name, string text)
    {
        string path = Path.Combine(_root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    public string Read(string name) => File.ReadAllText(Path.Combine(_root, name));

    /// <summary>Ends the control plane as a crash does.</summary>
    public async Task KillAsync()
    {
        await _plane!.SignalAsync("KILL");
        await _plane.WaitForExitAsync(TestContext.Current.CancellationToken);
        await _plane.DisposeAsync();
        _plane = null;
    }

    /// <summary>Starts <c>lateen up</c> on the configuration directory and free ports.</summary>
    public async Task UpAsync(string xds = "127.0.0.1:0", params string[] more)
    {
        Directory.CreateDirectory(Configuration);
        _plane = ProgramUnderTest.Start("lateen up", Programs.Lateen,
            ["up", "-d", Configuration, "--xds-address", xds, "--api-address", "127.0.0.1:0", .. more], Environment);
        await _plane.WaitForLineAsync("ready revision", TestContext.Current.CancellationToken);
        XdsAddress = Announced("xds ");
        ApiAddress = Announced("api ");
    }

    private string Announced(string key) =>
        _plane!.Output.Split('\n').First(line => line.StartsWith(key, StringComparison.Ordinal))[key.Length..].Trim();

    /// <summary>Asks the control plane to end, as Ctrl-C does, and gives its exit code.</summary>
    public async Task<int> DownAsync()
    {
        await _plane!.SignalAsync("INT");
        return await _plane.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Runs a command line and adds it to the transcript. Arguments are separated by single spaces; ROOT stands for the workplace.</summary>
    public async Task<ProgramResult> RunAsync(string commandLine, string? input = null)
    {
        string[] arguments = [.. commandLine.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(argument => argument.Replace("ROOT", _root, StringComparison.Ordinal))];
        var result = await ProgramResult.OfAsync(Programs.Lateen, arguments, Environment, input, TestContext.Current.CancellationToken);
        _transcript.Append("$ lateen ").Append(commandLine).Append('\n').Append(Stable(result.Output));
        foreach (string line in Stable(result.Error).Split('\n', StringSplitOptions.RemoveEmptyEntries)) _transcript.Append("! ").Append(line).Append('\n');
        if (result.ExitCode != 0) _transcript.Append("[exit ").Append(result.ExitCode).Append("]\n");
        _transcript.Append('\n');
        return result;
    }

    /// <summary>The text with what differs from run to run replaced by a word.</summary>
    public string Stable(string text)
    {
        text = text.Replace(_root, "ROOT", StringComparison.Ordinal);
        if (ApiAddress.Length > 0) text = text.Replace(ApiAddress, "API", StringComparison.Ordinal).Replace(XdsAddress, "XDS", StringComparison.Ordinal);
        text = Moment().Replace(text, "TIME");
        text = Peer().Replace(text, "PEER");
        return Build().Replace(text, "BUILD");
    }

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)")]
    private static partial Regex Moment();

    [GeneratedRegex(@"ipv4:127\.0\.0\.1:\d+")]
    private static partial Regex Peer();

    [GeneratedRegex(@"\b\d+\.\d+\.\d+ \([0-9a-z]+, \.NET [0-9.]+\)")]
    private static partial Regex Build();

    public async ValueTask DisposeAsync()
    {
        if (_plane is not null) await _plane.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }
}
