namespace Lateen.Proxy.Tests.Routing;

/// <summary>What a forwarded request looks like after its route rewrote it.</summary>
public sealed class RewriteTests
{
    [Theory]
    [InlineData("{prefix: /api}", "prefix_rewrite: /", "/api/x?q=1", "//x?q=1")]
    [InlineData("{prefix: /api/}", "prefix_rewrite: /", "/api/x?q=1", "/x?q=1")]
    [InlineData("{prefix: /api}", "prefix_rewrite: /v2", "/api", "/v2")]
    [InlineData("{prefix: /API, case_sensitive: false}", "prefix_rewrite: /v2", "/api/x", "/v2/x")]
    [InlineData("{path: /old}", "prefix_rewrite: /new", "/old?q", "/new?q")]
    [InlineData("{path_separated_prefix: /api}", "prefix_rewrite: /v2", "/api/x", "/v2/x")]
    [InlineData("{prefix: /}", "regex_rewrite: {pattern: {regex: '^/service/([^/]+)(/.*)$'}, substitution: '\\2/instance/\\1'}", "/service/foo/v1/api", "/v1/api/instance/foo")]
    [InlineData("{prefix: /}", "regex_rewrite: {pattern: {regex: 'one'}, substitution: 'two'}", "/xxx/one/yyy/one/zzz?one", "/xxx/two/yyy/two/zzz?one")]
    [InlineData("{prefix: /}", "regex_rewrite: {pattern: {regex: '(?i)/xxx/'}, substitution: '/yyy/'}", "/aaa/XxX/bbb", "/aaa/yyy/bbb")]
    [InlineData("{prefix: /}", "regex_rewrite: {pattern: {regex: 'a'}, substitution: '$1'}", "/a", "/$1")]
    public void Path_is_rewritten_and_the_original_kept(string match, string rewrite, string path, string expected)
    {
        var request = Call.Get("h", path);
        Assert.True(RoutesWith(match, rewrite).Forward(request).TryRewrite(request, null, keepsOriginals: true));
        Assert.Equal(expected, Call.Text(request.PathAndQuery));
        Assert.Equal(path, Call.Header(request.Headers, "x-envoy-original-path"));
    }

    [Theory]
    [InlineData("host_rewrite_literal: svc.internal", "svc.internal")]
    [InlineData("host_rewrite_header: x-target", "from-header:81")]
    [InlineData("host_rewrite_header: x-nothing", "shop.example")]
    [InlineData("host_rewrite_path_regex: {pattern: {regex: '^/([^/]+)/.*$'}, substitution: '\\1.internal'}", "books.internal")]
    public void Host_is_rewritten(string rewrite, string expected)
    {
        var request = Call.Get("shop.example", "/books/1", "x-target: from-header:81");
        Assert.True(RoutesWith("{prefix: /}", rewrite).Forward(request).TryRewrite(request, null, keepsOriginals: true));
        Assert.Equal(expected, Call.Text(request.Authority));
        Assert.Equal(expected == "shop.example" ? null : "shop.example", Call.Header(request.Headers, "x-envoy-original-host"));
    }

    [Fact]
    public void Replaced_host_is_appended_to_x_forwarded_host_when_asked_for()
    {
        var request = Call.Get("shop.example", "/", "x-forwarded-host: edge.example");
        RoutesWith("{prefix: /}", "host_rewrite_literal: svc\n    append_x_forwarded_host: true").Forward(request).TryRewrite(request, null, keepsOriginals: false);
        Assert.Equal("edge.example,shop.example", Call.Header(request.Headers, "x-forwarded-host"));
        Assert.Null(Call.Header(request.Headers, "x-envoy-original-host"));
    }

    [Fact]
    public void Host_that_a_client_could_break_out_with_leaves_the_request_as_it_was()
    {
        var request = Call.Get("shop.example", "/", "x-target: evil/../@host");
        Assert.False(RoutesWith("{prefix: /}", "host_rewrite_header: x-target").Forward(request).TryRewrite(request, null, keepsOriginals: true));
        Assert.Equal("shop.example", Call.Text(request.Authority));
    }

    [Fact]
    public void Path_that_an_expression_makes_invalid_leaves_the_request_as_it_was()
    {
        var request = Call.Get("h", "/a");
        Assert.False(RoutesWith("{prefix: /}", "regex_rewrite: {pattern: {regex: '^/'}, substitution: ''}").Forward(request).TryRewrite(request, null, keepsOriginals: true));
        Assert.Equal("/a", Call.Text(request.Path));
    }

    [Theory]
    [InlineData("prefix_rewrite: nope", "prefix_rewrite: 'nope' must begin with '/' and have neither query nor fragment")]
    [InlineData("prefix_rewrite: /x?y", "prefix_rewrite: '/x?y' must begin with '/' and have neither query nor fragment")]
    [InlineData("regex_rewrite: {pattern: {regex: '(a)'}, substitution: '\\2'}", "regex_rewrite: the substitution names group \\2, the expression has 1")]
    [InlineData("host_rewrite_literal: 'a b'", "host_rewrite_literal: 'a b' is not a host")]
    [InlineData("priority: HIGH", "priority: only DEFAULT is supported")]
    [InlineData("timeout: -1s", "timeout: a duration must not be negative or longer than a century")]
    public void Rewrite_that_cannot_be_kept_is_refused_with_its_path(string rewrite, string expected) =>
        Assert.Equal(["virtual_hosts[0].routes[0].route." + expected], Routes.ErrorsOfRoutes($"- match: {{prefix: /}}\n  route:\n    cluster: c\n    {rewrite}"));

    [Fact]
    public void Timeouts_have_Envoys_defaults_and_zero_turns_them_off()
    {
        var forward = RoutesWith("{prefix: /}", "cluster_not_found_response_code: NOT_FOUND").Forward(Call.Get("h", "/"));
        Assert.Equal(TimeSpan.FromSeconds(15), forward.Timeout);
        Assert.False(forward.HasIdleTimeout);
        Assert.Equal(404, forward.ClusterNotFoundStatus);

        forward = RoutesWith("{prefix: /}", "timeout: 0s\n    idle_timeout: 0s").Forward(Call.Get("h", "/"));
        Assert.Null(forward.Timeout);
        Assert.True(forward.HasIdleTimeout);
        Assert.Null(forward.IdleTimeout);
    }

    private static Routes RoutesWith(string match, string rewrite) => Routes.OfRoutes($"- match: {match}\n  route:\n    cluster: c\n    {rewrite}");
}
