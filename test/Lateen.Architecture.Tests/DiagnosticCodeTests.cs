using System.Text.RegularExpressions;

namespace Lateen.Architecture.Tests;

/// <summary>A diagnostic's code is what scripts match and what people look up, so it means one thing in the whole product, for ever.</summary>
public sealed partial class DiagnosticCodeTests
{
    private const string Catalogue = "src/Lateen.Model/Diagnostics/DiagnosticCodes.cs";

    private static string CatalogueText => File.ReadAllText(Path.Combine(HouseRules.Root, Catalogue));

    [Fact]
    public void No_code_is_declared_twice()
    {
        var declared = Declaration().Matches(CatalogueText).Select(match => match.Groups["code"].Value).ToList();

        Assert.NotEmpty(declared);
        Assert.Empty(declared.GroupBy(code => code).Where(group => group.Count() > 1).Select(group => group.Key));
        Assert.Equal(declared.Count, Written().Count(CatalogueText));
    }

    [Fact]
    public void Codes_are_written_in_the_catalogue_alone()
    {
        var broken = from path in HouseRules.Sources("src")
                     where HouseRules.Relative(path) != Catalogue
                     from line in File.ReadLines(path).Select((text, index) => (text, number: index + 1))
                     where Written().IsMatch(line.text)
                     select $"{HouseRules.Relative(path)}:{line.number}: {line.text.Trim()}";

        Assert.True(!broken.Any(), $"A code that {Catalogue} does not know can be given a second meaning there: declare it there and use its name.\n" + string.Join('\n', broken));
    }

    [Fact]
    public void The_documents_name_codes_that_there_are()
    {
        var declared = Declaration().Matches(CatalogueText).Select(match => match.Groups["code"].Value).ToHashSet();
        var unknown = from path in Directory.EnumerateFiles(Path.Combine(HouseRules.Root, "docs"), "*.md", SearchOption.AllDirectories)
                      from Match match in Named().Matches(File.ReadAllText(path))
                      where !declared.Contains(match.Value)
                      select $"{HouseRules.Relative(path)}: {match.Value}";

        Assert.Empty(unknown);
    }

    [GeneratedRegex("""(Error|Warning)\("(?<code>LAT[0-9]{4})",""")]
    private static partial Regex Declaration();

    [GeneratedRegex("\"LAT[0-9]{2,}")]
    private static partial Regex Written();

    [GeneratedRegex("LAT[0-9]{4}")]
    private static partial Regex Named();
}
