namespace Lateen.Proxy.Tests.Routing;

/// <summary>Path conditions of routes (envoy.config.route.v3.RouteMatch.path_specifier).</summary>
public sealed class PathMatchTests
{
    [Theory]
    // A prefix is a string prefix, not one of segments.
    [InlineData("{prefix: /foo}", "/foo", true)]
    [InlineData("{prefix: /foo}", "/foobar", true)]
    [InlineData("{prefix: /foo}", "/fo", false)]
    [InlineData("{prefix: /foo}", "/FOO", false)]
    [InlineData("{prefix: /foo, case_sensitive: false}", "/FOOd", true)]
    [InlineData("{prefix: /}", "/", true)]
    [InlineData("{prefix: /a}", "/b?x=/a", false)]
    [InlineData("{connect_matcher: {}}", "/foo", false)]
    [InlineData("{path: /foo}", "/foo", true)]
    [InlineData("{path: /foo}", "/foo?bar=1", true)]
    [InlineData("{path: /foo}", "/foo/", false)]
    [InlineData("{path: /foo}", "/Foo", false)]
    [InlineData("{path: /foo, case_sensitive: false}", "/Foo", true)]
    [InlineData("{path_separated_prefix: /foo}", "/foo", true)]
    [InlineData("{path_separated_prefix: /foo}", "/foo/bar", true)]
    [InlineData("{path_separated_prefix: /foo}", "/foo?x", true)]
    [InlineData("{path_separated_prefix: /foo}", "/foobar", false)]
    [InlineData("{path_separated_prefix: /foo, case_sensitive: false}", "/FOO/bar", true)]
    // An expression matches the whole path, without the query.
    [InlineData("{safe_regex: {regex: '/b[io]t'}}", "/bit", true)]
    [InlineData("{safe_regex: {regex: '/b[io]t'}}", "/bite", false)]
    [InlineData("{safe_regex: {regex: '/b[io]t'}}", "/bot?q", true)]
    [InlineData("{safe_regex: {regex: '.*'}}", "/anything", true)]
    [InlineData("{safe_regex: {regex: '/api/.*'}}", "/api/x/y", true)]
    [InlineData("{safe_regex: {regex: '/api/.*'}}", "/ap", false)]
    [InlineData("{safe_regex: {regex: '.*\\.css'}}", "/a/b.css", true)]
    [InlineData("{safe_regex: {regex: '.*\\.css'}}", "/a/bXcss", false)]
    [InlineData("{safe_regex: {regex: '/v1\\.0/.*'}}", "/v1.0/x", true)]
    [InlineData("{safe_regex: {regex: '/v1\\.0/.*'}}", "/v1x0/x", false)]
    [InlineData("{safe_regex: {regex: '.*admin.*'}}", "/x/admin/y", true)]
    [InlineData("{safe_regex: {regex: '/users/\\d+(/posts)?'}}", "/users/42/posts", true)]
    [InlineData("{safe_regex: {regex: '/users/\\d+(/posts)?'}}", "/users/x", false)]
    [InlineData("{safe_regex: {regex: '(?i)/Admin'}}", "/aDMIN", true)]
    [InlineData("{safe_regex: {regex: '/[[:alpha:]]+'}}", "/abC", true)]
    [InlineData("{safe_regex: {regex: '/[[:alpha:]]+'}}", "/ab1", false)]
    [InlineData("{safe_regex: {regex: '/\\Qa+b\\E'}}", "/a+b", true)]
    [InlineData("{safe_regex: {regex: '/(?P<name>[a-z]+)$'}}", "/abc", true)]
    [InlineData("{safe_regex: {regex: '/[^/]+/x|/y'}}", "/y", true)]
    public void Path_condition_holds_or_not(string match, string path, bool expected) =>
        Assert.Equal(expected, Routes.OfMatch(match).Hits(Call.Get("a", path)));

    [Theory]
    [InlineData(@"/a(?=b)", "look-around is not part of RE2 at position 3")]
    [InlineData(@"/(a)\1", "back references are not part of RE2 at position 5")]
    [InlineData(@"/[a", "a character class is not closed at position 2")]
    [InlineData(@"/a\", "the expression ends in a backslash at position 3")]
    [InlineData(@"", "the expression is empty")]
    public void Expression_that_RE2_would_refuse_is_refused(string regex, string reason) =>
        Assert.Equal(
            [$"virtual_hosts[0].routes[0].match.safe_regex.regex: {reason}"],
            Routes.ErrorsOfRoutes($"- match: {{safe_regex: {{regex: '{regex}'}}}}\n  route: {{cluster: c}}"));

    [Fact]
    public void Expression_that_backtracks_for_ever_elsewhere_is_linear_here() =>
        Assert.False(Routes.OfMatch("{safe_regex: {regex: '/(a+)+b'}}").Hits(Call.Get("a", "/" + new string('a', 20_000))));

    [Theory]
    [InlineData("/")]
    [InlineData("foo")]
    [InlineData("/foo/")]
    [InlineData("/foo?x")]
    public void Separated_prefix_that_can_never_match_segments_is_refused(string prefix) =>
        Assert.StartsWith(
            "virtual_hosts[0].routes[0].match.path_separated_prefix:",
            Assert.Single(Routes.ErrorsOfRoutes($"- match: {{path_separated_prefix: '{prefix}'}}\n  route: {{cluster: c}}")),
            StringComparison.Ordinal);

    [Fact]
    public void First_matching_route_wins_in_written_order() =>
        Assert.Equal("all/first", Routes.OfRoutes("""
            - match: {prefix: /a}
              route: {cluster: first}
            - match: {path: /ab}
              route: {cluster: second}
            """).Reach(Call.Get("h", "/ab")));

    [Fact]
    public void Star_target_matches_no_slash_prefix() => Assert.False(Routes.OfMatch("{prefix: /}").Hits(Call.Of("OPTIONS", "h", "*")));
}
