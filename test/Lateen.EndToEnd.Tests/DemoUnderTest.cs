using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Lateen.Testing;

namespace Lateen.EndToEnd.Tests;

/// <summary>A running <c>lateen demo</c> with folders of its own, so that the CLI of this test finds this demo and no other.</summary>
internal sealed partial class DemoUnderTest : IAsyncDisposable
{
    private readonly Dictionary<string, string> _environment;

    private DemoUnderTest()
    {
        Runtime = Directory.CreateTempSubdirectory("lateen-demo-test-").FullName;
        _environment = new Dictionary<string, string>
        {
            ["LATEEN_PROXY"] = Programs.Proxy,
            ["LATEEN_BOOKSHOP"] = Programs.Bookshop,
            ["XDG_RUNTIME_DIR"] = Runtime,
            ["TMPDIR"] = Runtime,
        };
        Program = ProgramUnderTest.Start("demo", Programs.Lateen, ["demo", "--rate", "5"], _environment);
    }

    public ProgramUnderTest Program { get; }

    /// <summary>Every process of the demo has this folder in its environment.</summary>
    public string Runtime { get; }

    /// <summary>The first page, as the demo announced it.</summary>
    public Uri Storefront { get; private set; } = null!;

    /// <summary>Starts it and waits for its announcement.</summary>
    public static async Task<DemoUnderTest> StartAsync(CancellationToken cancel)
    {
        var demo = new DemoUnderTest();
        try
        {
            demo.Storefront = new Uri(Address().Match(await demo.Program.WaitForLineAsync("Storefront", cancel)).Value);
            return demo;
        }
        catch
        {
            await demo.DisposeAsync();
            throw;
        }
    }

    /// <summary>Applies one of the samples as the README says, and waits until it is served.</summary>
    public Task ApplyAsync(string sample, CancellationToken cancel) => CliAsync(cancel, "apply", "--wait", "-f", PathOf(sample));

    /// <summary>Where a sample lies.</summary>
    public static string PathOf(string sample) => Path.Combine(Programs.Root, "samples/bookshop/config", sample);

    /// <summary>Runs the CLI; fails the test when it does not exit with 0.</summary>
    public async Task<string> CliAsync(CancellationToken cancel, params string[] arguments)
    {
        var (code, output) = await TryCliAsync(cancel, arguments);
        Assert.True(code == 0, $"lateen {string.Join(' ', arguments)} exited with {code}:\n{output}\nThe demo said:\n{Program.Output}");
        return output;
    }

    /// <summary>Runs the CLI, whatever its exit code.</summary>
    public Task<(int ExitCode, string Output)> TryCliAsync(CancellationToken cancel, params string[] arguments) =>
        ProgramUnderTest.RunAsync(Programs.Lateen, arguments, cancel, _environment);

    /// <summary>What a process of the demo has written so far.</summary>
    /// <param name="name">As in <c>details-v1-sidecar</c>.</param>
    public async Task<string> LogAsync(string name, CancellationToken cancel)
    {
        var line = await Program.WaitForLineAsync("  Logs ", cancel);
        await using var file = new FileStream(Path.Combine(line.Trim().Split(' ')[^1], name + ".log"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return await reader.ReadToEndAsync(cancel);
    }

    /// <summary>Waits for a line in the log of a process; returns it.</summary>
    public async Task<string> LogLineAsync(string name, Func<string, bool> matches, string what, CancellationToken cancel)
    {
        string? found = null;
        await MeshUnderTest.UntilAsync(
            $"{what} in the log of {name}",
            async () => (found = (await LogAsync(name, cancel)).Split('\n').LastOrDefault(matches)) is not null,
            Program,
            cancel);
        return found!;
    }

    /// <summary>Kills the control plane of this demo and no other: the one process in its environment that runs <c>lateen up</c>.</summary>
    public void KillControlPlane()
    {
        var id = Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).OfType<string>().Where(static name => name.All(char.IsAsciiDigit))
            .Single(name => Read(name, "cmdline").Split('\0') is [_, "up", ..] && Read(name, "environ").Contains(Runtime, StringComparison.Ordinal));
        using var controlPlane = Process.GetProcessById(int.Parse(id, CultureInfo.InvariantCulture));
        controlPlane.Kill();

        static string Read(string process, string file)
        {
            try
            {
                return File.ReadAllText($"/proc/{process}/{file}");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return "";
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Program.DisposeAsync();
        Directory.Delete(Runtime, recursive: true);
    }

    [GeneratedRegex(@"http://\S+")]
    private static partial Regex Address();
}
