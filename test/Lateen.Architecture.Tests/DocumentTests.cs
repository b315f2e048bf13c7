using System.Text.RegularExpressions;

namespace Lateen.Architecture.Tests;

/// <summary>ARCHITECTURE.md is a map: these tests keep it true to the ground.</summary>
public sealed partial class DocumentTests
{
    private static string Map => File.ReadAllText(Path.Combine(HouseRules.Root, "ARCHITECTURE.md"));

    [Fact]
    public void The_map_names_every_project_and_no_other()
    {
        var named = ProjectRow().Matches(Map).Select(row => row.Groups["name"].Value).ToHashSet();

        Assert.Equal(HouseRules.Projects.Keys.Order(), named.Order());
    }

    [Fact]
    public void The_map_names_every_room_of_the_proxy()
    {
        var rooms = Directory.EnumerateDirectories(Path.Combine(HouseRules.Root, "src/Lateen.Proxy"))
            .Select(path => Path.GetFileName(path)!)
            .Where(name => name is not ("obj" or "bin"));

        Assert.All(rooms, room => Assert.Contains($"`{room}/`", Map, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_path_that_the_documents_name_exists()
    {
        string[] documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"];
        var broken = from document in documents
                     let text = File.ReadAllText(Path.Combine(HouseRules.Root, document))
                     from Match match in RepositoryPath().Matches(text)
                     let path = match.Groups["path"].Value.TrimEnd('/')
                     where !Path.Exists(Path.Combine(HouseRules.Root, path))
                     select $"{document}: {path}";

        Assert.True(!broken.Any(), $"Documents name what is not there: {string.Join(", ", broken)}");
    }

    [Fact]
    public void Every_decision_record_says_what_was_refused_and_when()
    {
        var records = Directory.EnumerateFiles(Path.Combine(HouseRules.Root, "docs/adr"), "*.md").Order().ToArray();

        Assert.NotEmpty(records);
        Assert.All(records, path =>
        {
            var text = File.ReadAllText(path);
            foreach (var heading in new[] { "## Context", "## Decision", "## Refused", "## Consequences", "Date: " })
            {
                Assert.True(text.Contains(heading, StringComparison.Ordinal), $"{HouseRules.Relative(path)} lacks '{heading}'");
            }
        });
    }

    [Fact]
    public void No_source_file_has_grown_into_two_ideas()
    {
        var long_ = HouseRules.Sources("src", "test", "bench", "samples")
            .Select(path => (path, lines: File.ReadLines(path).Count()))
            .Where(file => file.lines > 600)
            .Select(file => $"{HouseRules.Relative(file.path)} ({file.lines})");

        Assert.True(!long_.Any(), $"Over 600 lines: find the seam. {string.Join(", ", long_)}");
    }

    [Fact]
    public void Every_public_type_says_what_it_promises()
    {
        var broken = from path in HouseRules.Sources("src")
                     from match in PublicType().Matches(File.ReadAllText(path)).Cast<Match>()
                     where !match.Groups["doc"].Value.Contains("<summary>", StringComparison.Ordinal)
                        && !match.Groups["doc"].Value.Contains("<inheritdoc", StringComparison.Ordinal)
                        && !match.Groups["modifiers"].Value.Contains("partial", StringComparison.Ordinal)
                     select $"{HouseRules.Relative(path)}: {match.Groups["name"].Value}";

        Assert.True(!broken.Any(), "A public type without a docstring is a promise that nobody wrote down:\n" + string.Join('\n', broken));
    }

    [GeneratedRegex(@"^\| `(?<name>(Lateen\.\w+|lateen(-proxy)?))` \|", RegexOptions.Multiline)]
    private static partial Regex ProjectRow();

    [GeneratedRegex(@"`(?<path>(src|test|bench|samples|docs|deploy)/[A-Za-z0-9_./-]+)`")]
    private static partial Regex RepositoryPath();

    [GeneratedRegex(@"(?<doc>(?:^(?:///[^\n]*|\[[^\n]*\]|#[^\n]*)\n)*)^public (?<modifiers>(?:(?:static|sealed|abstract|readonly|ref|partial|unsafe) )*)(?:class|struct|interface|enum|record struct|record class|record|delegate) +(?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex PublicType();
}
