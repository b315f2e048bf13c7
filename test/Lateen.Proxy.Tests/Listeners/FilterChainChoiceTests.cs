using System.Net;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Listeners.Chains;
using Lateen.Proxy.Tests.Harness;

namespace Lateen.Proxy.Tests.Listeners;

/// <summary>Envoy's order of criteria, and what it means that a chain that was left out does not come back.</summary>
public sealed class FilterChainChoiceTests
{
    private static readonly IPEndPoint Here = IPEndPoint.Parse("10.1.2.3:443");
    private static readonly IPEndPoint There = IPEndPoint.Parse("192.0.2.7:50000");

    [Fact]
    public void The_destination_port_comes_first_and_leaves_no_way_back()
    {
        var index = Index(new() { DestinationPort = 443, ServerNames = ["a.test"] }, new() { ServerNames = ["b.test"] });

        Assert.Equal(0, index.Find(Facts(name: "a.test")));
        Assert.Equal(FilterChainIndex.None, index.Find(Facts(name: "b.test")));
        Assert.Equal(1, index.Find(Facts(local: IPEndPoint.Parse("10.1.2.3:444"), name: "b.test")));
    }

    [Fact]
    public void The_longest_destination_prefix_wins()
    {
        var index = Index(
            new() { DestinationPrefixes = [IPNetwork.Parse("10.0.0.0/8")] },
            new() { DestinationPrefixes = [IPNetwork.Parse("10.1.0.0/16")] },
            new() { DestinationPrefixes = [IPNetwork.Parse("0.0.0.0/0")] },
            new());

        Assert.Equal(1, index.Find(Facts()));
        Assert.Equal(0, index.Find(Facts(local: IPEndPoint.Parse("10.9.2.3:443"))));
        Assert.Equal(2, index.Find(Facts(local: IPEndPoint.Parse("172.16.0.1:443"))));
        Assert.Equal(3, index.Find(Facts(local: IPEndPoint.Parse("[2001:db8::1]:443"))));
        Assert.Equal(1, index.Find(Facts(local: IPEndPoint.Parse("[::ffff:10.1.0.1]:443"))));
    }

    [Theory]
    [InlineData("www.example.com", 0)]
    [InlineData("WWW.Example.COM", 0)]
    [InlineData("api.example.com", 1)]
    [InlineData("deep.api.example.com", 1)]
    [InlineData("x.test.com", 2)]
    [InlineData("example.com", 2)]
    [InlineData("com", 3)]
    [InlineData("other.org", 3)]
    [InlineData("", 3)]
    [InlineData(".example.com", 2)]
    public void A_server_name_goes_to_the_exact_name_then_to_the_longest_wildcard(string name, int chain)
    {
        var index = Index(new() { ServerNames = ["www.example.com"] }, new() { ServerNames = ["*.example.com"] }, new() { ServerNames = ["*.com"] }, new());

        Assert.Equal(chain, index.Find(Facts(name: name)));
    }

    [Fact]
    public void Transport_then_application_protocol_in_the_client_s_order()
    {
        var index = Index(
            new() { TransportProtocol = "tls", ApplicationProtocols = ["h2"] },
            new() { TransportProtocol = "tls", ApplicationProtocols = ["http/1.1"] },
            new() { TransportProtocol = "tls" },
            new() { TransportProtocol = "raw_buffer", ApplicationProtocols = ["http/1.1", "h2c"] },
            new());

        Assert.Equal(0, index.Find(Facts(transport: "tls", protocols: ["h2", "http/1.1"])));
        Assert.Equal(1, index.Find(Facts(transport: "tls", protocols: ["http/1.1", "h2"])));
        Assert.Equal(2, index.Find(Facts(transport: "tls", protocols: ["mystery"])));
        Assert.Equal(3, index.Find(Facts(protocols: ["h2c"])));
        // Raw bytes have a chain of their own protocol, so the chain without any is not asked.
        Assert.Equal(FilterChainIndex.None, index.Find(Facts()));
    }

    [Fact]
    public void Sources_are_told_apart_by_direct_address_type_address_and_port()
    {
        var index = Index(
            new() { DirectSourcePrefixes = [IPNetwork.Parse("198.51.100.0/24")] },
            new() { SourceType = ConnectionSourceType.SameIpOrLoopback },
            new() { SourceType = ConnectionSourceType.External, SourcePrefixes = [IPNetwork.Parse("192.0.2.0/24")], SourcePorts = [50000] },
            new() { SourceType = ConnectionSourceType.External, SourcePrefixes = [IPNetwork.Parse("192.0.2.0/24")] },
            new());

        Assert.Equal(0, index.Find(Facts(direct: IPEndPoint.Parse("198.51.100.9:1"))));
        Assert.Equal(1, index.Find(Facts(remote: IPEndPoint.Parse("127.0.0.1:1"))));
        Assert.Equal(1, index.Find(Facts(remote: new IPEndPoint(Here.Address, 1))));
        Assert.Equal(2, index.Find(Facts()));
        Assert.Equal(3, index.Find(Facts(remote: IPEndPoint.Parse("192.0.2.7:50001"))));
        // External is more specific than any, and no chain for it takes this address.
        Assert.Equal(FilterChainIndex.None, index.Find(Facts(remote: IPEndPoint.Parse("203.0.113.1:1"))));
    }

    [Fact]
    public void Ten_thousand_names_are_found_by_lookup()
    {
        var index = Index([.. Enumerable.Range(0, 10_000).Select(static i => new FilterChainMatch { ServerNames = [$"host{i}.test"] })]);

        Assert.Equal(9_999, index.Find(Facts(name: "host9999.test")));
    }

    [Theory]
    [InlineData("server_names: [a.test, b.test]", "server_names: [b.test]", "filter_chains[1].filter_chain_match: matches connections that static_resources.listeners[0].filter_chains[0] ('first') matches")]
    [InlineData("", "", "filter_chains[1].filter_chain_match: matches connections that")]
    [InlineData("server_names: ['*']", "destination_port: 1", "filter_chains[0].filter_chain_match.server_names[0]: '*'")]
    [InlineData("server_names: ['a*.test']", "destination_port: 1", "server_names[0]: 'a*.test'")]
    [InlineData("source_ports: [0]", "destination_port: 1", "source_ports[0]: 0 is not a port")]
    [InlineData("destination_port: 70000", "destination_port: 1", "destination_port: 70000 is not a port")]
    public void Chains_that_overlap_or_make_no_sense_are_refused_with_their_path(string first, string second, string error)
    {
        var yaml = TcpYaml.Listeners(TcpYaml.Listener("tcp", TcpYaml.Chain(TcpYaml.Proxy("backend"), first, "first") + "\n" + TcpYaml.Chain(TcpYaml.Proxy("backend"), second)))
            + TcpYaml.Clusters(TcpYaml.Cluster("backend", "", new IPEndPoint(IPAddress.Loopback, 1)));

        Assert.Contains(BootstrappedProxy.ErrorsOf(yaml), one => one.Contains(error, StringComparison.Ordinal));
    }

    private static FilterChainIndex Index(params FilterChainMatch[] matches) =>
        FilterChainIndex.Build(matches, static (chain, former) => Assert.Fail($"{chain} conflicts with {former}"));

    private static ConnectionFacts Facts(
        IPEndPoint? local = null, IPEndPoint? remote = null, IPEndPoint? direct = null, string name = "", string transport = "raw_buffer", string[]? protocols = null) =>
        new(local ?? Here, remote ?? There, direct) { ServerName = name, TransportProtocol = transport, ApplicationProtocols = protocols ?? [] };
}
