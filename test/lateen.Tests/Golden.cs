using System.Runtime.CompilerServices;

namespace Lateen.Cli.Tests;

/// <summary>Compares a transcript with Golden/NAME.txt; <c>LATEEN_UPDATE_GOLDEN=1</c> rewrites it, and the diff is then read.</summary>
internal static class Golden
{
    public static void Verify(string actual, [CallerMemberName] string name = "", [CallerFilePath] string path = "")
    {
        string golden = Path.Combine(Path.GetDirectoryName(path)!, "Golden", $"{name}.txt");
#pragma warning disable RS0030 // The switch that rewrites expectations is for whoever runs the tests, so it is read from their shell.
        if (Environment.GetEnvironmentVariable("LATEEN_UPDATE_GOLDEN") == "1") File.WriteAllText(golden, actual);
#pragma warning restore RS0030
        Assert.True(File.Exists(golden), $"{golden} does not exist: run with LATEEN_UPDATE_GOLDEN=1 and read what it wrote");
        Assert.Equal(File.ReadAllText(golden), actual);
    }
}
