namespace Lateen.Yaml.Tests;

public sealed class YamlReaderTests
{
    [Theory]
    [InlineData("~", YamlScalarType.Null)]
    [InlineData("null", YamlScalarType.Null)]
    [InlineData("true", YamlScalarType.Boolean)]
    [InlineData("False", YamlScalarType.Boolean)]
    [InlineData("yes", YamlScalarType.String)]
    [InlineData("on", YamlScalarType.String)]
    [InlineData("12", YamlScalarType.Integer)]
    [InlineData("-12", YamlScalarType.Integer)]
    [InlineData("0x1F", YamlScalarType.Integer)]
    [InlineData("0o17", YamlScalarType.Integer)]
    [InlineData("0o18", YamlScalarType.String)]
    [InlineData("1_000", YamlScalarType.String)]
    [InlineData("1.5", YamlScalarType.Float)]
    [InlineData(".5", YamlScalarType.Float)]
    [InlineData("1e3", YamlScalarType.Float)]
    [InlineData("1e", YamlScalarType.String)]
    [InlineData("1.2.3", YamlScalarType.String)]
    [InlineData("10.0.0.1/8", YamlScalarType.String)]
    [InlineData("0.25s", YamlScalarType.String)]
    [InlineData("-.inf", YamlScalarType.Float)]
    [InlineData(".", YamlScalarType.String)]
    [InlineData("-", YamlScalarType.String)]
    [InlineData("\"12\"", YamlScalarType.String)]
    [InlineData("'true'", YamlScalarType.String)]
    [InlineData("!!str 12", YamlScalarType.String)]
    [InlineData("! 12", YamlScalarType.String)]
    public void A_scalar_has_the_type_that_the_core_schema_gives_it(string text, YamlScalarType expected)
    {
        YamlMapping root = Mapping("v: " + (text == "-" ? "'-'" : text));
        Assert.Equal(expected, Assert.IsType<YamlScalar>(root["v"]).Type);
    }

    [Fact]
    public void Every_node_knows_its_line_and_column()
    {
        YamlMapping root = Mapping("a:\n  - x\n  - {b: 'y'}\n");
        YamlSequence list = Assert.IsType<YamlSequence>(root["a"]);
        Assert.Equal(new YamlPosition(2, 3), list.Position);
        Assert.Equal(new YamlPosition(3, 5), list[1].Position);
        YamlEntry entry = Assert.IsType<YamlMapping>(list[1])[0];
        Assert.Equal(new YamlPosition(3, 6), entry.Key.Position);
        Assert.Equal(new YamlPosition(3, 9), entry.Value.Position);
    }

    [Fact]
    public void Positions_in_later_documents_count_from_the_start_of_the_text()
    {
        YamlDocuments documents = YamlReader.Read("# one\na: 1\n---\n# two\nb:\n  c: 2\n");
        Assert.Equal(2, documents.Documents.Length);
        Assert.Equal(3, documents.Documents[1].StartLine);
        YamlMapping second = documents.Documents[1].Root!.AsMapping()!;
        Assert.Equal(new YamlPosition(5, 1), second[0].Key.Position);
        Assert.Equal(new YamlPosition(6, 6), second["b"]!.AsMapping()!["c"]!.Position);
    }

    [Fact]
    public void A_fault_in_one_document_leaves_the_others_whole()
    {
        YamlDocuments documents = YamlReader.Read("a: 1\n---\nb: [1, 2\n---\nc: 'open\n---\nd: 4\n");
        Assert.Equal(4, documents.Documents.Length);
        Assert.Equal("1", documents.Documents[0].Root!.AsMapping()!["a"]!.AsScalar()!.Text);
        Assert.Null(documents.Documents[1].Root);
        Assert.Null(documents.Documents[2].Root);
        Assert.Equal("4", documents.Documents[3].Root!.AsMapping()!["d"]!.AsScalar()!.Text);
        Assert.All(documents.Errors, static error => Assert.StartsWith("not valid YAML: ", error.Message, StringComparison.Ordinal));
        Assert.Equal([4, 5], documents.Errors.Select(static error => error.Position.Line));
    }

