using System.Runtime.CompilerServices;

namespace Lateen.Telemetry.Tests;

/// <summary>Compares with a file beside the test; <c>./test.sh --update-golden</c> rewrites it.</summary>
internal static class Golden
{
    public static void Matches(string actual, string name, [CallerFilePath] string caller = "")
    {
        var path = Path.Combine(Path.GetDirectoryName(caller)!, "Golden", name);
#pragma warning disable RS0030 // The switch comes from test.sh, and a test program is an executable.
        var isUpdate = Environment.GetEnvironmentVariable("LATEEN_UPDATE_GOLDEN") == "1";
#pragma warning restore RS0030
        if (isUpdate)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, actual);
            return;
        }
        Assert.Equal(File.ReadAllText(path), actual, ignoreLineEndingDifferences: false);
    }
}
