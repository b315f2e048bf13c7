using System.Collections.Immutable;
using CsCheck;

namespace Lateen.Yaml.Tests;

public sealed class YamlWriterTests
{
    private static readonly Gen<YamlNode> Nodes = Node(3);

    [Fact]
    public void Yaml_is_written_as_a_person_would()
    {
        YamlMapping node = new YamlMappingBuilder()
            .Add("apiVersion", "v1")
            .Add("metadata", new YamlMappingBuilder().Add("name", "reviews").Add("labels", YamlMapping.Empty).Build())
            .Add("spec", new YamlMappingBuilder()
                .Add("hosts", new YamlSequence([YamlScalar.FromString("*"), YamlScalar.FromString("reviews.default.svc.cluster.local")]))
                .Add("http", new YamlSequence([new YamlMappingBuilder().Add("timeout", "0.5s").Add("version", "1.10").Add("weight", 90).Build()]))
                .Add("enabled", true)
                .Add("mode", "on")
                .Add("body", "first\nsecond\n")
                .Build())
            .Build();
        Assert.Equal(
            """
            apiVersion: v1
            metadata:
              name: reviews
              labels: {}
            spec:
              hosts:
              - "*"
              - reviews.default.svc.cluster.local
              http:
              - timeout: 0.5s
                version: "1.10"
                weight: 90
              enabled: true
              mode: "on"
              body: |
                first
                second

            """,
            YamlWriter.Write(node));
    }

    [Fact]
    public void Json_is_written_compact_and_indented()
    {
        YamlNode node = YamlReader.ReadSingle("a: [1, 0x10, .inf, ~, \"q\\\"\\u0001\"]\nb: {}\nc: []\n", out _)!;
        Assert.Equal("{\"a\":[1,16,\"Infinity\",null,\"q\\\"\\u0001\"],\"b\":{},\"c\":[]}", JsonWriter.Write(node));
        Assert.Equal("{\n  \"a\": [\n    1,\n    16,\n    \"Infinity\",\n    null,\n    \"q\\\"\\u0001\"\n  ],\n  \"b\": {},\n  \"c\": []\n}\n", JsonWriter.Write(node, indented: true));
    }

    [Fact]
    public void Whatever_is_written_as_yaml_reads_back_equal()
    {
        Nodes.Sample(static node => AssertEqual(node, YamlReader.ReadSingle(YamlWriter.Write(Root(node)), out var errors), errors), iter: 20_000);
    }

    [Fact]
    public void Whatever_is_written_as_json_reads_back_equal_and_is_json()
    {
        Nodes.Sample(
            static node =>
            {
                string text = JsonWriter.Write(Root(node), indented: true);
                using var json = System.Text.Json.JsonDocument.Parse(text);
                AssertEqual(node, YamlReader.ReadSingle(text, out var errors), errors);
            },
            iter: 20_000);
    }

    [Fact]
    public void Random_text_never_makes_the_reader_throw()
    {
        Gen<string> text = Gen.OneOf(
            Gen.String[Gen.Char["ab:-[]{}#&*!|>'\"%@` \n\t,?~01.\\\u00e9"], 0, 60],
            Gen.String[0, 60]);
        text.Sample(static input => YamlReader.Read(input).Documents.Length >= 0, iter: 50_000);
    }

    private static YamlMapping Root(YamlNode node) => new YamlMappingBuilder().Add("root", node).Build();

    private static void AssertEqual(YamlNode expected, YamlNode? actual, ImmutableArray<YamlError> errors)
    {
        Assert.True(errors.IsEmpty, $"{string.Join("; ", errors)} in {YamlWriter.Write(Root(expected))}");
        Assert.Equal(JsonWriter.Write(Root(expected)), JsonWriter.Write(actual!));
    }

    private static Gen<YamlNode> Node(int depth)
    {
        Gen<string> strings = Gen.OneOf(
            Gen.String[Gen.Char["ab:-[]{}#&*!|>'\"%@` \n\t,?~01.\\\u00e9\u0085\u2028"], 0, 12],
            Gen.String[Gen.Char["ab \n#:"], 0, 20],
            Gen.String[Gen.Char['\u0001', '\u07ff'], 0, 8],
            OneOf("yes", "no", "null", "~", "1e3", "0x1", "12:30", "2001-01-01", "---", "...", "- a", "<<", "=", "\ud83d\ude00", "a: b", "a #b", "\ufeffx"));
        Gen<YamlNode> scalar = Gen.OneOf(
            strings.Select(static YamlNode (text) => YamlScalar.FromString(text)),
            Gen.Long.Select(static YamlNode (value) => YamlScalar.FromInteger(value)),
            Gen.Double.Where(double.IsFinite).Select(static YamlNode (value) => YamlScalar.FromDouble(value)),
            Gen.Bool.Select(static YamlNode (value) => YamlScalar.FromBoolean(value)),
            Gen.Const<YamlNode>(YamlScalar.Null));
        if (depth == 0)
        {
            return scalar;
        }

        Gen<YamlNode> inner = Node(depth - 1);
        Gen<string> keys = strings.Where(static key => key != "<<");
        return Gen.OneOf(
            scalar,
            inner.Array[0, 3].Select(static YamlNode (items) => new YamlSequence([.. items])),
            Gen.Select(keys, inner).Array[0, 3].Select(static YamlNode (pairs) => ToMapping(pairs)));
    }

    private static Gen<string> OneOf(params string[] values) => Gen.Int[0, values.Length - 1].Select(at => values[at]);

    private static YamlMapping ToMapping((string Key, YamlNode Value)[] pairs)
    {
        var builder = new YamlMappingBuilder();
        foreach ((string key, YamlNode value) in pairs.DistinctBy(static pair => pair.Key))
        {
            builder.Add(key, value);
        }

        return builder.Build();
    }
}
