using Lateen.Proxy.Tests.Configuration;

namespace Lateen.Proxy.Tests.Clusters;

/// <summary>Clusters whose endpoints are names.</summary>
public sealed class DnsClusterTests
{
    private const string Strict = """
        - name: books
          type: STRICT_DNS
          dns_refresh_rate: 10s
          dns_lookup_family: V4_ONLY
          load_assignment:
            cluster_name: books
            endpoints:
            - lb_endpoints:
              - endpoint: {address: {socket_address: {address: books.test, port_value: 80}}}
              - endpoint: {address: {socket_address: {address: 127.0.0.9, port_value: 81}}}
        """;

    [Fact]
    public void Cluster_is_published_when_all_its_names_have_an_answer()
    {
        using var setup = new Setup();
        setup.LoadClusters(Strict);
        Assert.Null(setup.Current.FindCluster("books"));
        Assert.False(setup.Configuration.Initialized.IsCompleted);

        setup.Resolver.Answer("books.test", "10.0.0.1", "10.0.0.2");
        setup.Configuration.Thread.RunPending();
        Assert.Equal(["10.0.0.1:80", "10.0.0.2:80", "127.0.0.9:81"], setup.EndpointsOf("books"));
        Assert.Equal("books.test", setup.Current.FindCluster("books")!.Endpoints[0].Hostname);
        Assert.True(setup.Configuration.Initialized.IsCompletedSuccessfully);
    }

    [Fact]
    public void Name_is_asked_again_after_the_refresh_rate_and_changes_are_published()
    {
        using var setup = new Setup();
        setup.Resolver.Answer("books.test", "10.0.0.1");
        setup.LoadClusters(Strict);
        var kept = setup.Current.FindCluster("books")!.Endpoints[0].State;
        var revision = setup.Current.Revision;

        setup.Advance(TimeSpan.FromSeconds(11.5));
        Assert.Equal(2, setup.Resolver.Lookups);
        Assert.Equal(revision, setup.Current.Revision);

        setup.Resolver.Answer("books.test", "10.0.0.1", "10.0.0.3");
        setup.Advance(TimeSpan.FromSeconds(11.5));
        Assert.Equal(["10.0.0.1:80", "10.0.0.3:80", "127.0.0.9:81"], setup.EndpointsOf("books"));
        Assert.Same(kept, setup.Current.FindCluster("books")!.Endpoints[0].State);
    }

    [Fact]
    public void Address_that_left_is_retired_and_the_others_are_kept()
    {
        using var setup = new Setup();
        setup.Resolver.Answer("books.test", "10.0.0.1", "10.0.0.2");
        setup.LoadClusters(Strict);
        var gone = setup.Current.FindCluster("books")!.Endpoints[0].State;
        setup.Resolver.Answer("books.test", "10.0.0.2");
        setup.Advance(TimeSpan.FromSeconds(11.5));

        Assert.Same(gone, Assert.Single(setup.Changes[^1].RetiredEndpoints));
        Assert.True(gone.IsRetired);
    }

    [Fact]
    public void Failed_lookup_keeps_the_last_good_addresses()
    {
        using var setup = new Setup();
        setup.Resolver.Answer("books.test", "10.0.0.1");
        setup.LoadClusters(Strict);
        setup.Resolver.Fail("books.test");
        setup.Advance(TimeSpan.FromSeconds(11.5));
        Assert.Equal(["10.0.0.1:80", "127.0.0.9:81"], setup.EndpointsOf("books"));

        setup.Resolver.Answer("books.test", "10.0.0.5");
        setup.Advance(TimeSpan.FromSeconds(11.5));
        Assert.Equal(["10.0.0.5:80", "127.0.0.9:81"], setup.EndpointsOf("books"));
    }

    [Fact]
    public void First_lookup_that_fails_does_not_hold_the_start_up()
    {
        using var setup = new Setup();
        setup.Resolver.Fail("books.test");
        setup.LoadClusters(Strict);
        Assert.Equal(["127.0.0.9:81"], setup.EndpointsOf("books"));
    }

    [Fact]
    public void Logical_name_stands_for_one_endpoint_that_stays_while_its_address_is_in_the_answer()
    {
        using var setup = new Setup();
        setup.Resolver.Answer("books.test", "10.0.0.2", "10.0.0.3");
        setup.LoadClusters("""
            - name: books
              type: LOGICAL_DNS
              dns_refresh_rate: 10s
              load_assignment: {cluster_name: books, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: books.test, port_value: 80}}}}]}]}
            """);
        Assert.Equal(["10.0.0.2:80"], setup.EndpointsOf("books"));

        setup.Resolver.Answer("books.test", "10.0.0.1", "10.0.0.2");
        setup.Advance(TimeSpan.FromSeconds(11.5));
        Assert.Equal(["10.0.0.2:80"], setup.EndpointsOf("books"));

        setup.Resolver.Answer("books.test", "10.0.0.1");
        setup.Advance(TimeSpan.FromSeconds(11.5));
        Assert.Equal(["10.0.0.1:80"], setup.EndpointsOf("books"));
    }

    [Fact]
    public void Name_in_a_static_cluster_and_second_logical_name_are_refused() =>
        Assert.Equal(
            [
                "static_resources.clusters[0].load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.address: 'books.test' is not an IP address",
                "static_resources.clusters[1].load_assignment: a cluster of type LOGICAL_DNS has one endpoint",
            ],
            Setup.ErrorsOf("""
                static_resources:
                  clusters:
                  - name: a
                    load_assignment: {cluster_name: a, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: books.test, port_value: 80}}}}]}]}
                  - name: b
                    type: LOGICAL_DNS
                    load_assignment:
                      cluster_name: b
                      endpoints:
                      - lb_endpoints:
                        - endpoint: {address: {socket_address: {address: x.test, port_value: 80}}}
                        - endpoint: {address: {socket_address: {address: y.test, port_value: 80}}}
                """));
}
