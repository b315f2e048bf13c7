using Lateen.Proxy.Clusters;
using Lateen.Proxy.Tests.Configuration;

namespace Lateen.Proxy.Tests.Clusters;

/// <summary>Which endpoint a request gets.</summary>
public sealed class LoadBalancingTests
{
    private const int Requests = 20_000;

    [Fact]
    public void Round_robin_gives_every_endpoint_its_turn()
    {
        var cluster = ClusterOf("lb_policy: ROUND_ROBIN", "{priority: 0, lb_endpoints: [A, B, C]}");
        var picks = Picks(cluster, 9);
        Assert.Equal(picks[..3], picks[3..6]);
        Assert.Equal(3, picks[..3].Distinct().Count());
    }

    [Fact]
    public void Weighted_round_robin_spreads_the_turns_of_the_heavy_endpoint()
    {
        var picks = Picks(ClusterOf("lb_policy: ROUND_ROBIN", "{lb_endpoints: ['A*5', B, C]}"), 70);
        Assert.Equal(50, picks.Count(pick => pick == "A"));
        Assert.Equal(10, picks.Count(pick => pick == "B"));
        // Smooth: never three B or C in a row, and A never more than three times.
        Assert.DoesNotContain("AAAA", string.Concat(picks), StringComparison.Ordinal);
    }

    [Fact]
    public void Each_reactor_has_its_own_turn()
    {
        var cluster = ClusterOf("lb_policy: ROUND_ROBIN", "{lb_endpoints: [A, B, C]}");
        var random = new ReactorRandom(3);
        var first = cluster.LoadBalancer.Choose(0, random)!;
        for (var i = 0; i < 100; i++) cluster.LoadBalancer.Choose(1, random);
        var second = cluster.LoadBalancer.Choose(0, random)!;
        Assert.Equal((cluster.Endpoints.IndexOf(first) + 1) % 3, cluster.Endpoints.IndexOf(second));
    }

    [Theory]
    [InlineData("lb_policy: RANDOM")]
    [InlineData("lb_policy: LEAST_REQUEST")]
    [InlineData("load_balancing_policy: {policies: [{typed_extension_config: {name: r, typed_config: {'@type': type.googleapis.com/envoy.extensions.load_balancing_policies.random.v3.Random}}}]}")]
    public void Idle_endpoints_get_traffic_by_weight(string policy)
    {
        var picks = Picks(ClusterOf(policy, "{lb_endpoints: ['A*3', B]}"), Requests);
        AssertShare(picks.Count(pick => pick == "A"), 0.75);
    }

    [Fact]
    public void Least_request_prefers_the_endpoint_with_less_in_flight()
    {
        var cluster = ClusterOf("lb_policy: LEAST_REQUEST", "{lb_endpoints: [A, B]}");
        cluster.Endpoints[0].State.SlotOf(0).RequestStarted();

        // Both are drawn, as there are only two: the busy one never wins.
        Assert.All(Picks(cluster, 200), pick => Assert.Equal("B", pick));

        cluster.Endpoints[0].State.SlotOf(0).RequestEnded(succeeded: true);
        AssertShare(Picks(cluster, Requests).Count(pick => pick == "A"), 0.5);
    }

    [Fact]
    public void Least_request_compares_requests_per_weight()
    {
        var cluster = ClusterOf("lb_policy: LEAST_REQUEST\n  least_request_lb_config: {choice_count: 50}", "{lb_endpoints: ['A*4', B]}");
        for (var i = 0; i < 8; i++) cluster.Endpoints[0].State.SlotOf(0).RequestStarted();
        for (var i = 0; i < 3; i++) cluster.Endpoints[1].State.SlotOf(0).RequestStarted();

        // Two requests per unit of weight against three: A is the less loaded one, though it has more in flight. With fifty draws both are seen.
        Assert.All(Picks(cluster, 200), pick => Assert.Equal("A", pick));
    }

    [Fact]
    public void Tried_endpoint_is_passed_over_while_there_is_another()
    {
        var cluster = ClusterOf("lb_policy: ROUND_ROBIN", "{lb_endpoints: [A, B]}");
        var tried = new[] { cluster.Endpoints[0].State };
        var random = new ReactorRandom(5);
        for (var i = 0; i < 20; i++) Assert.Equal("B", Name(cluster.LoadBalancer.Choose(0, random, tried, maxAttempts: 5)!));

        var only = ClusterOf("lb_policy: ROUND_ROBIN", "{lb_endpoints: [A]}");
        Assert.NotNull(only.LoadBalancer.Choose(0, random, new[] { only.Endpoints[0].State }, maxAttempts: 5));
    }

