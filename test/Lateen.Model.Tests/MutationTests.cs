using System.Runtime.CompilerServices;
using CsCheck;

namespace Lateen.Model.Tests;

public sealed class MutationTests
{
    private static readonly string[] Texts =
    [
        .. Directory.EnumerateFiles(Path.Combine(SourceDirectory(), "Golden"), "*.yaml", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal).Select(File.ReadAllText).Where(text => text.Length < 10_000),
    ];

    private static readonly string[] Tokens =
    [
        "\"\"", "~", "null", "{}", "[]", "[{}]", "[[]]", "{\"\": {}}", "{\"\": x}", "*", "\"*\"", "*.", "\"/\"", "\"~/\"", "-1", "0", "99999999999999999999",
        "1e309", ".nan", "true", "\"a/b/c/d\"", "\"unix://\"", "\"[\"", "\"(\"", "\"\\\\\"", "\"(?\"", "\"{\"", "::1", "1.2.3.4%eth0", "- x", ":", "é", "\"\\0\"",
    ];

    private static readonly Gen<(int Text, int Count, int[] Where, int[] What)> Mutation =
        Gen.Select(Gen.Int[0, Texts.Length - 1], Gen.Int[1, 4], Gen.Int[0, int.MaxValue].Array[4], Gen.Int[0, int.MaxValue].Array[4]);

    [Fact]
    public void No_mutation_of_a_text_makes_the_reader_throw_or_accept_a_resource_beside_an_error() =>
        Mutation.Sample((text, count, where, what) =>
        {
            var mutated = Texts[text];
            for (var i = 0; i < count; i++) mutated = Mutate(mutated, where[i], what[i]);
            var read = ResourceReader.Read(mutated, "mutated.yaml");
            foreach (var document in read.Documents)
            {
                if (document.Resource is not null) Assert.DoesNotContain(document.Diagnostics, found => found.IsError);
                // A snapshot can be made of whatever was accepted.
                if (document.Resource is { } resource) _ = MeshChecks.Run(MeshSnapshotBuilder.Build(null, [resource], 1));
            }
        }, iter: 10_000);

    /// <summary>Replaces one value by a token or one key by nothing, removes a line, or cuts the text.</summary>
    private static string Mutate(string text, int where, int what)
    {
        if (text.Length == 0) return text;
        var at = where % text.Length;
        switch (what % 8)
        {
            case 0: return text[..at];
            case 1:
                var start = at == 0 ? 0 : text.LastIndexOf('\n', at - 1) + 1;
                var end = text.IndexOf('\n', at);
                return end < 0 ? text[..start] : text.Remove(start, end - start);
            case 2:
                var colon = text.IndexOf(": ", at, StringComparison.Ordinal);
                if (colon < 1) return text;
                var before = text.AsSpan(0, colon).LastIndexOfAny(" {,\n") + 1;
                return text[..before] + "\"\"" + text[colon..];
            default:
                var token = Tokens[what / 8 % Tokens.Length];
                var from = text.IndexOf(": ", at, StringComparison.Ordinal);
                if (from < 0) return text.Insert(at, token);
                var to = text.AsSpan(from + 2).IndexOfAny(",}]\n");
                return to < 0 ? text[..(from + 2)] + token : text[..(from + 2)] + token + text[(from + 2 + to)..];
        }
    }

    private static string SourceDirectory([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
