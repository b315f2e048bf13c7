using Envoy.Service.Discovery.V3;
using Google.Rpc;
using Lateen.Xds.Server;
using static Lateen.Xds.Tests.XdsSamples;

namespace Lateen.Xds.Tests.Server;

public sealed class DeltaServerSessionTests
{
    private const string Cds = XdsTypeUrls.Cluster;
    private const string Eds = XdsTypeUrls.ClusterLoadAssignment;
    private const string Lds = XdsTypeUrls.Listener;
    private const string Rds = XdsTypeUrls.RouteConfiguration;

    private readonly DeltaServerSession _session = new();
    private readonly Dictionary<string, string> _lastNonces = [];

    [Fact]
    public void A_stream_that_does_not_say_who_it_is_is_refused()
    {
        Assert.NotNull(_session.Receive(new DeltaDiscoveryRequest { TypeUrl = Cds }));
        Assert.NotNull(new DeltaServerSession().Receive(new DeltaDiscoveryRequest { Node = Node }));
    }

    [Fact]
    public void Nothing_is_sent_before_there_is_a_view_and_all_of_it_after()
    {
        Subscribe(Cds);
        Assert.Empty(Take());
        _session.SetView(View(1, (Cds, Cluster("a")), (Cds, Cluster("b"))));
        DeltaDiscoveryResponse response = Assert.Single(Take());
        Assert.Equal(["a", "b"], Names(response));
        Assert.Equal(Cluster("a").Version, response.Resources[0].Version);
    }

    [Fact]
    public void A_proxy_that_asks_for_all_is_answered_although_there_is_nothing()
    {
        Subscribe(Cds);
        _session.SetView(View(1));
        DeltaDiscoveryResponse empty = Assert.Single(Take());
        Assert.Empty(empty.Resources);
        Assert.Equal(0, _session.Status.ServedRevision);
        Ack(empty);
        Assert.Equal(1, _session.Status.ServedRevision);
    }

    [Fact]
    public void Only_what_changed_is_sent()
    {
        Subscribe(Cds);
        Serve(View(1, (Cds, Cluster("a")), (Cds, Cluster("b"))));
        _session.SetView(View(2, (Cds, Cluster("a")), (Cds, Cluster("b", 2)), (Cds, Cluster("c"))));
        Assert.Equal(["b", "c"], Names(Assert.Single(Take())));
    }

    [Fact]
    public void A_view_that_shares_its_dictionaries_is_served_without_a_word()
    {
        Subscribe(Cds);
        ResourceView view = View(1, (Cds, Cluster("a")));
        Serve(view);
        _session.SetView(view.At(2));
        Assert.Empty(Take());
        Assert.Equal(2, _session.Status.ServedRevision);
    }

    [Fact]
    public void The_next_response_of_a_type_waits_for_the_answer_and_merges_what_came_meanwhile()
    {
        Subscribe(Cds);
        _session.SetView(View(1, (Cds, Cluster("a"))));
        DeltaDiscoveryResponse first = Assert.Single(Take());
        _session.SetView(View(2, (Cds, Cluster("a", 2))));
        _session.SetView(View(3, (Cds, Cluster("a", 3)), (Cds, Cluster("b"))));
        Assert.Empty(Take());
        Ack(first);
        DeltaDiscoveryResponse second = Assert.Single(Take());
        Assert.Equal(Cluster("a", 3).Version, second.Resources.Single(static resource => resource.Name == "a").Version);
        Assert.Equal(["a", "b"], Names(second));
        Ack(second);
        Assert.Equal(3, _session.Status.ServedRevision);
    }

    [Fact]
    public void Additions_go_clusters_endpoints_listeners_routes()
    {
        SubscribeAll();
        _session.SetView(Shop(1));
        Assert.Equal([Cds, Eds], Take().Select(static response => response.TypeUrl));
        // Listeners and routes wait for the clusters' answer.
        AckAll(Cds);
        Assert.Equal([Lds, Rds], Take().Select(static response => response.TypeUrl));
    }

