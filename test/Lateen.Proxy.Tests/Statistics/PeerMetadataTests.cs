using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Io.Istio.Http.PeerMetadata;
using Lateen.Http;
using Lateen.Proxy.Statistics;

namespace Lateen.Proxy.Tests.Statistics;

public sealed class PeerMetadataTests
{
    private static Config.Types.IstioHeaders Headers => new() { SkipExternalClusters = true };

    /// <summary>What Istio configures on the serving side.</summary>
    public static Config Server => new()
    {
        DownstreamDiscovery = { new Config.Types.DiscoveryMethod { IstioHeaders = Headers } },
        DownstreamPropagation = { new Config.Types.PropagationMethod { IstioHeaders = Headers } },
    };

    /// <summary>What Istio configures on the sending side.</summary>
    public static Config Client => new()
    {
        UpstreamDiscovery = { new Config.Types.DiscoveryMethod { IstioHeaders = Headers } },
        UpstreamPropagation = { new Config.Types.PropagationMethod { IstioHeaders = Headers } },
    };

    [Fact]
    public void The_sending_side_tells_who_it_is_whatever_the_application_claims()
    {
        var exchange = new TestExchange().Served(cluster: TestExchange.Cluster("outbound|9080||reviews"));
        exchange.Exchange.Request.Headers.Add("x-envoy-peer-metadata"u8, "forged"u8);

        exchange.Pass(Filter(exchange, Client));

        Assert.Equal(Nodes.ProductPageId, Text(exchange.Exchange.Request.Headers, KnownHeader.XEnvoyPeerMetadataId));
        var told = PeerHeader.Decode(exchange.Exchange.Request.Headers.Get(KnownHeader.XEnvoyPeerMetadata));
        Assert.Equal(("productpage-v1", "shop", "productpage", "v1", "Kubernetes"),
            (told!.WorkloadName, told.Namespace, told.CanonicalName, told.CanonicalRevision, told.ClusterId));
    }

    [Theory]
    [InlineData("PassthroughCluster")]
    [InlineData("BlackHoleCluster")]
    public void Nothing_is_told_to_what_is_outside_the_mesh(string cluster)
    {
        var exchange = new TestExchange().Served(cluster: TestExchange.Cluster(cluster));
        exchange.Exchange.Request.Headers.Add("x-envoy-peer-metadata-id"u8, "forged"u8);

        exchange.Pass(Filter(exchange, Client));

        Assert.Equal(0, exchange.Exchange.Request.Headers.Count);
    }

    [Fact]
    public void The_serving_side_reads_the_headers_keeps_them_from_the_application_and_answers_with_its_own()
    {
        var exchange = new TestExchange().Served();
        exchange.Exchange.Request.Headers.Add("x-envoy-peer-metadata"u8, PeerHeader.Encode(MeshWorkload.Read(Nodes.Reviews)));
        exchange.Exchange.Request.Headers.Add("x-envoy-peer-metadata-id"u8, Encoding.ASCII.GetBytes(Nodes.ReviewsId));

        exchange.Pass(Filter(exchange, Server));

        Assert.Equal(0, exchange.Exchange.Request.Headers.Count);
        Assert.Equal("reviews-v2", ExchangePeers.Of(exchange.Exchange).Downstream!.WorkloadName);
        Assert.Equal(Nodes.ProductPageId, Text(exchange.Exchange.Response.Headers, KnownHeader.XEnvoyPeerMetadataId));
        Assert.NotNull(PeerHeader.Decode(exchange.Exchange.Response.Headers.Get(KnownHeader.XEnvoyPeerMetadata)));
    }

    [Fact]
    public void A_client_that_told_nothing_is_told_nothing()
    {
        var exchange = new TestExchange().Served();

        exchange.Pass(Filter(exchange, Server));

        Assert.Equal(0, exchange.Exchange.Response.Headers.Count);
    }

    [Fact]
    public void The_sending_side_keeps_the_upstreams_headers_from_the_application()
    {
        var exchange = new TestExchange().Served(cluster: TestExchange.Cluster("outbound|9080||reviews"));
        exchange.Exchange.Response.Headers.Add("x-envoy-peer-metadata"u8, PeerHeader.Encode(MeshWorkload.Read(Nodes.Reviews)));
        exchange.Exchange.Response.Headers.Add("x-envoy-peer-metadata-id"u8, Encoding.ASCII.GetBytes(Nodes.ReviewsId));

        exchange.Pass(Filter(exchange, Client));

        Assert.Equal(0, exchange.Exchange.Response.Headers.Count);
        Assert.Equal("reviews-v2", ExchangePeers.Of(exchange.Exchange).Upstream!.WorkloadName);
    }

    [Fact]
    public void A_peer_that_names_its_canonical_service_is_called_so()
    {
        var node = Nodes.Reviews;
        node.Fields["LABELS"].StructValue.Fields["service.istio.io/canonical-name"] = Value.ForString("reviews-canonical");
        node.Fields["LABELS"].StructValue.Fields["app.kubernetes.io/version"] = Value.ForString("2.1");

        var workload = PeerHeader.Decode(PeerHeader.Encode(MeshWorkload.Read(node)));

        Assert.Equal(("reviews-canonical", "2.1", "reviews", "v2"), (workload!.CanonicalName, workload.CanonicalRevision, workload.App, workload.Version));
    }

    [Fact]
    public void A_workload_without_labels_is_its_own_canonical_service()
    {
        var workload = MeshWorkload.Read(new Struct { Fields = { ["WORKLOAD_NAME"] = Value.ForString("job"), ["LABELS"] = Value.ForString("no struct") } });

        Assert.Equal(("job", "latest"), (workload.CanonicalName, workload.CanonicalRevision));
    }

    [Theory]
    [InlineData("")]
    [InlineData("not base64!")]
    [InlineData("////")]
    public void A_header_that_cannot_be_read_is_an_unknown_peer(string header)
    {
        var cache = new PeerCache();

        Assert.Same(MeshWorkload.Unknown, cache.Read(Encoding.ASCII.GetBytes(header)));
        Assert.Equal(0, cache.Count);
    }

    [Fact]
    public void A_header_that_is_too_long_is_not_read()
    {
        var message = new Struct { Fields = { ["NAME"] = Value.ForString(new string('x', PeerHeader.MaxLength)) } };

        Assert.Null(PeerHeader.Decode(Encoding.ASCII.GetBytes(Convert.ToBase64String(message.ToByteArray()))));
    }

    [Fact]
    public void A_flood_of_peers_does_not_fill_the_memory()
    {
        var cache = new PeerCache();

        for (var i = 0; i < 3 * PeerCache.Capacity; i++)
            cache.Read(PeerHeader.Encode(MeshWorkload.Read(new Struct { Fields = { ["NAME"] = Value.ForString($"{i}") } })));

        Assert.InRange(cache.Count, 1, PeerCache.Capacity);
    }

    private static PeerMetadataFilter Filter(TestExchange exchange, Config config) =>
        (PeerMetadataFilter)new IstioFilters(exchange.Statistics.Registry, Nodes.ProductPageId, Nodes.ProductPage, 1).CreatePeerMetadata("mx", config);

    private static string Text(HeaderBlock headers, KnownHeader id) => Encoding.ASCII.GetString(headers.Get(id));
}
