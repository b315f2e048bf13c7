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
    public void The_map_says_of_each_project_what_it_may_reference_and_the_rules_say_the_same()
    {
        var drawn = ProjectRow().Matches(Map).ToDictionary(row => row.Groups["name"].Value, row => ReferencesIn(row.Groups["references"].Value).Order());

        Assert.Equal(HouseRules.MayReference.Count, drawn.Count);
        Assert.All(HouseRules.MayReference, rule => Assert.Equal(rule.Value.Order(), drawn[rule.Key]));
    }

    /// <summary>Short names, or <c>nothing of ours</c>; <c>X and what it stands on</c> is X and all that X may reference.</summary>
    private static HashSet<string> ReferencesIn(string cell)
    {
        const string Nothing = "nothing of ours", WithItsOwn = " and what it stands on";
        if (cell == Nothing) return [];
        if (!cell.EndsWith(WithItsOwn, StringComparison.Ordinal)) return [.. cell.Split(", ").Select(name => $"Lateen.{name}")];
        var below = $"Lateen.{cell[..^WithItsOwn.Length]}";
        return [below, .. HouseRules.MayReference[below]];
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
        // One part of a partial type says it for all of them.
        var broken = from path in HouseRules.Sources("src")
                     from type in PublicTypes.In(File.ReadLines(path))
                     group (path, type) by (Project: HouseRules.Relative(path).Split(Path.DirectorySeparatorChar)[1], type.Name) into parts
                     where !parts.Any(part => part.type.IsDocumented)
                     select $"{HouseRules.Relative(parts.First().path)}: {parts.Key.Name}";

        Assert.True(!broken.Any(), "A public type without a docstring is a promise that nobody wrote down:\n" + string.Join('\n', broken));
    }

    [Theory]
    [InlineData("public sealed class A;", "A", false)]
    [InlineData("/// <summary>What.</summary>\n[Flags]\npublic enum A", "A", true)]
    [InlineData("/// <summary>What.</summary>\n[Of(\n    one)]\npublic sealed partial class A : B;", "A", true)]
    [InlineData("public static partial class A", "A", false)]
    [InlineData("/// <inheritdoc/>\npublic readonly ref struct A", "A", true)]
    public void Public_types_are_found_with_their_docstrings(string text, string name, bool isDocumented) =>
        Assert.Equal(new PublicTypes.Found(name, isDocumented), Assert.Single(PublicTypes.In(text.Split('\n'))));

    [Fact]
    public void Nested_types_are_public_where_all_around_them_are()
    {
        const string text = """
            /// <summary>What.</summary>
            public class Outer
            {
                public record Bare(int A);

                /// <summary>What.</summary>
                public enum Told
                {
                }

                internal class Hidden
                {
                    public struct NotToBeSeen;
                }
            }

            internal static class Other
            {
                public class NorThis;
            }
            """;

        Assert.Equal([new("Outer", true), new("Outer.Bare", false), new("Outer.Told", true)], PublicTypes.In(text.Split('\n')));
    }

    [GeneratedRegex(@"^\| `(?<name>(Lateen\.\w+|lateen(-proxy)?))` \|[^|]*\| (?<references>[^|]*) \|", RegexOptions.Multiline)]
    private static partial Regex ProjectRow();

    [GeneratedRegex(@"`(?<path>(src|test|bench|samples|docs|deploy)/[A-Za-z0-9_./-]+)`")]
    private static partial Regex RepositoryPath();
}
