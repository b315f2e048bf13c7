using Envoy.Service.Discovery.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Xds.Client;
using static Lateen.Xds.Tests.XdsSamples;

namespace Lateen.Xds.Tests.Client;

public sealed class SotwClientSessionTests
{
    private readonly SotwClientSession _session = new(Node);

    [Fact]
    public void An_acknowledgement_repeats_names_nonce_and_the_new_version()
    {
        _session.OnConnected();
        _session.Subscribe(XdsTypeUrls.RouteConfiguration, "b");
        _session.Subscribe(XdsTypeUrls.RouteConfiguration, "a");
        DiscoveryRequest first = Assert.Single(Take());
        Assert.Equal((string.Empty, string.Empty), (first.VersionInfo, first.ResponseNonce));
        _session.Receive(Response(XdsTypeUrls.RouteConfiguration, "v1", "n1", Routes("a"), Routes("b")));
        _session.Answer(null);
        DiscoveryRequest ack = Assert.Single(Take());
        Assert.Equal(("v1", "n1"), (ack.VersionInfo, ack.ResponseNonce));
        Assert.Equal(["a", "b"], ack.ResourceNames);
        Assert.Null(ack.ErrorDetail);
    }

    [Fact]
    public void A_refusal_keeps_the_old_version_and_the_good_resources()
    {
        Connect();
        Receive("v1", "n1", null, Cluster("a"), Cluster("b"));
        Receive("v2", "n2", [new XdsRejection("a", "bad")], Cluster("a", 2), Cluster("b", 2));
        DiscoveryRequest nack = Assert.Single(Take());
        Assert.Equal(("v1", "n2", "a: bad"), (nack.VersionInfo, nack.ResponseNonce, nack.ErrorDetail.Message));
        XdsUpdate next = _session.Receive(Response(XdsTypeUrls.Cluster, "v3", "n3", Cluster("a", 3), Cluster("b", 2)));
        Assert.Equal(["a"], next.Changed.Select(static resource => resource.Name));
    }

    [Fact]
    public void Only_what_differs_in_bytes_counts_as_changed_and_what_is_absent_is_removed()
    {
        Connect();
        Receive("v1", "n1", null, Cluster("a"), Cluster("b"), Cluster("c"));
        XdsUpdate update = _session.Receive(Response(XdsTypeUrls.Cluster, "v2", "n2", Cluster("a"), Cluster("b", 2)));
        Assert.Equal(["b"], update.Changed.Select(static resource => resource.Name));
        Assert.Equal(["c"], update.Removed);
    }

    [Fact]
    public void A_route_configuration_that_is_absent_is_not_taken_for_removed()
    {
        _session.OnConnected();
        _session.Subscribe(XdsTypeUrls.RouteConfiguration, "a");
        _session.Subscribe(XdsTypeUrls.RouteConfiguration, "b");
        Take();
        _session.Receive(Response(XdsTypeUrls.RouteConfiguration, "v1", "n1", Routes("a"), Routes("b")));
        _session.Answer(null);
        Assert.Empty(_session.Receive(Response(XdsTypeUrls.RouteConfiguration, "v2", "n2", Routes("a", "x"))).Removed);
    }

    [Fact]
    public void A_malformed_resource_is_refused_and_its_last_good_version_stays()
    {
        Connect();
        Receive("v1", "n1", null, Cluster("a"));
        DiscoveryResponse response = Response(XdsTypeUrls.Cluster, "v2", "n2", Cluster("a", 2));
        response.Resources[0].TypeUrl = XdsTypeUrls.Listener;
        XdsUpdate update = _session.Receive(response);
        Assert.Empty(update.Removed);
        _session.Answer(null);
        Assert.NotNull(Assert.Single(Take()).ErrorDetail);
    }

    [Fact]
    public void Nothing_that_could_pass_for_an_acknowledgement_is_sent_while_the_consumer_works()
    {
        _session.OnConnected();
        _session.Subscribe(XdsTypeUrls.RouteConfiguration, "a");
        Take();
        _session.Receive(Response(XdsTypeUrls.RouteConfiguration, "v1", "n1", Routes("a")));
        _session.Subscribe(XdsTypeUrls.RouteConfiguration, "b");
        Assert.Empty(Take());
        _session.Answer([new XdsRejection("a", "bad")]);
        DiscoveryRequest nack = Assert.Single(Take());
        Assert.Equal(["a", "b"], nack.ResourceNames);
        Assert.Equal(("n1", "a: bad"), (nack.ResponseNonce, nack.ErrorDetail.Message));
    }

