namespace Lateen.Proxy.Tests.Routing;

/// <summary>Header conditions of routes (envoy.config.route.v3.HeaderMatcher).</summary>
public sealed class HeaderMatchTests
{
    [Theory]
    [InlineData("{name: x-user, string_match: {exact: bob}}", "X-User: bob", true)]
    [InlineData("{name: x-user, string_match: {exact: bob}}", "x-user: Bob", false)]
    [InlineData("{name: x-user, string_match: {exact: bob, ignore_case: true}}", "x-user: Bob", true)]
    [InlineData("{name: x-user, exact_match: bob}", "x-user: bob", true)]
    [InlineData("{name: x-user, string_match: {prefix: bo}}", "x-user: bob", true)]
    [InlineData("{name: x-user, string_match: {prefix: BO, ignore_case: true}}", "x-user: bob", true)]
    [InlineData("{name: x-user, prefix_match: ob}", "x-user: bob", false)]
    [InlineData("{name: x-user, string_match: {suffix: ob}}", "x-user: bob", true)]
    [InlineData("{name: x-user, suffix_match: bo}", "x-user: bob", false)]
    [InlineData("{name: x-user, string_match: {contains: o}}", "x-user: bob", true)]
    [InlineData("{name: x-user, string_match: {contains: O, ignore_case: true}}", "x-user: bob", true)]
    [InlineData("{name: x-user, contains_match: x}", "x-user: bob", false)]
    [InlineData("{name: x-user, string_match: {safe_regex: {regex: 'b.b'}}}", "x-user: bob", true)]
    [InlineData("{name: x-user, safe_regex_match: {regex: 'b'}}", "x-user: bob", false)]
    [InlineData("{name: x-age, range_match: {start: 18, end: 65}}", "x-age: 18", true)]
    [InlineData("{name: x-age, range_match: {start: 18, end: 65}}", "x-age: 65", false)]
    [InlineData("{name: x-age, range_match: {start: -5, end: 0}}", "x-age: -1", true)]
    [InlineData("{name: x-age, range_match: {start: 18, end: 65}}", "x-age: 20x", false)]
    [InlineData("{name: x-user}", "x-user: bob", true)]
    [InlineData("{name: x-user, present_match: true}", "x-user: bob", true)]
    [InlineData("{name: x-user, present_match: true}", "x-other: bob", false)]
    [InlineData("{name: x-user, present_match: false}", "x-other: bob", true)]
    [InlineData("{name: x-user, present_match: false}", "x-user: bob", false)]
    [InlineData("{name: x-user, present_match: true, invert_match: true}", "x-other: bob", true)]
    [InlineData("{name: x-user, string_match: {exact: bob}, invert_match: true}", "x-user: eve", true)]
    [InlineData("{name: x-user, string_match: {exact: bob}, invert_match: true}", "x-user: bob", false)]
    // A missing header has no value to compare, inverted or not, unless missing counts as empty.
    [InlineData("{name: x-user, string_match: {exact: bob}, invert_match: true}", "x-other: 1", false)]
    [InlineData("{name: x-user, string_match: {exact: bob}, invert_match: true, treat_missing_header_as_empty: true}", "x-other: 1", true)]
    [InlineData("{name: x-user, string_match: {exact: ''}, treat_missing_header_as_empty: true}", "x-other: 1", true)]
    [InlineData("{name: ':method', string_match: {exact: GET}}", "x: 1", true)]
    [InlineData("{name: ':method', string_match: {exact: POST}}", "x: 1", false)]
    [InlineData("{name: ':scheme', string_match: {exact: http}}", "x: 1", true)]
    [InlineData("{name: ':authority', string_match: {exact: Shop.example}}", "x: 1", true)]
    [InlineData("{name: host, string_match: {suffix: .example}}", "x: 1", true)]
    [InlineData("{name: ':path', string_match: {exact: '/p?q=1'}}", "x: 1", true)]
    public void Header_condition_holds_or_not(string matcher, string header, bool expected) =>
        Assert.Equal(expected, Routes.OfMatch($"{{prefix: /, headers: [{matcher}]}}").Hits(Call.Get("Shop.example", "/p?q=1", header)));

    [Fact]
    public void Several_fields_of_one_name_count_as_one_list() =>
        Assert.True(Routes.OfMatch("{prefix: /, headers: [{name: x-user, string_match: {exact: 'a,b'}}]}").Hits(Call.Get("h", "/", "x-user: a", "X-User: b")));

    [Fact]
    public void Long_list_of_fields_is_joined_all_the_same()
    {
        var value = new string('v', 200);
        var routes = Routes.OfMatch($"{{prefix: /, headers: [{{name: x-user, string_match: {{exact: '{value},{value}'}}}}]}}");
        Assert.True(routes.Hits(Call.Get("h", "/", $"x-user: {value}", $"x-user: {value}")));
    }

    [Fact]
    public void All_conditions_must_hold()
    {
        var routes = Routes.OfMatch("{prefix: /, headers: [{name: a, exact_match: '1'}, {name: b, exact_match: '2'}]}");
        Assert.True(routes.Hits(Call.Get("h", "/", "a: 1", "b: 2")));
        Assert.False(routes.Hits(Call.Get("h", "/", "a: 1")));
    }

    [Fact]
    public void Range_that_is_empty_and_name_that_is_none_are_refused() =>
        Assert.Equal(
            [
                "virtual_hosts[0].routes[0].match.headers[0].range_match: the start (inclusive) must be below the end (exclusive)",
                "virtual_hosts[0].routes[0].match.headers[1].name: 'a b' is not a header name",
            ],
            Routes.ErrorsOfRoutes("- match: {prefix: /, headers: [{name: a, range_match: {start: 5, end: 5}}, {name: 'a b'}]}\n  route: {cluster: c}"));
}