    [Fact]
    public void Endpoints_do_not_wait_for_clusters_that_are_not_answered()
    {
        Subscribe(Cds);
        _session.SetView(View(1, (Cds, Cluster("a")), (Eds, Endpoints("a"))));
        Assert.Equal([Cds], Take().Select(static response => response.TypeUrl));
        _session.SetView(View(2, (Cds, Cluster("a")), (Cds, Cluster("b")), (Eds, Endpoints("a"))));
        Subscribe(Eds, "a");
        // Envoy answers for a new cluster when its endpoints have come: waiting for each other would be for ever.
        Assert.Equal([Eds], Take().Select(static response => response.TypeUrl));
    }

    [Fact]
    public void Removals_go_last_and_who_refers_goes_before_who_is_referred_to()
    {
        SubscribeAll();
        Serve(Shop(1));
        _session.SetView(View(2, (Cds, Cluster("new"))));
        DeltaDiscoveryResponse added = Assert.Single(Take());
        Assert.Equal(["new"], Names(added));
        Assert.Empty(added.RemovedResources);
        var order = new List<string>();
        for (DeltaDiscoveryResponse? last = added; last is not null;)
        {
            Ack(last);
            last = Take().SingleOrDefault();
            if (last is not null)
            {
                Assert.Empty(last.Resources);
                order.Add(last.TypeUrl);
            }
        }

        Assert.Equal([Lds, Rds, Cds, Eds], order);
        Assert.Equal(2, _session.Status.ServedRevision);
    }

    [Fact]
    public void Clusters_are_not_taken_from_a_proxy_that_refused_the_routes_without_them()
    {
        SubscribeAll();
        Serve(Shop(1));
        _session.SetView(View(2, (Cds, Cluster("b")), (Eds, Endpoints("a")), (Lds, Listener("l", "r")), (Rds, Routes("r", "b"))));
        Ack(Assert.Single(Take()));
        DeltaDiscoveryResponse routes = Assert.Single(Take());
        Assert.Equal(Rds, routes.TypeUrl);
        Nack(routes, "r: bad");
        Assert.Empty(Take());
        Assert.True(_session.Status.HasRejection);
        Assert.Equal(1, _session.Status.ServedRevision);

        _session.SetView(View(3, (Cds, Cluster("b")), (Eds, Endpoints("a")), (Lds, Listener("l", "r")), (Rds, Routes("r", "b", "b"))));
        Ack(Assert.Single(Take()));
        DeltaDiscoveryResponse removal = Assert.Single(Take());
        Assert.Equal(["a"], removal.RemovedResources);
        Ack(removal);
        Assert.Equal(3, _session.Status.ServedRevision);
        Assert.False(_session.Status.HasRejection);
    }

    [Fact]
    public void A_refused_resource_is_not_sent_again_until_its_type_changes_and_then_with_it()
    {
        Subscribe(Cds);
        _session.SetView(View(1, (Cds, Cluster("a")), (Cds, Cluster("b"))));
        Nack(Assert.Single(Take()), "a: bad");
        Assert.Empty(Take());
        Assert.Equal("a: bad", Assert.Single(_session.Status.Types).RejectionReason);
        _session.SetView(View(2, (Cds, Cluster("a")), (Cds, Cluster("b")), (Cds, Cluster("c"))));
        DeltaDiscoveryResponse again = Assert.Single(Take());
        Assert.Equal(["a", "b", "c"], Names(again));
        Ack(again);
        Assert.Equal(2, _session.Status.ServedRevision);
        Assert.False(_session.Status.HasRejection);
    }

