namespace Lateen.Proxy.Tests.Routing;

/// <summary>Which virtual host takes a request (envoy.config.route.v3.VirtualHost.domains).</summary>
public sealed class DomainMatchTests
{
    private const string Table = """
        name: test
        virtual_hosts:
        - {name: exact, domains: [www.example.com, "api.example.com:8080"], routes: [{match: {prefix: /}, route: {cluster: c}}]}
        - {name: suffix, domains: ["*.example.com"], routes: [{match: {prefix: /}, route: {cluster: c}}]}
        - {name: longsuffix, domains: ["*.eu.example.com", "*-eu.example.com"], routes: [{match: {prefix: /}, route: {cluster: c}}]}
        - {name: prefix, domains: ["www.*"], routes: [{match: {prefix: /}, route: {cluster: c}}]}
        - {name: longprefix, domains: ["www.shop.*"], routes: [{match: {prefix: /}, route: {cluster: c}}]}
        - {name: rest, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: c}}]}
        """;

    [Theory]
    [InlineData("www.example.com", "exact")]
    [InlineData("WWW.Example.COM", "exact")]
    [InlineData("api.example.com:8080", "exact")]
    [InlineData("api.example.com", "suffix")]
    [InlineData("www.example.com:80", "prefix")]
    [InlineData("a.b.example.com", "suffix")]
    [InlineData("a.eu.example.com", "longsuffix")]
    [InlineData("shop-eu.example.com", "longsuffix")]
    [InlineData("example.com", "rest")]
    [InlineData(".example.com", "rest")]
    [InlineData("www.other.org", "prefix")]
    [InlineData("www.shop.org", "longprefix")]
    [InlineData("www.", "rest")]
    [InlineData("nobody.org", "rest")]
    [InlineData("[::1]:80", "rest")]
    public void Host_is_matched_exact_then_by_longest_suffix_then_by_longest_prefix_then_star(string host, string expected) =>
        Assert.Equal(expected + "/c", Routes.Compile(Table).Reach(Call.Get(host, "/")));

    [Fact]
    public void Without_a_star_an_unknown_host_has_no_route() =>
        Assert.Equal("-", Routes.Compile("""
            name: test
            virtual_hosts:
            - {name: exact, domains: [www.example.com], routes: [{match: {prefix: /}, route: {cluster: c}}]}
            """).Reach(Call.Get("example.com", "/")));

    [Theory]
    [InlineData(true, "www.example.com:8443", "exact/c")]
    [InlineData(true, "www.example.com", "exact/c")]
    [InlineData(false, "www.example.com:8443", "-")]
    public void Port_counts_unless_the_table_ignores_it(bool ignores, string host, string expected) =>
        Assert.Equal(expected, Routes.Compile($$$"""
            name: test
            ignore_port_in_host_matching: {{{(ignores ? "true" : "false")}}}
            virtual_hosts:
            - {name: exact, domains: [www.example.com], routes: [{match: {prefix: /}, route: {cluster: c}}]}
            """).Reach(Call.Get(host, "/")));

    [Fact]
    public void A_domain_belongs_to_one_virtual_host() =>
        Assert.Equal(
            ["virtual_hosts[1].domains[1]: the domain 'A.example.com' is there already; a domain belongs to one virtual host"],
            Routes.ErrorsOf("""
                name: test
                virtual_hosts:
                - {name: one, domains: [a.example.com], routes: [{match: {prefix: /}, route: {cluster: c}}]}
                - {name: two, domains: [b.example.com, A.example.com], routes: [{match: {prefix: /}, route: {cluster: c}}]}
                """));

    [Fact]
    public void A_star_inside_a_domain_is_refused() =>
        Assert.Equal(
            ["virtual_hosts[0].domains[0]: 'a.*.com' is not a domain: a star may only be its first or its last character"],
            Routes.ErrorsOf("""
                name: test
                virtual_hosts:
                - {name: one, domains: ["a.*.com"], routes: [{match: {prefix: /}, route: {cluster: c}}]}
                """));
}
