using Lateen.Proxy.Configuration;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Tests.Routing;

/// <summary>Routes that take a share of the traffic: weighted clusters and runtime fractions.</summary>
public sealed class TrafficSplitTests
{
    private const int Requests = 20_000;

    [Fact]
    public void Weighted_clusters_get_their_shares_within_the_binomial_bounds()
    {
        var routes = Routes.OfRoutes("""
            - match: {prefix: /}
              route:
                weighted_clusters:
                  clusters:
                  - {name: v1, weight: 90}
                  - {name: v2, weight: 10}
                  - {name: v3, weight: 0}
            """);
        var request = Call.Get("h", "/");
        var counts = Enumerable.Range(0, Requests).Select(_ => routes.Reach(request)).CountBy(reached => reached).ToDictionary();

        AssertShare(counts["all/v1"], 0.9);
        AssertShare(counts["all/v2"], 0.1);
        Assert.False(counts.ContainsKey("all/v3"));
    }

    [Fact]
    public void Runtime_fraction_lets_that_share_through_and_the_rest_fall_to_the_next_route()
    {
        var routes = Routes.OfRoutes("""
            - match: {prefix: /, runtime_fraction: {default_value: {numerator: 2500, denominator: TEN_THOUSAND}}}
              route: {cluster: canary}
            - match: {prefix: /}
              route: {cluster: stable}
            """);
        var request = Call.Get("h", "/");
        AssertShare(Enumerable.Range(0, Requests).Count(_ => routes.Reach(request) == "all/canary"), 0.25);
    }

    [Theory]
    [InlineData(0, "all/stable")]
    [InlineData(100, "all/canary")]
    public void Fraction_of_all_or_none_is_exact(int percent, string expected) =>
        Assert.All(Enumerable.Range(0, 200).Select(_ => Routes.OfRoutes($$$"""
            - match: {prefix: /, runtime_fraction: {default_value: {numerator: {{{percent}}} } } }
              route: {cluster: canary}
            - match: {prefix: /}
              route: {cluster: stable}
            """).Reach(Call.Get("h", "/"))), reached => Assert.Equal(expected, reached));

    [Fact]
    public void Weights_that_add_up_to_nothing_or_to_another_total_are_refused()
    {
        Assert.Equal(
            ["virtual_hosts[0].routes[0].route.weighted_clusters.clusters: the weights must add up to 1 to 4294967295, not 0"],
            Routes.ErrorsOfRoutes("- match: {prefix: /}\n  route: {weighted_clusters: {clusters: [{name: a, weight: 0}]}}"));
        Assert.Equal(
            ["virtual_hosts[0].routes[0].route.weighted_clusters.total_weight: is 100, but the weights add up to 90"],
            Routes.ErrorsOfRoutes("- match: {prefix: /}\n  route: {weighted_clusters: {clusters: [{name: a, weight: 90}], total_weight: 100}}"));
    }

    [Fact]
    public void Header_rules_of_the_drawn_cluster_apply()
    {
        var routes = Routes.OfRoutes("""
            - match: {prefix: /}
              request_headers_to_add: [{header: {key: x-level, value: route}}]
              route:
                weighted_clusters:
                  clusters:
                  - name: v1
                    weight: 1
                    request_headers_to_add: [{header: {key: x-level, value: cluster}}]
                    host_rewrite_literal: v1.internal
            """);
        var request = Call.Get("h", "/");
        var route = routes.Table.Match(request, routes.Random)!;
        var forward = Assert.IsType<ForwardAction>(route.Action);
        forward.ChooseCluster(request, ProxySnapshot.Empty, routes.Random, out var drawn);
        route.RequestHeadersFor(drawn).Apply(request.Headers, new ExchangeFacts());
        Assert.True(forward.TryRewrite(request, drawn, keepsOriginals: true));

        Assert.Equal("cluster|route", Call.Header(request.Headers, "x-level"));
        Assert.Equal("v1.internal", Call.Text(request.Authority));
    }

    // Five standard deviations: a seeded sequence that falls outside is a wrong share, not bad luck.
    private static void AssertShare(int count, double share) =>
        Assert.InRange(count, (Requests * share) - (5 * Math.Sqrt(Requests * share * (1 - share))), (Requests * share) + (5 * Math.Sqrt(Requests * share * (1 - share))));
}