    /// <summary>It would count as sent, and be missing when it is asked for again.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_refused_resource_that_is_not_asked_for_any_more_does_not_come_with_the_next_change(bool isRefusedFirst)
    {
        Subscribe(Eds, "a", "c");
        _session.SetView(View(1, (Eds, Endpoints("a")), (Eds, Endpoints("c"))));
        DeltaDiscoveryResponse refused = Assert.Single(Take());
        if (isRefusedFirst) Nack(refused, "a: bad");
        _session.Receive(new DeltaDiscoveryRequest { TypeUrl = Eds, ResourceNamesUnsubscribe = { "a" } });
        if (!isRefusedFirst) Nack(refused, "a: bad");

        _session.SetView(View(2, (Eds, Endpoints("a", 2)), (Eds, Endpoints("c", 2))));
        DeltaDiscoveryResponse change = Assert.Single(Take());
        Assert.Equal(["c"], Names(change));
        Ack(change);

        Subscribe(Eds, "a");
        Assert.Equal(["a"], Names(Assert.Single(Take())));
    }

    [Fact]
    public void A_stale_nonce_acknowledges_nothing_but_its_subscriptions_count()
    {
        Subscribe(Cds);
        Subscribe(Eds, "a");
        _session.SetView(View(1, (Cds, Cluster("a")), (Eds, Endpoints("a")), (Eds, Endpoints("b"))));
        DeltaDiscoveryResponse endpoints = Take().Single(static response => response.TypeUrl == Eds);
        _session.Receive(new DeltaDiscoveryRequest { TypeUrl = Eds, ResponseNonce = "gone", ResourceNamesSubscribe = { "b" } });
        Assert.Empty(Take());
        Ack(endpoints);
        Assert.Equal(["b"], Names(Assert.Single(Take())));
        _session.Receive(new DeltaDiscoveryRequest { TypeUrl = Cds, ResponseNonce = "gone" });
        Assert.Equal(0, _session.Status.Types.Single(static type => type.TypeUrl == Cds).AcknowledgedRevision);
    }

    [Fact]
    public void A_proxy_that_resumes_is_sent_what_differs_and_told_what_is_gone()
    {
        _session.Receive(new DeltaDiscoveryRequest
        {
            Node = Node,
            TypeUrl = Cds,
            InitialResourceVersions = { ["same"] = Cluster("same").Version, ["old"] = Cluster("old").Version, ["gone"] = "1" },
        });
        _session.SetView(View(1, (Cds, Cluster("same")), (Cds, Cluster("old", 2)), (Cds, Cluster("new"))));
        DeltaDiscoveryResponse added = Assert.Single(Take());
        Assert.Equal(["new", "old"], Names(added));
        Ack(added);
        // Its listeners may route to what is gone: they are heard first.
        Assert.Empty(Take());
        Subscribe(Lds);
        Ack(Assert.Single(Take()));
        Assert.Equal(["gone"], Assert.Single(Take()).RemovedResources);
    }

    [Fact]
    public void A_proxy_that_resumes_with_everything_is_served_at_once()
    {
        _session.Receive(new DeltaDiscoveryRequest { Node = Node, TypeUrl = Cds, InitialResourceVersions = { ["a"] = Cluster("a").Version } });
        _session.SetView(View(5, (Cds, Cluster("a"))));
        Assert.Empty(Take());
        Assert.Equal(5, _session.Status.ServedRevision);
    }

    [Fact]
    public void A_name_that_does_not_exist_is_told_so_at_once_and_sent_when_it_appears()
    {
        Subscribe(Rds, "r");
        _session.SetView(View(1));
        DeltaDiscoveryResponse absent = Assert.Single(Take());
        Assert.Equal(["r"], absent.RemovedResources);
        Ack(absent);
        _session.SetView(View(2));
        Assert.Empty(Take());
        _session.SetView(View(3, (Rds, Routes("r"))));
        Assert.Equal(["r"], Names(Assert.Single(Take())));
    }

