using Envoy.Service.Discovery.V3;
using Google.Rpc;
using Lateen.Xds.Server;
using Lateen.Xds.Wire;
using static Lateen.Xds.Tests.XdsSamples;

namespace Lateen.Xds.Tests.Server;

public sealed class SotwServerSessionTests
{
    private const string Cds = XdsTypeUrls.Cluster;
    private const string Eds = XdsTypeUrls.ClusterLoadAssignment;

    private readonly SotwServerSession _session = new();

    [Fact]
    public void Clusters_come_as_the_whole_set_with_every_change()
    {
        Request(Cds);
        _session.SetView(View(1, (Cds, Cluster("a")), (Cds, Cluster("b"))));
        Ack(Assert.Single(Take()));
        _session.SetView(View(2, (Cds, Cluster("a")), (Cds, Cluster("b", 2))));
        Assert.Equal(["a", "b"], Names(Assert.Single(Take())));
    }

    [Fact]
    public void A_removed_cluster_stays_in_the_set_until_nothing_else_is_owed()
    {
        Request(Cds);
        Request(Eds, "b");
        _session.SetView(View(1, (Cds, Cluster("a"))));
        Take().ForEach(Ack);
        _session.SetView(View(2, (Cds, Cluster("b")), (Eds, Endpoints("b"))));
        List<DiscoveryResponse> added = Take();
        Assert.Equal(["a", "b"], Names(added.Single(static response => response.TypeUrl == Cds)));
        added.ForEach(Ack);
        Assert.Equal(["b"], Names(Assert.Single(Take())));
    }

    [Fact]
    public void Endpoints_come_one_by_one()
    {
        Request(Eds, "a", "b");
        _session.SetView(View(1, (Eds, Endpoints("a")), (Eds, Endpoints("b"))));
        Ack(Assert.Single(Take()), "a", "b");
        _session.SetView(View(2, (Eds, Endpoints("a", 2)), (Eds, Endpoints("b"))));
        Assert.Equal(["a"], Names(Assert.Single(Take())));
    }

    [Fact]
    public void A_request_that_repeats_an_older_nonce_acknowledges_nothing_but_its_names_count()
    {
        Request(Eds, "a");
        _session.SetView(View(1, (Eds, Endpoints("a")), (Eds, Endpoints("b"))));
        DiscoveryResponse first = Assert.Single(Take());
        _session.Receive(new DiscoveryRequest { TypeUrl = Eds, ResponseNonce = "0", ResourceNames = { "b" } });
        Assert.Empty(Take());
        Ack(first, "b");
        Assert.Equal(["b"], Names(Assert.Single(Take())));
    }

    [Fact]
    public void A_proxy_that_resumes_with_the_set_it_was_sent_is_sent_nothing()
    {
        ResourceView view = View(1, (Cds, Cluster("a")), (Cds, Cluster("b")));
        Request(Cds);
        _session.SetView(view);
        string version = Assert.Single(Take()).VersionInfo;

        var resumed = new SotwServerSession();
        resumed.Receive(new DiscoveryRequest { Node = Node, TypeUrl = Cds, VersionInfo = version });
        resumed.SetView(view.At(9));
        Assert.False(resumed.TryTakeResponse(out _));
        Assert.Equal(9, resumed.Status.ServedRevision);
        resumed.SetView(View(10, (Cds, Cluster("a", 2)), (Cds, Cluster("b"))));
        Assert.True(resumed.TryTakeResponse(out _));
    }

    [Fact]
    public void A_proxy_that_resumes_with_a_set_that_is_gone_is_sent_the_empty_set()
    {
        _session.Receive(new DiscoveryRequest { Node = Node, TypeUrl = Cds, VersionInfo = ContentVersion.OfSet([Cluster("a")]) });
        _session.SetView(View(1));
        Assert.Empty(Assert.Single(Take()).Resources);
    }

    [Fact]
    public void A_refusal_is_recorded_and_the_served_revision_stays()
    {
        Request(Cds);
        _session.SetView(View(1, (Cds, Cluster("a"))));
        Ack(Assert.Single(Take()));
        _session.SetView(View(2, (Cds, Cluster("a", 2))));
        DiscoveryResponse response = Assert.Single(Take());
        _session.Receive(new DiscoveryRequest { TypeUrl = Cds, ResponseNonce = response.Nonce, ErrorDetail = new Status { Message = "a: bad" } });
        Assert.Equal((1, "a: bad"), (_session.Status.ServedRevision, Assert.Single(_session.Status.Types).RejectionReason));
        Assert.Empty(Take());
    }

    [Fact]
    public void A_client_that_subscribes_to_nothing_any_more_holds_no_revision_up()
    {
        _session.Receive(new DiscoveryRequest { Node = Node, TypeUrl = Cds, ResourceNames = { "a" } });
        _session.SetView(View(1, (Cds, Cluster("a"))));
        Ack(Assert.Single(Take()), "a");
        _session.Receive(new DiscoveryRequest { TypeUrl = Cds, ResponseNonce = "1" });
        _session.SetView(View(2, (Cds, Cluster("a", 2))));
        Assert.Empty(Take());
        Assert.Equal(2, _session.Status.ServedRevision);
    }

    [Fact]
    public void A_cluster_named_later_comes_with_those_named_before()
    {
        _session.Receive(new DiscoveryRequest { Node = Node, TypeUrl = Cds, ResourceNames = { "a" } });
        _session.SetView(View(1, (Cds, Cluster("a")), (Cds, Cluster("b")), (Cds, Cluster("c"))));
        DiscoveryResponse first = Assert.Single(Take());
        Assert.Equal(["a"], Names(first));
        Ack(first, "a");
        Ack(first, "a", "b");
        Assert.Equal(["a", "b"], Names(Assert.Single(Take())));
    }

    private static IEnumerable<string> Names(DiscoveryResponse response) => response.Resources.Select(static resource => WireReader.ReadName(resource.Value.Span));

    private void Request(string typeUrl, params string[] names) =>
        Assert.Null(_session.Receive(new DiscoveryRequest { Node = Node, TypeUrl = typeUrl, ResourceNames = { names } }));

    private void Ack(DiscoveryResponse response) => Ack(response, [.. response.TypeUrl == Eds ? ["b"] : Array.Empty<string>()]);

    private void Ack(DiscoveryResponse response, params string[] names) => _session.Receive(
        new DiscoveryRequest { TypeUrl = response.TypeUrl, ResponseNonce = response.Nonce, VersionInfo = response.VersionInfo, ResourceNames = { names } });

    private List<DiscoveryResponse> Take()
    {
        var responses = new List<DiscoveryResponse>();
        while (_session.TryTakeResponse(out DiscoveryResponse? response))
        {
            responses.Add(response);
        }

        return responses;
    }
}