    [Fact]
    public void A_fault_that_the_scanner_has_no_words_for_is_said_in_plain_ones()
    {
        YamlError error = Assert.Single(YamlReader.Read("metadata: {name: broken\nspec: [}").Errors);
        Assert.StartsWith("not valid YAML: ", error.Message, StringComparison.Ordinal);
        Assert.Contains("not closed", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Empty_documents_and_comments_are_no_documents()
    {
        YamlDocuments documents = YamlReader.Read("---\n# nothing\n---\n---\na: 1\n...\n---\n");
        Assert.False(documents.HasErrors);
        Assert.Equal("1", Assert.Single(documents.Documents).Root!.AsMapping()!["a"]!.AsScalar()!.Text);
    }

    [Fact]
    public void A_directive_belongs_to_the_document_below_it()
    {
        YamlDocuments documents = YamlReader.Read("# head\n%YAML 1.2\n---\na: 1\n...\n%YAML 1.2\n---\nb: 2\n");
        Assert.Empty(documents.Errors);
        Assert.Equal(2, documents.Documents.Length);
    }

    [Fact]
    public void A_document_marker_inside_a_word_is_content()
    {
        YamlMapping root = Mapping("a: |\n  ---\n  x\nb: ---x\n");
        Assert.Equal("---\nx\n", root["a"]!.AsScalar()!.Text);
        Assert.Equal("---x", root["b"]!.AsScalar()!.Text);
    }

    [Fact]
    public void A_repeated_key_is_an_error_at_the_second_place_and_names_the_first()
    {
        YamlError error = Assert.Single(YamlReader.Read("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n").Errors);
        Assert.Equal(new YamlPosition(5, 3), error.Position);
        Assert.Equal("the key 'c' is here a second time (first at 3:3)", error.Message);
    }

    [Fact]
    public void All_repeated_keys_are_reported_not_the_first_only()
    {
        Assert.Equal(2, YamlReader.Read("a: 1\na: 2\nb: 1\nb: 2\n").Errors.Count());
    }

    [Fact]
    public void A_repeated_key_in_json_is_an_error_too()
    {
        YamlError error = Assert.Single(YamlReader.Read("{\"a\": 1,\n \"a\": 2}").Errors);
        Assert.Equal(new YamlPosition(2, 2), error.Position);
    }

    [Fact]
    public void Json_with_tabs_and_escapes_is_read()
    {
        YamlMapping root = Mapping("{\n\t\"a\": \"x\\/y\\u00e9\\ud83d\\ude00\\n\",\n\t\"b\": [1, -2.5e3, true, null, {}],\n\t\"c\":{\"d\":\"\"}\n}\n");
        Assert.Equal("x/y\u00e9\ud83d\ude00\n", root["a"]!.AsScalar()!.Text);
        Assert.Equal([YamlScalarType.Integer, YamlScalarType.Float, YamlScalarType.Boolean, YamlScalarType.Null], root["b"]!.AsSequence()!.OfType<YamlScalar>().Select(static item => item.Type));
        Assert.Equal(YamlScalarType.String, root["c"]!.AsMapping()!["d"]!.AsScalar()!.Type);
    }

    [Fact]
    public void An_alias_repeats_its_anchor_and_a_merge_key_yields_to_what_is_written()
    {
        YamlMapping root = Mapping("base: &b {x: 1, y: 2}\nsame: *b\nmore:\n  <<: *b\n  y: 3\n");
        Assert.Same(root["base"], root["same"]);
        YamlMapping more = root["more"]!.AsMapping()!;
        Assert.Equal("3", more["y"]!.AsScalar()!.Text);
        Assert.Equal("1", more["x"]!.AsScalar()!.Text);
    }

    [Theory]
    [InlineData("a: *b\n", "the alias *b has no anchor &b before it")]
    [InlineData("a: &a [*a]\n", "the alias *a stands inside the value that it repeats")]
    [InlineData("? [x]\n: 1\n", "a key must be a plain or quoted word, not a list")]
    [InlineData("a: !!int x\n", "the tag tag:yaml.org,2002:int does not fit 'x' or is not supported")]
    [InlineData("a: !mine {}\n", "the tag !mine is not supported; remove it")]
    [InlineData("<<: 3\n", "'<<' merges a mapping or a list of mappings, not a number")]
    public void What_is_not_supported_is_refused_with_its_reason(string text, string message)
    {
        Assert.Contains(message, YamlReader.Read(text).Errors.Select(static error => error.Message));
    }

    [Fact]
    public void Nested_aliases_cannot_blow_a_small_text_up()
    {
        var text = new System.Text.StringBuilder("l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 12; i++)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"l{i}: &l{i} [{string.Join(", ", Enumerable.Repeat($"*l{i - 1}", 10))}]\n");
        }

        YamlError error = Assert.Single(YamlReader.Read(text.ToString()).Errors);
        Assert.Contains("more than 4194304 values", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Depth_and_length_are_bounded()
    {
        YamlError deep = Assert.Single(YamlReader.Read(new string('[', 100_000)).Errors);
        Assert.Equal("values are nested more than 128 levels deep", deep.Message);
        YamlError many = Assert.Single(YamlReader.Read("[a, b, c, d]", new YamlLimits { MaxExpandedNodes = 3 }).Errors);
        Assert.Contains("more than 3 values", many.Message, StringComparison.Ordinal);
        YamlError wide = Assert.Single(YamlReader.Read("abcd", new YamlLimits { MaxCharacters = 3 }).Errors);
        Assert.Contains("limit of 3", wide.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# only a comment\n")]
    public void A_single_document_is_missed_when_there_is_none(string text)
    {
        Assert.Null(YamlReader.ReadSingle(text, out var errors));
        Assert.Equal("the text holds no document", Assert.Single(errors).Message);
    }

    [Fact]
    public void A_second_document_is_refused_where_one_is_expected()
    {
        Assert.Null(YamlReader.ReadSingle("a: 1\n---\nb: 2\n", out var errors));
        Assert.Equal(2, Assert.Single(errors).Position.Line);
    }

    [Theory]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("0x7fffffffffffffff", long.MaxValue)]
    [InlineData("0o777", 511L)]
    public void Integers_are_read_in_every_base(string text, long expected)
    {
        Assert.True(Mapping("v: " + text)["v"]!.AsScalar()!.TryGetInt64(out long value));
        Assert.Equal(expected, value);
    }

    private static YamlMapping Mapping(string text)
    {
        YamlNode? root = YamlReader.ReadSingle(text, out var errors);
        Assert.Empty(errors);
        return Assert.IsType<YamlMapping>(root);
    }
}
