using Lateen.Model.Networking;

namespace Lateen.Model.Tests;

public sealed class RouteOrderTests
{
    private static readonly RouteAudience Sidecar = new("shop", Given.Labels("app=storefront"), ["mesh"], 80);

    [Fact]
    public void A_match_with_gateways_asks_for_membership_only()
    {
        var match = new HttpMatchRequest { Gateways = ["mesh"], SourceNamespace = "elsewhere", SourceLabels = Given.Labels("app=other") };
        Assert.True(Concerns(match, Sidecar));
        Assert.False(Concerns(match with { Gateways = ["edge/public"] }, Sidecar));
    }

    [Theory]
    [InlineData("shop", "app=storefront", null, true)]
    [InlineData("shop", "", 80, true)]
    [InlineData("shop", "", 81, false)]
    [InlineData("other", "", null, false)]
    [InlineData(null, "app=other", null, false)]
    public void Port_source_namespace_and_source_labels_must_all_hold(string? sourceNamespace, string labels, int? port, bool concerns)
    {
        var match = new HttpMatchRequest { SourceNamespace = sourceNamespace, SourceLabels = Given.Labels(labels), Port = port };
        Assert.Equal(concerns, Concerns(match, Sidecar));
    }

    [Fact]
    public void Routes_behind_a_catch_all_of_the_same_virtual_service_are_dropped()
    {
        var bound = Given.Bound("a", ["a.example.com"],
            Given.Route("first", StringMatch.Exact("/x")), Given.Route("all", StringMatch.Prefix("/")), Given.Route("never", StringMatch.Exact("/y")));
        Assert.Equal(["first", "all"], RouteOrder.Of(bound, Sidecar).Select(branch => branch.Name));
    }

    [Theory]
    [InlineData("Prefix", "/", true)]
    [InlineData("Regex", ".*", true)]
    [InlineData("Prefix", "/a", false)]
    [InlineData("Exact", "/", false)]
    public void Only_a_pure_prefix_of_everything_is_a_catch_all(string kind, string value, bool isCatchAll)
    {
        var match = new HttpMatchRequest { Uri = new StringMatch(Enum.Parse<StringMatchKind>(kind), value) };
        var bound = Given.Bound("a", ["a.example.com"], new HttpRoute());
        Assert.Equal(isCatchAll, new RouteBranch(bound, new HttpRoute(), match).IsCatchAll);
        var withHeader = match with { Headers = StringMap.Create(KeyValuePair.Create("x", StringMatch.Present)) };
        Assert.False(new RouteBranch(bound, new HttpRoute(), withHeader).IsCatchAll);
    }

    [Fact]
    public void On_a_gateway_catch_alls_of_all_virtual_services_come_last_in_their_order()
    {
        var older = Given.Bound("older", ["a.example.com"], Given.Route("older-a", StringMatch.Exact("/a")), Given.Route("older-all", StringMatch.Prefix("/")));
        var newer = Given.Bound("newer", ["a.example.com"], Given.Route("newer-b", StringMatch.Exact("/b")), Given.Route("newer-all", StringMatch.Prefix("/")));
        Assert.Equal(["older-a", "newer-b", "older-all", "newer-all"], RouteOrder.Merge([older, newer], Sidecar).Select(branch => branch.Name));
    }

    [Fact]
    public void A_branch_is_named_after_its_route_and_its_match()
    {
        var bound = Given.Bound("a", ["a.example.com"]);
        Assert.Equal("r.m", new RouteBranch(bound, new HttpRoute { Name = "r" }, new HttpMatchRequest { Name = "m" }).Name);
        Assert.Equal("r", new RouteBranch(bound, new HttpRoute { Name = "r" }, null).Name);
        Assert.Equal("", new RouteBranch(bound, new HttpRoute(), new HttpMatchRequest()).Name);
    }

    private static bool Concerns(HttpMatchRequest match, RouteAudience audience) =>
        RouteOrder.Concerns(match.Port, match.Gateways, match.SourceLabels, match.SourceNamespace, audience);
}
