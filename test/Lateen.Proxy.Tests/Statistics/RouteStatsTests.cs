using Lateen.Proxy.Routing;
using Lateen.Proxy.Statistics;
using Lateen.Proxy.Tests.Routing;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Tests.Statistics;

public sealed class RouteStatsTests
{
    [Fact]
    public void A_route_with_a_stat_prefix_counts_under_its_virtual_host()
    {
        var exchange = new TestExchange();
        var route = Route(", stat_prefix: checkout");

        Count(exchange.Served(200), route);
        Count(exchange.Served(504, flags: ResponseFlags.UpstreamRequestTimeout), route);

        Assert.Equal(2, Find(exchange, "upstream_rq_total"));
        Assert.Equal(1, Find(exchange, "upstream_rq_2xx"));
        Assert.Equal(1, Find(exchange, "upstream_rq_504"));
        Assert.Equal(1, Find(exchange, "upstream_rq_timeout"));
    }

    [Fact]
    public void A_route_without_one_counts_nothing()
    {
        var exchange = new TestExchange();

        Count(exchange.Served(200), Route(""));

        Assert.Null(Find(exchange, "upstream_rq_total"));
    }

    private static long? Find(TestExchange exchange, string name) => exchange.Statistics.Registry.Find($"vhost.shop.route.checkout.{name}");

    private static void Count(TestExchange exchange, RouteEntry route)
    {
        exchange.Exchange.Route = route;
        RouteStats.Count(exchange.Exchange, exchange.Statistics.Registry);
    }

    private static RouteEntry Route(string field) => Routes.Compile(
        $$"""
        name: local
        virtual_hosts:
        - name: shop
          domains: ["*"]
          routes:
          - {match: {prefix: "/"}, direct_response: {status: 200}{{field}}}
        """).Table.VirtualHosts[0].Routes[0];
}
