using Lateen.Testing;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>Programs that are not ours and that tests run. Each is a Debian package, which test.sh installs; without it the test is skipped and says so.</summary>
internal static class Tools
{
    /// <summary>Why a test with this program does not run; null when it is on the PATH.</summary>
    public static string? WhyWithout(string program, string package)
    {
#pragma warning disable RS0030 // A test is an executable: where programs are is said by its environment.
        var path = Environment.GetEnvironmentVariable("PATH") ?? "";
#pragma warning restore RS0030
        return path.Split(':').Any(folder => File.Exists(Path.Combine(folder, program))) ? null : $"{program} is not installed; it comes with the Debian package {package}";
    }

    /// <summary>Runs a program to its end; skips the test when it is not installed, fails it when it does not exit with 0.</summary>
    public static async Task<string> RunAsync(string program, string package, IEnumerable<string> arguments, CancellationToken cancel)
    {
        Assert.SkipWhen(WhyWithout(program, package) is not null, WhyWithout(program, package) ?? "");
        var given = arguments.ToArray();
        var (code, output) = await ProgramUnderTest.RunAsync(program, given, cancel);
        Assert.True(code == 0, $"{program} {string.Join(' ', given)} exited with {code}:\n{output}");
        return output;
    }
}
