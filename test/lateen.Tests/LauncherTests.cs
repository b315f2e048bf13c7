using System.Diagnostics;
using System.Runtime.Versioning;
using Lateen.Testing;

namespace Lateen.Cli.Tests;

/// <summary>The checkout's <c>./lateen</c>, with a stand-in for the SDK that leaves a build server behind, as the real one does.</summary>
[SupportedOSPlatform("linux")]
public sealed class LauncherTests : IAsyncLifetime
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private readonly string _root = Directory.CreateTempSubdirectory("lateen-launcher-").FullName;

    private string Builds => Path.Combine(_root, "builds");

    public ValueTask InitializeAsync()
    {
        foreach (string folder in (string[])["src/lateen", "samples", "sdk"]) Directory.CreateDirectory(Path.Combine(_root, folder));
        foreach (string file in (string[])["Directory.Build.props", "Directory.Packages.props", "product.slnf", "src/lateen/Program.cs"])
            File.WriteAllText(Path.Combine(_root, file), string.Empty);
        File.Copy(Path.Combine(Programs.Root, "lateen"), Path.Combine(_root, "lateen"));
        WriteProgram("sdk/dotnet", $"""
            #!/bin/bash
            echo build >> '{Builds}'
            sleep 600 < /dev/null > /dev/null 2>&1 &
            echo $! >> '{_root}/servers'
            mkdir -p '{_root}/src/lateen/obj' '{_root}/src/lateen/bin/Release/net10.0'
            printf '#!/bin/bash\necho "ran $*"\n' > '{_root}/src/lateen/bin/Release/net10.0/lateen'
            chmod +x '{_root}/src/lateen/bin/Release/net10.0/lateen'
            """);
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        foreach (string server in File.ReadAllLines(Path.Combine(_root, "servers")))
        {
            using var process = Process.GetProcessById(int.Parse(server, System.Globalization.CultureInfo.InvariantCulture));
            process.Kill();
        }

        Directory.Delete(_root, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Second_run_does_not_build_again_and_a_changed_source_does()
    {
        Assert.Equal("ran version", (await RunAsync()).Trim());
        Assert.Equal("ran version", (await RunAsync()).Trim());
        Assert.Single(await File.ReadAllLinesAsync(Builds, Cancel));

        await File.WriteAllTextAsync(Path.Combine(_root, "src/lateen/Program.cs"), "changed", Cancel);
        Assert.Equal("ran version", (await RunAsync()).Trim());
        Assert.Equal(2, (await File.ReadAllLinesAsync(Builds, Cancel)).Length);
    }

    [Fact]
    public async Task Build_server_that_outlives_a_build_does_not_hold_up_the_next_one()
    {
        await RunAsync();
        File.Delete(Path.Combine(_root, "src/lateen/Program.cs"));
        // Times of files are as coarse as the kernel's tick: nobody deletes within one of the build's end, but this test does.
        Directory.SetLastWriteTimeUtc(Path.Combine(_root, "src/lateen"), File.GetLastWriteTimeUtc(Path.Combine(_root, "artifacts/launcher.built")).AddSeconds(1));
        // Hangs until the test is cancelled if the first build's server inherited the lock.
        Assert.Equal("ran version", (await RunAsync()).Trim());
        Assert.Equal(2, (await File.ReadAllLinesAsync(Builds, Cancel)).Length);
    }

    private async Task<string> RunAsync()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        patience.CancelAfter(TimeSpan.FromMinutes(1));
        string command = $"PATH='{Path.Combine(_root, "sdk")}':$PATH exec '{Path.Combine(_root, "lateen")}' version";
        ProgramResult result = await ProgramResult.OfAsync("/bin/bash", ["-c", command], new Dictionary<string, string>(), null, patience.Token);
        Assert.Equal(0, result.ExitCode);
        return result.Output;
    }

    private void WriteProgram(string name, string text)
    {
        string path = Path.Combine(_root, name);
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
