using Lateen.Http;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Tests.Routing;

/// <summary>Redirects and direct responses.</summary>
public sealed class RedirectTests
{
    [Theory]
    [InlineData("https_redirect: true", "shop.example", "/a?b=1", "https://shop.example/a?b=1")]
    [InlineData("https_redirect: true", "shop.example:80", "/", "https://shop.example/")]
    [InlineData("https_redirect: true", "shop.example:8080", "/", "https://shop.example:8080/")]
    [InlineData("scheme_redirect: HTTPS", "[::1]:80", "/", "https://[::1]/")]
    [InlineData("{https_redirect: true, port_redirect: 8443}", "shop.example:8080", "/", "https://shop.example:8443/")]
    [InlineData("port_redirect: 81", "shop.example", "/", "http://shop.example:81/")]
    [InlineData("host_redirect: new.example", "shop.example:8080", "/a", "http://new.example/a")]
    [InlineData("path_redirect: /new", "h", "/old?x=1", "http://h/new?x=1")]
    [InlineData("path_redirect: /new", "h:8080", "/old", "http://h:8080/new")]
    [InlineData("path_redirect: /new", "h:80", "/old", "http://h:80/new")]
    [InlineData("path_redirect: '/new?y=2'", "h", "/old?x=1", "http://h/new?y=2")]
    [InlineData("{path_redirect: /new, strip_query: true}", "h", "/old?x=1", "http://h/new")]
    [InlineData("prefix_rewrite: /new", "h", "/old/x?q", "http://h/new/x?q")]
    [InlineData("strip_query: true", "h", "/old/x?q", "http://h/old/x")]
    [InlineData("regex_rewrite: {pattern: {regex: '/old/(.*)'}, substitution: '/\\1'}", "h", "/old/x?q", "http://h/x?q")]
    public void Location_is_built_from_the_request(string redirect, string host, string path, string expected)
    {
        var routes = Routes.OfRoutes($"- match: {{prefix: /{(path.StartsWith("/old", StringComparison.Ordinal) ? "old" : "")}}}\n  redirect: {(redirect[0] == '{' ? redirect : "{" + redirect + "}")}");
        var request = Call.Get(host, path);
        var action = Assert.IsType<RedirectAction>(routes.Table.Match(request, routes.Random)!.Action);
        var response = new HttpResponseHead();
        action.SetLocation(request, response.Headers);
        Assert.Equal(expected, Call.Header(response.Headers, "location"));
    }

    [Theory]
    [InlineData("MOVED_PERMANENTLY", 301)]
    [InlineData("FOUND", 302)]
    [InlineData("SEE_OTHER", 303)]
    [InlineData("TEMPORARY_REDIRECT", 307)]
    [InlineData("PERMANENT_REDIRECT", 308)]
    public void Response_code_is_the_configured_one(string code, int status)
    {
        var routes = Routes.OfRoutes($"- match: {{prefix: /}}\n  redirect: {{host_redirect: h, response_code: {code}}}");
        Assert.Equal(status, Assert.IsType<RedirectAction>(routes.Table.Match(Call.Get("h", "/"), routes.Random)!.Action).Status);
    }

    [Fact]
    public void Direct_response_has_status_and_body()
    {
        var routes = Routes.OfRoutes("- match: {prefix: /}\n  direct_response: {status: 418, body: {inline_string: teapot}}");
        var action = Assert.IsType<DirectResponseAction>(routes.Table.Match(Call.Get("h", "/"), routes.Random)!.Action);
        Assert.Equal(418, action.Status);
        Assert.Equal("teapot", Call.Text(action.Body.Span));
    }

    [Fact]
    public void Direct_response_that_is_too_large_or_has_no_status_is_refused() =>
        Assert.Equal(
            [
                "virtual_hosts[0].routes[0].direct_response.status: must be from 200 to 599, not 99",
                "virtual_hosts[0].routes[0].direct_response.body: has 4097 bytes, at most 4096 are allowed (max_direct_response_body_size_bytes)",
            ],
            Routes.ErrorsOfRoutes($"- match: {{prefix: /}}\n  direct_response: {{status: 99, body: {{inline_string: '{new string('x', 4097)}'}}}}"));

    [Fact]
    public void Tunnel_of_something_else_than_CONNECT_and_a_rewrite_of_the_path_that_it_has_not_are_refused() =>
        Assert.Equal(
            [
                "virtual_hosts[0].routes[0].route.upgrade_configs[0].connect_config: goes with upgrade_type CONNECT, not 'websocket'",
                "virtual_hosts[0].routes[1].route.prefix_rewrite: a CONNECT has no path to rewrite (connect_matcher)",
            ],
            Routes.ErrorsOfRoutes("""
                - match: {prefix: /}
                  route: {cluster: c, upgrade_configs: [{upgrade_type: websocket, connect_config: {}}]}
                - match: {connect_matcher: {}}
                  route: {cluster: c, prefix_rewrite: /x}
                """));

    [Fact]
    public void Route_without_match_or_action_is_refused() =>
        Assert.Equal(
            [
                "virtual_hosts[0].routes[0].match: is required",
                "virtual_hosts[0].routes[1].match: needs a path condition: prefix, path, safe_regex, path_separated_prefix or connect_matcher",
                "virtual_hosts[0].routes[1]: needs an action: route, redirect or direct_response",
                "virtual_hosts[0].routes[2].route: needs a cluster: cluster, cluster_header (a header name) or weighted_clusters",
            ],
            Routes.ErrorsOfRoutes("- {route: {cluster: c}}\n- {match: {}}\n- {match: {prefix: /}, route: {}}"));
}