    [Fact]
    public void Least_request_is_not_drawn_back_to_a_tried_endpoint_that_has_nothing_in_flight()
    {
        var cluster = ClusterOf("lb_policy: LEAST_REQUEST", "{lb_endpoints: [A, B]}");
        cluster.Endpoints[1].State.SlotOf(0).RequestStarted();
        var random = new ReactorRandom(7);

        for (var i = 0; i < 50; i++) Assert.Equal("B", Name(cluster.LoadBalancer.Choose(0, random, [cluster.Endpoints[0].State], maxAttempts: 5)!));
    }

    [Fact]
    public void Unhealthy_and_draining_endpoints_get_nothing() =>
        Assert.Equal(["A", "B", "C"], Picks(ClusterOf("lb_policy: ROUND_ROBIN", "{lb_endpoints: [A, B, C, D!DRAINING, E!UNHEALTHY]}"), 300).Distinct().Order());

    [Fact]
    public void Too_few_healthy_endpoints_are_panic_and_all_get_traffic() =>
        Assert.Equal(["A", "B", "C"], Picks(ClusterOf("lb_policy: ROUND_ROBIN", "{lb_endpoints: [A, B!UNHEALTHY, C!UNHEALTHY]}"), 300).Distinct().Order());

    [Fact]
    public void Without_panic_only_the_healthy_endpoint_gets_traffic_and_none_gets_none()
    {
        const string NoPanic = "common_lb_config: {healthy_panic_threshold: {value: 0}}";
        Assert.Equal(["A"], Picks(ClusterOf(NoPanic, "{lb_endpoints: [A, B!UNHEALTHY, C!UNHEALTHY]}"), 300).Distinct());
        Assert.Null(ClusterOf(NoPanic, "{lb_endpoints: [A!UNHEALTHY]}").LoadBalancer.Choose(0, new ReactorRandom(1)));
    }

    [Fact]
    public void Next_priority_takes_what_the_first_cannot_carry()
    {
        // Half of priority 0 is healthy: 1.4 x 50% = 70% stay, 30% go on.
        var picks = Picks(ClusterOf("lb_policy: ROUND_ROBIN", "{priority: 0, lb_endpoints: [A, B!UNHEALTHY]}", "{priority: 1, lb_endpoints: [C]}"), Requests);
        AssertShare(picks.Count(pick => pick == "A"), 0.7);
        AssertShare(picks.Count(pick => pick == "C"), 0.3);
        Assert.DoesNotContain("B", picks);
    }

    [Fact]
    public void Next_priority_gets_nothing_while_the_first_can_carry_all() =>
        Assert.Equal(["A", "B", "C"], Picks(ClusterOf("lb_policy: ROUND_ROBIN", "{priority: 0, lb_endpoints: [A, B, C, D!UNHEALTHY]}", "{priority: 1, lb_endpoints: [E]}"), 300).Distinct().Order());

    [Fact]
    public void Degraded_endpoints_serve_what_the_healthy_ones_cannot()
    {
        var picks = Picks(ClusterOf("lb_policy: ROUND_ROBIN", "{lb_endpoints: [A, B!DEGRADED]}"), Requests);
        AssertShare(picks.Count(pick => pick == "A"), 0.7);
    }

    [Fact]
    public void Localities_get_their_weights_when_the_cluster_asks_for_it()
    {
        const string Weighted = "common_lb_config: {locality_weighted_lb_config: {}}";
        var picks = Picks(
            ClusterOf(Weighted, "{locality: {region: eu}, load_balancing_weight: 80, lb_endpoints: [A]}", "{locality: {region: us}, load_balancing_weight: 20, lb_endpoints: [B, C, D]}"),
            Requests);
        AssertShare(picks.Count(pick => pick == "A"), 0.8);
    }

    [Fact]
    public void Cluster_without_endpoints_has_none_to_give() =>
        Assert.Null(ClusterOf("lb_policy: ROUND_ROBIN").LoadBalancer.Choose(0, new ReactorRandom(1)));

