using System.Runtime.CompilerServices;
using System.Text;

namespace Lateen.Model.Tests;

/// <summary>
/// Each <c>Golden/**/case.yaml</c> is read, and what is found in it is compared with <c>case.golden</c> beside it: every diagnostic, then
/// which resources are served and which refused. <c>./test.sh --update-golden</c> rewrites the golden files; read the difference.
/// </summary>
public sealed class GoldenTests
{
    internal static readonly string Root = Path.Combine(SourceDirectory(), "Golden");

    public static TheoryData<string> Cases =>
        new(Directory.EnumerateFiles(Root, "*.yaml", SearchOption.AllDirectories)
            .Select(file => Path.ChangeExtension(Path.GetRelativePath(Root, file), null)).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_diagnostic_of_the_case_is_the_golden_one(string name)
    {
        var golden = Path.Combine(Root, name + ".golden");
        var actual = Describe(name);
        if (IsUpdateWanted) File.WriteAllText(golden, actual);
        Assert.True(File.Exists(golden), $"there is no {name}.golden; run ./test.sh --update-golden and read what it wrote");
        Assert.Equal(File.ReadAllText(golden), actual);
    }

    [Fact]
    public void Every_diagnostic_code_of_the_model_occurs_in_some_case()
    {
        // These belong to the directory source (test/Lateen.Discovery.Tests), to a body too large for a golden file, to the checks across
        // resources, and to the running control plane (test/Lateen.ControlPlane.Tests).
        string[] elsewhere = ["LAT0109", "LAT0110", "LAT0111", "LAT0315", .. DiagnosticCodes.All.Select(code => code.Code).Where(code => code[..5] is "LAT09" or "LAT13")];
        var seen = Cases.SelectMany(name => Read(name.Data).Diagnostics).Select(found => found.Code).ToHashSet();
        var unseen = DiagnosticCodes.All.Select(code => code.Code).Where(code => !seen.Contains(code) && !elsewhere.Contains(code));
        Assert.Empty(unseen);
    }

#pragma warning disable RS0030 // ./test.sh tells the tests by this variable that golden files are to be rewritten.
    private static bool IsUpdateWanted => Environment.GetEnvironmentVariable("LATEEN_UPDATE_GOLDEN") == "1";
#pragma warning restore RS0030

    private static ResourceSet Read(string name) =>
        ResourceReader.Read(File.ReadAllText(Path.Combine(Root, name + ".yaml")), Path.GetFileName(name) + ".yaml");

    private static string Describe(string name)
    {
        var read = Read(name);
        var text = new StringBuilder();
        foreach (var diagnostic in read.Diagnostics) text.Append(diagnostic).Append('\n');
        foreach (var document in read.Documents)
            text.Append(document.Resource is { } served ? $"served  {served}" : $"refused {document.Reference}").Append('\n');
        return text.ToString();
    }

    private static string SourceDirectory([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
