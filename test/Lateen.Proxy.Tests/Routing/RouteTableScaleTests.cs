using Envoy.Config.Route.V3;
using Lateen.Http;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Tests.Routing;

/// <summary>Large tables: what is compiled again, what an index may change, and what matching allocates.</summary>
public sealed class RouteTableScaleTests
{
    [Fact]
    public void Only_the_virtual_host_that_changed_is_compiled_again()
    {
        var compiler = new RouteTableCompiler(new ClusterDirectory());
        var configuration = Table(2000);
        var first = Compile(compiler, configuration, null);
        configuration.VirtualHosts[1234].Routes[0].Route_.Cluster = "another";
        var second = Compile(compiler, configuration, first);

        Assert.Equal(1999, second.VirtualHosts.Zip(first.VirtualHosts).Count(pair => ReferenceEquals(pair.First, pair.Second)));
        Assert.NotSame(first.VirtualHosts[1234], second.VirtualHosts[1234]);
        var request = Call.Get("svc1234.ns.svc.cluster.local", "/");
        Assert.Equal("another", ((ForwardAction)second.Match(request, new ReactorRandom(1))!.Action).Cluster!.Name);
        Assert.Equal("outbound|80||svc1234", ((ForwardAction)first.Match(request, new ReactorRandom(1))!.Action).Cluster!.Name);
    }

    [Fact]
    public void Virtual_hosts_that_moved_or_left_are_still_the_same_ones()
    {
        var compiler = new RouteTableCompiler(new ClusterDirectory());
        var configuration = Table(10);
        var first = Compile(compiler, configuration, null);
        configuration.VirtualHosts.RemoveAt(3);
        (configuration.VirtualHosts[0], configuration.VirtualHosts[5]) = (configuration.VirtualHosts[5], configuration.VirtualHosts[0]);
        var second = Compile(compiler, configuration, first);

        Assert.All(second.VirtualHosts, host => Assert.Contains(host, first.VirtualHosts));
        Assert.Null(second.Match(Call.Get("svc3.ns.svc.cluster.local", "/"), new ReactorRandom(1)));
        Assert.NotNull(second.Match(Call.Get("svc6.ns.svc.cluster.local", "/"), new ReactorRandom(1)));
    }

    [Fact]
    public void Domain_that_moves_to_another_virtual_host_is_found_there()
    {
        var compiler = new RouteTableCompiler(new ClusterDirectory());
        var configuration = Table(10);
        var first = Compile(compiler, configuration, null);
        configuration.VirtualHosts[3].Domains.Remove("svc3.ns");
        configuration.VirtualHosts[7].Domains.Add("svc3.ns");
        var second = Compile(compiler, configuration, first);
        var back = Compile(compiler, Table(10), second);

        var request = Call.Get("svc3.ns", "/");
        Assert.Same(second.VirtualHosts[7], second.FindVirtualHost(request));
        Assert.Same(back.VirtualHosts[3], back.FindVirtualHost(request));
    }

