namespace Lateen.Proxy.Tests.Routing;

/// <summary>Query conditions of routes (envoy.config.route.v3.QueryParameterMatcher).</summary>
public sealed class QueryMatchTests
{
    [Theory]
    [InlineData("{name: v, string_match: {exact: '2'}}", "/?v=2", true)]
    [InlineData("{name: v, string_match: {exact: '2'}}", "/?v=2&v=3", true)]
    [InlineData("{name: v, string_match: {exact: '3'}}", "/?v=2&v=3", false)]
    [InlineData("{name: v, string_match: {exact: '2'}}", "/?w=1&v=2", true)]
    [InlineData("{name: v, string_match: {exact: '2'}}", "/?vv=2", false)]
    [InlineData("{name: v, string_match: {exact: '2'}}", "/", false)]
    [InlineData("{name: v, string_match: {prefix: be}}", "/?v=beta", true)]
    [InlineData("{name: v, string_match: {safe_regex: {regex: '[0-9]+'}}}", "/?v=12", true)]
    [InlineData("{name: v, string_match: {safe_regex: {regex: '[0-9]+'}}}", "/?v=1x", false)]
    [InlineData("{name: v, string_match: {exact: ''}}", "/?v", true)]
    [InlineData("{name: v, present_match: true}", "/?v", true)]
    [InlineData("{name: v, present_match: true}", "/?w=v", false)]
    [InlineData("{name: v, present_match: false}", "/?w=v", true)]
    [InlineData("{name: v}", "/?v=x", true)]
    [InlineData("{name: v, string_match: {exact: 'a%20b'}}", "/?v=a%20b", true)]
    public void Query_condition_holds_or_not(string matcher, string path, bool expected) =>
        Assert.Equal(expected, Routes.OfMatch($"{{prefix: /, query_parameters: [{matcher}]}}").Hits(Call.Get("h", path)));
}
