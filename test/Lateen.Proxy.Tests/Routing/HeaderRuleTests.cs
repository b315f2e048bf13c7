namespace Lateen.Proxy.Tests.Routing;

/// <summary>Headers that routes add and remove (envoy.config.core.v3.HeaderValueOption).</summary>
public sealed class HeaderRuleTests
{
    [Theory]
    [InlineData("APPEND_IF_EXISTS_OR_ADD", "old|new", "new")]
    [InlineData("ADD_IF_ABSENT", "old", "new")]
    [InlineData("OVERWRITE_IF_EXISTS_OR_ADD", "new", "new")]
    [InlineData("OVERWRITE_IF_EXISTS", "new", null)]
    public void Append_action_decides_about_what_is_there(string action, string whenThere, string? whenAbsent)
    {
        var rule = $"request_headers_to_add: [{{header: {{key: x-rule, value: new}}, append_action: {action}}}]";
        Assert.Equal(whenThere, Applied(rule, "x-rule: old", "x-rule"));
        Assert.Equal(whenAbsent, Applied(rule, "x-other: 1", "x-rule"));
    }

    [Theory]
    [InlineData("%DOWNSTREAM_REMOTE_ADDRESS%", "192.0.2.7:4711")]
    [InlineData("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "192.0.2.7")]
    [InlineData("%DOWNSTREAM_REMOTE_PORT%", "4711")]
    [InlineData("%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%", "2001:db8::1")]
    [InlineData("a %PROTOCOL% b", "a Protocol b")]
    [InlineData("%REQ(X-User)%", "bob")]
    [InlineData("%REQ(X-Nobody?X-User)%", "bob")]
    [InlineData("%REQ(:method)%", "Method")]
    [InlineData("100%%", "100%")]
    [InlineData("%REQ(x-nobody)%", null)]
    public void Operators_in_values_are_filled_in(string value, string? expected) =>
        Assert.Equal(expected, Applied($"request_headers_to_add: [{{header: {{key: x-rule, value: '{value}'}}}}]", "x: 1", "x-rule"));

    [Fact]
    public void Empty_value_is_set_only_when_it_is_to_be_kept()
    {
        Assert.Null(Applied("request_headers_to_add: [{header: {key: x-rule, value: ''}}]", "x: 1", "x-rule"));
        Assert.Equal("", Applied("request_headers_to_add: [{header: {key: x-rule, value: ''}, keep_empty_value: true}]", "x: 1", "x-rule"));
    }

    [Fact]
    public void Each_level_removes_before_it_adds() =>
        Assert.Equal("new", Applied("request_headers_to_remove: [x-rule]\nrequest_headers_to_add: [{header: {key: x-rule, value: new}}]", "x-rule: old", "x-rule"));

    [Theory]
    [InlineData(false, "table")]
    [InlineData(true, "route")]
    public void Least_specific_level_is_applied_last_unless_the_most_specific_wins(bool mostSpecificWins, string expected)
    {
        var routes = Routes.Compile($$"""
            name: test
            most_specific_header_mutations_wins: {{(mostSpecificWins ? "true" : "false")}}
            request_headers_to_add: [{header: {key: x-rule, value: table}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}]
            virtual_hosts:
            - name: all
              domains: ["*"]
              request_headers_to_add: [{header: {key: x-rule, value: host}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}]
              routes:
              - match: {prefix: /}
                request_headers_to_add: [{header: {key: x-rule, value: route}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}]
                route: {cluster: c}
            """);
        var request = Call.Get("h", "/");
        routes.Table.Match(request, routes.Random)!.RequestHeaders.Apply(request.Headers, new ExchangeFacts());
        Assert.Equal(expected, Call.Header(request.Headers, "x-rule"));
    }

    [Fact]
    public void Response_rules_apply_to_the_response()
    {
        var routes = Routes.OfRoutes("""
            - match: {prefix: /}
              response_headers_to_add: [{header: {key: x-served-by, value: lateen}}]
              response_headers_to_remove: [x-secret]
              route: {cluster: c}
            """);
        var response = new Http.HttpResponseHead();
        response.Headers.Add("x-secret"u8, "1"u8);
        routes.Table.Match(Call.Get("h", "/"), routes.Random)!.ResponseHeaders.Apply(response.Headers, new ExchangeFacts());

        Assert.Equal("lateen", Call.Header(response.Headers, "x-served-by"));
        Assert.Null(Call.Header(response.Headers, "x-secret"));
    }

    [Theory]
    [InlineData("{key: ':path', value: x}", "request_headers_to_add[0].header.key: ':path' cannot be changed by header rules; use the route's rewrites")]
    [InlineData("{key: Host, value: x}", "request_headers_to_add[0].header.key: 'Host' cannot be changed by header rules; use the route's rewrites")]
    [InlineData("{key: 'a b', value: x}", "request_headers_to_add[0].header.key: 'a b' is not a header name")]
    [InlineData("{key: a, value: '%DURATION%'}", "request_headers_to_add[0].header.value: the operator %DURATION% is not supported in header values")]
    [InlineData("{key: a, value: '50%'}", "request_headers_to_add[0].header.value: the operator that begins at position 3 has no closing '%' (write '%%' for a percent sign)")]
    public void Rule_that_cannot_be_kept_is_refused_with_its_path(string header, string expected) =>
        Assert.Equal(
            ["virtual_hosts[0].routes[0]." + expected],
            Routes.ErrorsOfRoutes($"- match: {{prefix: /}}\n  request_headers_to_add: [{{header: {header}}}]\n  route: {{cluster: c}}"));

    private static string? Applied(string rules, string header, string name)
    {
        var routes = Routes.OfRoutes($"- match: {{prefix: /}}\n{Routes.Indent(rules, 2)}\n  route: {{cluster: c}}");
        var request = Call.Get("h", "/", header);
        routes.Table.Match(request, routes.Random)!.RequestHeaders.Apply(request.Headers, new ExchangeFacts());
        return Call.Header(request.Headers, name);
    }
}
