using Envoy.Service.Discovery.V3;
using Lateen.Xds.Client;
using static Lateen.Xds.Tests.XdsSamples;

namespace Lateen.Xds.Tests.Client;

public sealed class DeltaClientSessionTests
{
    private readonly DeltaClientSession _session = new(Node);

    [Fact]
    public void The_first_request_carries_the_node_and_asks_for_all_by_naming_none()
    {
        _session.SubscribeAll(XdsTypeUrls.Listener);
        _session.SubscribeAll(XdsTypeUrls.Cluster);
        _session.Subscribe(XdsTypeUrls.RouteConfiguration, "web");
        Assert.False(_session.TryTakeRequest(out _));
        _session.OnConnected();

        List<DeltaDiscoveryRequest> requests = Take();

        Assert.Equal([XdsTypeUrls.Cluster, XdsTypeUrls.Listener, XdsTypeUrls.RouteConfiguration], requests.Select(static request => request.TypeUrl));
        Assert.Equal(Node, requests[0].Node);
        Assert.All(requests.Skip(1), static request => Assert.Null(request.Node));
        Assert.Empty(requests[0].ResourceNamesSubscribe);
        Assert.Equal(["web"], requests[2].ResourceNamesSubscribe);
    }

    [Fact]
    public void A_type_nobody_wants_is_not_asked_for()
    {
        _session.Subscribe(XdsTypeUrls.ClusterLoadAssignment, "a");
        _session.Unsubscribe(XdsTypeUrls.ClusterLoadAssignment, "a");
        _session.OnConnected();
        Assert.Empty(Take());
    }

    [Fact]
    public void A_good_response_is_acknowledged_by_its_nonce()
    {
        Connect(XdsTypeUrls.Cluster);
        XdsUpdate update = _session.Receive(Response(XdsTypeUrls.Cluster, "n1", [Cluster("a"), Cluster("b")]));
        Assert.Equal(["a", "b"], update.Changed.Select(static resource => resource.Name));
        Assert.Empty(Take());
        _session.Answer(null);
        DeltaDiscoveryRequest ack = Assert.Single(Take());
        Assert.Equal(("n1", null), (ack.ResponseNonce, ack.ErrorDetail));
    }

    [Fact]
    public void A_refusal_names_each_bad_resource_and_keeps_the_good_ones()
    {
        Connect(XdsTypeUrls.Cluster);
        _session.Receive(Response(XdsTypeUrls.Cluster, "n1", [Cluster("a"), Cluster("b"), Cluster("c")]));
        _session.Answer([new XdsRejection("b", "lb_policy: MAGLEV is not supported"), new XdsRejection("c", "no endpoints")]);
        DeltaDiscoveryRequest nack = Assert.Single(Take());
        Assert.Equal("n1", nack.ResponseNonce);
        Assert.Equal("b: lb_policy: MAGLEV is not supported; c: no endpoints", nack.ErrorDetail.Message);
        Assert.Equal(["a"], Reconnect(XdsTypeUrls.Cluster).InitialResourceVersions.Keys);
    }

    [Fact]
    public void A_refused_resource_that_is_mended_is_taken_and_acknowledged()
    {
        Connect(XdsTypeUrls.Cluster);
        _session.Receive(Response(XdsTypeUrls.Cluster, "n1", [Cluster("a", 1)]));
        _session.Answer([new XdsRejection("a", "bad")]);
        Take();
        XdsUpdate update = _session.Receive(Response(XdsTypeUrls.Cluster, "n2", [Cluster("a", 2)]));
        Assert.Single(update.Changed);
        _session.Answer([]);
        DeltaDiscoveryRequest ack = Assert.Single(Take());
        Assert.Equal(("n2", null), (ack.ResponseNonce, ack.ErrorDetail));
    }

    [Fact]
    public void After_a_reconnect_the_versions_held_are_told_and_equal_ones_change_nothing()
    {
        Connect(XdsTypeUrls.Cluster);
        XdsResource cluster = Cluster("a");
        _session.Receive(Response(XdsTypeUrls.Cluster, "n1", [cluster]));
        _session.Answer(null);
        Take();

        DeltaDiscoveryRequest first = Reconnect(XdsTypeUrls.Cluster);
        Assert.Equal(Node, first.Node);
        Assert.Equal(string.Empty, first.ResponseNonce);
        Assert.Equal(cluster.Version, first.InitialResourceVersions["a"]);
        XdsUpdate update = _session.Receive(Response(XdsTypeUrls.Cluster, "n1", [cluster]));
        Assert.True(update.IsEmpty);
    }