    [Fact]
    public void A_name_given_up_and_wanted_again_is_first_left_out_so_that_the_server_sends_it_again()
    {
        _session.OnConnected();
        _session.Subscribe(XdsTypeUrls.RouteConfiguration, "a");
        _session.Subscribe(XdsTypeUrls.RouteConfiguration, "b");
        Take();
        _session.Unsubscribe(XdsTypeUrls.RouteConfiguration, "a");
        _session.Subscribe(XdsTypeUrls.RouteConfiguration, "a");
        Assert.Equal(["b", "a b"], Take().Select(static request => string.Join(' ', request.ResourceNames)));
    }

    [Fact]
    public void A_new_stream_resumes_with_the_version_held_unless_it_is_a_mixture()
    {
        Connect();
        Receive("v1", "n1", null, Cluster("a"), Cluster("b"));
        Assert.Equal(("v1", string.Empty), Reconnect());
        Receive("v2", "n1", [new XdsRejection("a", "bad")], Cluster("a", 2), Cluster("b", 2));
        Assert.Equal((string.Empty, string.Empty), Reconnect());
    }

    [Fact]
    public void A_resource_inside_a_discovery_resource_is_unwrapped()
    {
        Connect();
        var wrapped = new Resource { Name = "a", Version = "7", Resource_ = Cluster("a").Pack(XdsTypeUrls.Cluster) };
        var response = new DiscoveryResponse { TypeUrl = XdsTypeUrls.Cluster, VersionInfo = "v1", Nonce = "n1", Resources = { Any.Pack(wrapped) } };
        Assert.Equal(Cluster("a").Body, Assert.Single(_session.Receive(response).Changed).Body);
    }

    [Fact]
    public void An_acknowledgement_waits_for_all_that_came_before_it()
    {
        Connect();
        _session.Receive(Response(XdsTypeUrls.Cluster, "v1", "n1", Cluster("a")));
        OwedAnswer first = _session.Answer(null, isInForce: false);
        _session.Receive(Response(XdsTypeUrls.Cluster, "v2", "n2", Cluster("a"), Cluster("b")));
        Assert.Empty(Take());
        _session.Answer(null);
        Assert.Empty(Take());
        first.IsDue = true;
        DiscoveryRequest ack = Assert.Single(Take());
        Assert.Equal(("v2", "n2"), (ack.VersionInfo, ack.ResponseNonce));
    }

    [Fact]
    public void A_new_name_does_not_wait_for_an_acknowledgement_that_is_not_due()
    {
        _session.OnConnected();
        _session.Subscribe(XdsTypeUrls.RouteConfiguration, "a");
        Take();
        _session.Receive(Response(XdsTypeUrls.RouteConfiguration, "v1", "n1", Routes("a")));
        _session.Answer(null, isInForce: false);
        _session.Subscribe(XdsTypeUrls.RouteConfiguration, "b");
        DiscoveryRequest request = Assert.Single(Take());
        Assert.Equal(["a", "b"], request.ResourceNames);
        Assert.Equal(("v1", "n1"), (request.VersionInfo, request.ResponseNonce));
    }

    private static DiscoveryResponse Response(string typeUrl, string version, string nonce, params XdsResource[] resources)
    {
        var response = new DiscoveryResponse { TypeUrl = typeUrl, VersionInfo = version, Nonce = nonce };
        response.Resources.AddRange(resources.Select(resource => resource.Pack(typeUrl)));
        return response;
    }

    private void Connect()
    {
        _session.SubscribeAll(XdsTypeUrls.Cluster);
        _session.OnConnected();
        Take();
    }

    private void Receive(string version, string nonce, XdsRejection[]? rejections, params XdsResource[] clusters)
    {
        Take();
        _session.Receive(Response(XdsTypeUrls.Cluster, version, nonce, clusters));
        _session.Answer(rejections);
    }

    private (string Version, string Nonce) Reconnect()
    {
        _session.OnDisconnected();
        _session.OnConnected();
        DiscoveryRequest first = Assert.Single(Take());
        return (first.VersionInfo, first.ResponseNonce);
    }

    private List<DiscoveryRequest> Take()
    {
        var requests = new List<DiscoveryRequest>();
        while (_session.TryTakeRequest(out DiscoveryRequest? request))
        {
            requests.Add(request);
        }

        return requests;
    }
}