    [Fact]
    public void Domain_that_is_given_twice_by_a_change_is_refused()
    {
        var compiler = new RouteTableCompiler(new ClusterDirectory());
        var configuration = Table(10);
        var first = Compile(compiler, configuration, null);
        configuration.VirtualHosts[7].Domains[1] = "svc3";
        var errors = new ConfigurationErrors();

        Assert.Null(compiler.Compile(configuration, first, FieldPath.Root, errors));
        Assert.Contains("virtual_hosts[7].domains[1]", errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Table_in_which_much_changed_everywhere_is_the_table_that_a_fresh_compilation_makes()
    {
        var random = new Random(11);
        var compiler = new RouteTableCompiler(new ClusterDirectory());
        var before = Compile(compiler, Table(600), null);
        for (var round = 0; round < 20; round++)
        {
            var configuration = Table(600);
            for (var change = random.Next(200); change > 0; change--)
            {
                var at = random.Next(configuration.VirtualHosts.Count - 1);
                switch (random.Next(3))
                {
                    case 0: configuration.VirtualHosts.RemoveAt(at); break;
                    case 1: configuration.VirtualHosts[at].Routes[0].Route_.Cluster = "changed"; break;
                    default: (configuration.VirtualHosts[at], configuration.VirtualHosts[at + 1]) = (configuration.VirtualHosts[at + 1], configuration.VirtualHosts[at]); break;
                }
            }

            var after = Compile(compiler, configuration, before);
            for (var host = 0; host < 600; host++)
            {
                var expected = configuration.VirtualHosts.FirstOrDefault(candidate => candidate.Domains[1] == $"svc{host}")?.Routes[0].Route_.Cluster;
                var route = after.Match(Call.Get($"svc{host}", "/"), new ReactorRandom(1));
                Assert.Equal(expected, ((ForwardAction?)route?.Action)?.Cluster!.Name);
            }

            before = after;
        }
    }

    [Fact]
    public void Change_of_the_table_itself_compiles_all_virtual_hosts_again()
    {
        var compiler = new RouteTableCompiler(new ClusterDirectory());
        var configuration = Table(3);
        var first = Compile(compiler, configuration, null);
        configuration.MostSpecificHeaderMutationsWins = true;
        var second = Compile(compiler, configuration, first);

        Assert.All(second.VirtualHosts, host => Assert.DoesNotContain(host, first.VirtualHosts));
    }

    [Fact]
    public void Index_over_many_routes_finds_what_trying_them_in_order_finds()
    {
        var random = new Random(7);
        string[] segments = ["a", "ab", "abc", "b", "", "c"];
        string RandomPath() => "/" + string.Join('/', Enumerable.Range(0, random.Next(1, 4)).Select(_ => segments[random.Next(segments.Length)]));
        for (var round = 0; round < 40; round++)
        {
            // The same routes twice: in one virtual host with an index, and one by one, each alone.
            var matches = Enumerable.Range(0, 60).Select(_ => random.Next(6) switch
            {
                0 => $"{{path: '{RandomPath()}'}}",
                1 => $"{{safe_regex: {{regex: '{RandomPath()}[ab]?'}}}}",
                2 => $"{{prefix: '{RandomPath()}', case_sensitive: false}}",
                3 => $"{{prefix: '{RandomPath()}', headers: [{{name: x, exact_match: '1'}}]}}",
                4 when RandomPath().TrimEnd('/') is { Length: > 1 } prefix => $"{{path_separated_prefix: '{prefix}'}}",
                _ => $"{{prefix: '{RandomPath()}'}}",
            }).ToArray();
            var indexed = Routes.OfRoutes(string.Join('\n', matches.Select((match, i) => $"- {{match: {match}, route: {{cluster: c{i}}}}}")));
            var alone = matches.Select(match => Routes.OfMatch(match)).ToArray();
            for (var call = 0; call < 25; call++)
            {
                var request = Call.Get("h", RandomPath(), random.Next(2) == 0 ? "x: 1" : "y: 1");
                var expected = Array.FindIndex(alone, routes => routes.Hits(request));
                Assert.Equal(expected < 0 ? "-" : $"all/c{expected}", indexed.Reach(request));
            }
        }
    }

    [Fact]
    public void Matching_choosing_and_header_rules_allocate_nothing()
    {
        var routes = Routes.Compile("""
            name: test
            request_headers_to_add: [{header: {key: x-table, value: '%DOWNSTREAM_REMOTE_ADDRESS%'}}]
            virtual_hosts:
            - name: wild
              domains: ["*.example.com"]
              routes:
              - match: {safe_regex: {regex: '/v[0-9]+/(a|b)'}, headers: [{name: x-user, string_match: {safe_regex: {regex: '[a-z]+[0-9]'}}}]}
                route: {cluster: never}
              - match: {prefix: /v1, headers: [{name: x-user, string_match: {exact: bob}}], query_parameters: [{name: q, string_match: {prefix: x}}]}
                request_headers_to_remove: [x-user]
                route: {prefix_rewrite: /v2, host_rewrite_literal: svc, weighted_clusters: {clusters: [{name: a, weight: 1}, {name: b, weight: 1}]}}
            """);
        var request = Call.Get("www.example.com", "/v1/a?q=xyz", "x-user: bob");
        var facts = new StaticFacts();
        void Once()
        {
            var route = routes.Table.Match(request, routes.Random)!;
            var forward = (ForwardAction)route.Action;
            forward.ChooseCluster(request, ProxySnapshot.Empty, routes.Random, out _);
        }

        for (var i = 0; i < 500; i++) Once();
        var best = long.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 200; i++) Once();
            best = Math.Min(best, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, best);

        // Header rules and rewrites change the request: their block has grown to its size after the first time.
        var mutations = routes.Table.Match(request, routes.Random)!.RequestHeaders;
        var fresh = new HttpResponseHead().Headers;
        for (var i = 0; i < 50; i++) Mutate(mutations, fresh, facts);
        var rules = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 5; i++) Mutate(mutations, fresh, facts);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - rules);
    }

    private static void Mutate(HeaderMutations mutations, HeaderBlock headers, StaticFacts facts)
    {
        headers.Clear();
        mutations.Apply(headers, facts);
    }

    private static RouteTable Compile(RouteTableCompiler compiler, RouteConfiguration configuration, RouteTable? previous)
    {
        var errors = new ConfigurationErrors();
        var table = compiler.Compile(configuration, previous, FieldPath.Root, errors);
        Assert.Equal(string.Empty, errors.ToString());
        return table!;
    }

    private static RouteConfiguration Table(int hosts)
    {
        var configuration = new RouteConfiguration { Name = "80" };
        for (var i = 0; i < hosts; i++)
        {
            var host = new VirtualHost { Name = $"svc{i}.ns.svc.cluster.local:80" };
            host.Domains.Add([$"svc{i}.ns.svc.cluster.local", $"svc{i}", $"svc{i}.ns", $"svc{i}.ns.svc"]);
            host.Routes.Add(new Route
            {
                Match = new RouteMatch { Prefix = "/" },
                Route_ = new Envoy.Config.Route.V3.RouteAction { Cluster = $"outbound|80||svc{i}" },
            });
            configuration.VirtualHosts.Add(host);
        }

        return configuration;
    }

    /// <summary>An exchange that answers from constants, so that what is measured is the header rules.</summary>
    private sealed class StaticFacts : Lateen.Telemetry.AccessLogs.IAccessLogRecord
    {
        public long StartMicroseconds => 0;

        public Lateen.Telemetry.AccessLogs.ResponseFlags Flags => default;

        public long Moment(Lateen.Telemetry.AccessLogs.AccessLogMoment moment) => -1;

        public long Number(Lateen.Telemetry.AccessLogs.AccessLogNumber number) => -1;

        public ReadOnlySpan<byte> Text(Lateen.Telemetry.AccessLogs.AccessLogText text) => "text"u8;

        public ReadOnlySpan<byte> Address(Lateen.Telemetry.AccessLogs.AccessLogAddress address) => "192.0.2.1:1"u8;

        public bool TryGetRequestHeader(Lateen.Telemetry.AccessLogs.AccessLogHeader header, out ReadOnlySpan<byte> value)
        {
            value = default;
            return false;
        }

        public bool TryGetResponseHeader(Lateen.Telemetry.AccessLogs.AccessLogHeader header, out ReadOnlySpan<byte> value)
        {
            value = default;
            return false;
        }
    }
}