    [Fact]
    public void A_verdict_that_comes_after_the_stream_is_lost_is_kept_but_not_sent()
    {
        Connect(XdsTypeUrls.Cluster);
        _session.Receive(Response(XdsTypeUrls.Cluster, "n1", [Cluster("a")]));
        _session.OnDisconnected();
        Assert.Throws<InvalidOperationException>(_session.OnConnected);
        _session.Answer(null);
        _session.OnConnected();
        DeltaDiscoveryRequest first = Assert.Single(Take());
        Assert.Equal(string.Empty, first.ResponseNonce);
        Assert.Equal(["a"], first.InitialResourceVersions.Keys);
    }

    [Fact]
    public void The_first_word_on_a_type_is_marked_even_when_it_is_empty()
    {
        Connect(XdsTypeUrls.Cluster);
        XdsUpdate first = _session.Receive(Response(XdsTypeUrls.Cluster, "n1", []));
        Assert.True(first is { IsEmpty: true, IsFirst: true });
        _session.Answer(null);
        Reconnect(XdsTypeUrls.Cluster);
        Assert.False(_session.Receive(Response(XdsTypeUrls.Cluster, "n1", [])).IsFirst);
    }

    [Fact]
    public void New_wishes_leave_before_the_acknowledgement_that_is_due()
    {
        Connect(XdsTypeUrls.Cluster);
        _session.Receive(Response(XdsTypeUrls.Cluster, "n1", [Cluster("a")]));
        _session.Subscribe(XdsTypeUrls.ClusterLoadAssignment, "a");
        _session.Answer(null);
        Assert.Equal([(XdsTypeUrls.ClusterLoadAssignment, string.Empty), (XdsTypeUrls.Cluster, "n1")], Take().Select(static request => (request.TypeUrl, request.ResponseNonce)));
    }

    [Fact]
    public void Wishes_travel_as_differences()
    {
        Connect(XdsTypeUrls.Cluster);
        _session.Subscribe(XdsTypeUrls.ClusterLoadAssignment, "a");
        _session.Subscribe(XdsTypeUrls.ClusterLoadAssignment, "b");
        Take();
        _session.Unsubscribe(XdsTypeUrls.ClusterLoadAssignment, "a");
        _session.Subscribe(XdsTypeUrls.ClusterLoadAssignment, "c");
        DeltaDiscoveryRequest request = Assert.Single(Take());
        Assert.Equal(["c"], request.ResourceNamesSubscribe);
        Assert.Equal(["a"], request.ResourceNamesUnsubscribe);
    }

    [Fact]
    public void A_resource_given_up_is_forgotten_and_late_news_of_it_is_passed_over()
    {
        Connect(XdsTypeUrls.Cluster);
        _session.Subscribe(XdsTypeUrls.ClusterLoadAssignment, "a");
        Take();
        _session.Receive(Response(XdsTypeUrls.ClusterLoadAssignment, "n1", [Endpoints("a")]));
        _session.Answer(null);
        _session.Unsubscribe(XdsTypeUrls.ClusterLoadAssignment, "a");
        XdsUpdate late = _session.Receive(Response(XdsTypeUrls.ClusterLoadAssignment, "n2", [Endpoints("a", 2)], "a"));
        Assert.True(late.IsEmpty);
        _session.Answer(null);
        Take();
        _session.Subscribe(XdsTypeUrls.ClusterLoadAssignment, "a");
        Assert.Equal(["a"], Assert.Single(Take()).ResourceNamesSubscribe);
        Assert.Single(_session.Receive(Response(XdsTypeUrls.ClusterLoadAssignment, "n3", [Endpoints("a", 2)])).Changed);
    }

    [Fact]
    public void Removed_names_are_those_held_and_those_wished_for_in_vain()
    {
        Connect(XdsTypeUrls.Cluster);
        _session.Receive(Response(XdsTypeUrls.Cluster, "n1", [Cluster("a"), Cluster("b")]));
        _session.Answer(null);
        XdsUpdate update = _session.Receive(Response(XdsTypeUrls.Cluster, "n2", [], "a", "never"));
        Assert.Equal(["a"], update.Removed);
        _session.Answer(null);
        _session.Subscribe(XdsTypeUrls.RouteConfiguration, "r");
        Take();
        Assert.Equal(["r"], _session.Receive(Response(XdsTypeUrls.RouteConfiguration, "n3", [], "r", "other")).Removed);
        _session.Answer(null);
        Take();
        Assert.Equal(["b"], Reconnect(XdsTypeUrls.Cluster).InitialResourceVersions.Keys);
    }