    [Theory]
    [InlineData("lb_policy: RING_HASH", "static_resources.clusters[0].lb_policy: RingHash is not supported; use ROUND_ROBIN, LEAST_REQUEST or RANDOM")]
    [InlineData("lb_policy: CLUSTER_PROVIDED", "static_resources.clusters[0].lb_policy: CLUSTER_PROVIDED needs a cluster of type ORIGINAL_DST")]
    [InlineData("lb_policy: LEAST_REQUEST\n    least_request_lb_config: {choice_count: 1, active_request_bias: {default_value: 0.5}}", "static_resources.clusters[0].least_request_lb_config.choice_count: must be from 2 to 100|static_resources.clusters[0].least_request_lb_config.active_request_bias: 0.5 is not supported; requests in flight count fully (1.0)")]
    [InlineData("transport_socket: {name: tls, typed_config: {'@type': type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer}}\n    circuit_breakers: {}\n    lb_policy: MAGLEV", "static_resources.clusters[0].lb_policy: Maglev is not supported; use ROUND_ROBIN, LEAST_REQUEST or RANDOM")]
    [InlineData("connect_timeout: 0s", "static_resources.clusters[0].connect_timeout: must be greater than 0s")]
    [InlineData("http2_protocol_options: {max_concurrent_streams: 0}", "static_resources.clusters[0].http2_protocol_options.max_concurrent_streams: must be from 1 to 2147483647")]
    public void Cluster_that_cannot_be_kept_is_refused_with_its_path(string option, string expected) =>
        Assert.Equal(expected.Split('|'), Setup.ErrorsOf($"static_resources:\n  clusters:\n  - name: c\n    {option}"));

    [Fact]
    public void Choosing_allocates_nothing()
    {
        var cluster = ClusterOf("lb_policy: LEAST_REQUEST", "{priority: 0, lb_endpoints: ['A*2', B, C!UNHEALTHY]}", "{priority: 1, lb_endpoints: [D]}");
        var random = new ReactorRandom(9);
        for (var i = 0; i < 500; i++) cluster.LoadBalancer.Choose(0, random)!.State.SlotOf(0).RequestStarted();
        var best = long.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 200; i++) cluster.LoadBalancer.Choose(0, random)!.State.SlotOf(0).RequestStarted();
            best = Math.Min(best, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, best);
    }

    [Fact]
    public void Budget_is_counted_over_all_reactors_and_given_back()
    {
        var cluster = ClusterOf("circuit_breakers: {thresholds: [{max_requests: 2, max_connections: 4294967295}]}", "{lb_endpoints: [A]}");
        Assert.Equal((2u, 1024u, 3u), (cluster.Limits.MaxRequests, cluster.Limits.MaxPendingRequests, cluster.Limits.MaxRetries));
        Assert.True(cluster.State.TryAcquire(BudgetKind.Requests, cluster.Limits, 0));
        Assert.True(cluster.State.TryAcquire(BudgetKind.Requests, cluster.Limits, 1));
        Assert.False(cluster.State.TryAcquire(BudgetKind.Requests, cluster.Limits, 0));
        cluster.State.Release(BudgetKind.Requests, 1);
        Assert.True(cluster.State.TryAcquire(BudgetKind.Requests, cluster.Limits, 0));
        Assert.Equal(2, cluster.State.InUse(BudgetKind.Requests));
        Assert.True(cluster.State.TryAcquire(BudgetKind.Connections, cluster.Limits, 0));
    }

    private static string[] Picks(ClusterSnapshot cluster, int count)
    {
        var random = new ReactorRandom(11);
        return [.. Enumerable.Range(0, count).Select(_ => Name(cluster.LoadBalancer.Choose(0, random)!))];
    }

    private static string Name(EndpointSnapshot endpoint) => ((char)('A' + ((System.Net.IPEndPoint)endpoint.State.Address).Port - 1)).ToString();

    // "A*3!DRAINING" stands for an endpoint at port 1 with weight 3 that is draining.
    private static ClusterSnapshot ClusterOf(string options, params string[] groups)
    {
        var endpoints = string.Join('\n', groups.Select(group => "    - " + System.Text.RegularExpressions.Regex.Replace(
            group, @"(?<=[\[ ])'?([A-Z])(?:\*(\d+))?(?:!([A-Z]+))?'?(?=[,\]])", Endpoint)));
        using var setup = new Setup();
        setup.LoadClusters($"- name: c\n  {options}\n  load_assignment:\n    cluster_name: c\n" + (groups.Length == 0 ? "" : $"    endpoints:\n{endpoints}"));
        return setup.Current.FindCluster("c")!;
    }

    private static string Endpoint(System.Text.RegularExpressions.Match match) =>
        $"{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {match.Groups[1].Value[0] - 'A' + 1}}}}}}}"
        + (match.Groups[2].Success ? $", load_balancing_weight: {match.Groups[2].Value}" : "")
        + (match.Groups[3].Success ? $", health_status: {match.Groups[3].Value}" : "") + "}";

    private static void AssertShare(int count, double share) =>
        Assert.InRange(count, (Requests * share) - (5 * Math.Sqrt(Requests * share * (1 - share))), (Requests * share) + (5 * Math.Sqrt(Requests * share * (1 - share))));
}