    [Fact]
    public void A_repeated_subscription_is_answered_again()
    {
        Subscribe(Rds, "r");
        Serve(View(1, (Rds, Routes("r"))));
        Subscribe(Rds, "r");
        Assert.Equal(["r"], Names(Assert.Single(Take())));
    }

    [Fact]
    public void What_is_given_up_is_sent_no_more()
    {
        Subscribe(Eds, "a", "b");
        Serve(View(1, (Eds, Endpoints("a")), (Eds, Endpoints("b"))));
        _session.Receive(new DeltaDiscoveryRequest { TypeUrl = Eds, ResourceNamesUnsubscribe = { "a" } });
        _session.SetView(View(2, (Eds, Endpoints("a", 2)), (Eds, Endpoints("b", 2))));
        Assert.Equal(["b"], Names(Assert.Single(Take())));
    }

    [Fact]
    public void All_may_be_asked_for_by_a_star_and_given_up_by_it()
    {
        Subscribe(Eds, "*", "a");
        Serve(View(1, (Eds, Endpoints("a")), (Eds, Endpoints("b"))));
        Assert.Equal(-1, Assert.Single(_session.Status.Types).Subscribed);
        _session.Receive(new DeltaDiscoveryRequest { TypeUrl = Eds, ResourceNamesUnsubscribe = { "*" } });
        _session.SetView(View(2, (Eds, Endpoints("a", 2)), (Eds, Endpoints("b", 2))));
        Assert.Equal(["a"], Names(Assert.Single(Take())));
    }

    [Fact]
    public void A_stream_that_names_too_many_types_is_refused()
    {
        string? error = null;
        for (int i = 0; i < 40; i++)
        {
            error ??= _session.Receive(new DeltaDiscoveryRequest { Node = Node, TypeUrl = $"type.googleapis.com/t{i}", ResourceNamesSubscribe = { "x" } });
        }

        Assert.NotNull(error);
    }

    private static ResourceView Shop(long revision) => View(
        revision,
        (Cds, Cluster("a")),
        (Eds, Endpoints("a")),
        (Lds, Listener("l", "r")),
        (Rds, Routes("r", "a")));

    private static IEnumerable<string> Names(DeltaDiscoveryResponse response) => response.Resources.Select(static resource => resource.Name);

    private void SubscribeAll()
    {
        Subscribe(Lds);
        Subscribe(Cds);
        Subscribe(Rds, "r");
        Subscribe(Eds, "a");
    }

    private void Subscribe(string typeUrl, params string[] names) =>
        Assert.Null(_session.Receive(new DeltaDiscoveryRequest { Node = Node, TypeUrl = typeUrl, ResourceNamesSubscribe = { names } }));

    private void Serve(ResourceView view)
    {
        _session.SetView(view);
        for (List<DeltaDiscoveryResponse> responses = Take(); responses.Count > 0; responses = Take())
        {
            responses.ForEach(Ack);
        }

        Assert.Equal(view.Revision, _session.Status.ServedRevision);
    }

    private void AckAll(string typeUrl) => _session.Receive(new DeltaDiscoveryRequest { TypeUrl = typeUrl, ResponseNonce = _lastNonces[typeUrl] });

    private void Ack(DeltaDiscoveryResponse response) => _session.Receive(new DeltaDiscoveryRequest { TypeUrl = response.TypeUrl, ResponseNonce = response.Nonce });

    private void Nack(DeltaDiscoveryResponse response, string reason) => _session.Receive(
        new DeltaDiscoveryRequest { TypeUrl = response.TypeUrl, ResponseNonce = response.Nonce, ErrorDetail = new Status { Code = 3, Message = reason } });

    private List<DeltaDiscoveryResponse> Take()
    {
        var responses = new List<DeltaDiscoveryResponse>();
        while (_session.TryTakeResponse(out DeltaDiscoveryResponse? response))
        {
            _lastNonces[response.TypeUrl] = response.Nonce;
            responses.Add(response);
        }

        return responses;
    }
}