    [Fact]
    public void A_resource_of_another_type_twice_or_without_a_name_is_refused_without_the_consumer()
    {
        Connect(XdsTypeUrls.Cluster);
        DeltaDiscoveryResponse response = Response(XdsTypeUrls.Cluster, "n1", [Cluster("a"), Cluster("a", 2), Cluster("b")]);
        response.Resources[2].Resource_.TypeUrl = XdsTypeUrls.Listener;
        response.Resources.Add(new Resource());
        XdsUpdate update = _session.Receive(response);
        Assert.Equal(["a"], update.Changed.Select(static resource => resource.Name));
        _session.Answer(null);
        string reason = Assert.Single(Take()).ErrorDetail.Message;
        Assert.Contains("a: the response holds this name twice", reason, StringComparison.Ordinal);
        Assert.Contains($"b: the resource is a '{XdsTypeUrls.Listener}'", reason, StringComparison.Ordinal);
        Assert.Contains("a resource has no name", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_refusal_is_cut_and_counted()
    {
        Connect(XdsTypeUrls.Cluster);
        _session.Receive(Response(XdsTypeUrls.Cluster, "n1", []));
        _session.Answer([.. Enumerable.Range(0, 1000).Select(static i => new XdsRejection($"cluster-{i}", "no"))]);
        string reason = Assert.Single(Take()).ErrorDetail.Message;
        Assert.InRange(reason.Length, 4000, 4200);
        Assert.EndsWith("more resources were refused", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_acknowledgement_that_is_not_due_waits_and_holds_up_no_later_one()
    {
        Connect(XdsTypeUrls.Cluster);
        _session.Receive(Response(XdsTypeUrls.Cluster, "n1", [Cluster("a")]));
        OwedAnswer first = _session.Answer(null, isInForce: false);
        Assert.Empty(Take());
        _session.Receive(Response(XdsTypeUrls.Cluster, "n2", [Cluster("b")]));
        _session.Answer(null);
        Assert.Equal("n2", Assert.Single(Take()).ResponseNonce);
        first.IsDue = true;
        Assert.Equal("n1", Assert.Single(Take()).ResponseNonce);
    }

    [Fact]
    public void What_was_never_in_force_is_told_without_a_version_on_the_next_stream()
    {
        Connect(XdsTypeUrls.Cluster);
        _session.Receive(Response(XdsTypeUrls.Cluster, "n1", [Cluster("a")]));
        _session.Answer(null);
        _session.Receive(Response(XdsTypeUrls.Cluster, "n2", [Cluster("b")]));
        _session.Answer(null, isInForce: false);
        DeltaDiscoveryRequest first = Reconnect(XdsTypeUrls.Cluster);
        Assert.Equal(string.Empty, first.InitialResourceVersions["b"]);
        Assert.NotEqual(string.Empty, first.InitialResourceVersions["a"]);
        Assert.Equal("b", Assert.Single(_session.Receive(Response(XdsTypeUrls.Cluster, "n1", [Cluster("b")])).Changed).Name);
    }

    internal static DeltaDiscoveryResponse Response(string typeUrl, string nonce, IEnumerable<XdsResource> resources, params string[] removed)
    {
        var response = new DeltaDiscoveryResponse { TypeUrl = typeUrl, Nonce = nonce, RemovedResources = { removed } };
        response.Resources.AddRange(resources.Select(resource => new Resource { Name = resource.Name, Version = resource.Version, Resource_ = resource.Pack(typeUrl) }));
        return response;
    }

    private void Connect(string typeUrl)
    {
        _session.SubscribeAll(typeUrl);
        _session.OnConnected();
        Take();
    }

    private DeltaDiscoveryRequest Reconnect(string typeUrl)
    {
        _session.OnDisconnected();
        _session.OnConnected();
        return Take().Single(request => request.TypeUrl == typeUrl);
    }

    private List<DeltaDiscoveryRequest> Take()
    {
        var requests = new List<DeltaDiscoveryRequest>();
        while (_session.TryTakeRequest(out DeltaDiscoveryRequest? request))
        {
            requests.Add(request);
        }

        return requests;
    }
}
