using System.Buffers;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.AccessLogs;
using Lateen.Telemetry.Exposition;

namespace Lateen.Proxy.Tests.Statistics;

public sealed class IstioStatsTests
{
    private static readonly ServiceIdentity Reviews = new("reviews.shop.svc.cluster.local", "reviews", "shop");

    [Fact]
    public void The_sending_side_reports_itself_the_service_and_the_endpoint_that_the_control_plane_named()
    {
        var exchange = new TestExchange();
        var filter = Filters(exchange, Nodes.ProductPageId, Nodes.ProductPage).CreateStats("istio.stats", new Stats.PluginConfig());

        exchange.Served(503, TestExchange.Cluster("outbound|9080||reviews.shop.svc.cluster.local", Reviews),
            TestExchange.Endpoint("reviews-v2;shop;reviews;v2;Kubernetes"), ResponseFlags.UpstreamConnectionFailure | ResponseFlags.UpstreamRetryLimitExceeded).Pass(filter);

        Assert.Equal(
            "istio_requests_total{reporter=\"source\",source_workload=\"productpage-v1\",source_canonical_service=\"productpage\","
            + "source_canonical_revision=\"v1\",source_workload_namespace=\"shop\",source_principal=\"unknown\",source_app=\"productpage\","
            + "source_version=\"v1\",source_cluster=\"Kubernetes\",destination_workload=\"reviews-v2\",destination_workload_namespace=\"shop\","
            + "destination_principal=\"unknown\",destination_app=\"unknown\",destination_version=\"unknown\","
            + "destination_service=\"reviews.shop.svc.cluster.local\",destination_canonical_service=\"reviews\","
            + "destination_canonical_revision=\"v2\",destination_service_name=\"reviews\",destination_service_namespace=\"shop\","
            + "destination_cluster=\"Kubernetes\",request_protocol=\"http\",response_code=\"503\",grpc_response_status=\"\","
            + "response_flags=\"UF,URX\",connection_security_policy=\"unknown\"} 1",
            Sample(exchange, "istio_requests_total"));
        Assert.EndsWith(" 7", Sample(exchange, "istio_request_duration_milliseconds_sum"), StringComparison.Ordinal);
        Assert.EndsWith(" 12", Sample(exchange, "istio_request_bytes_sum"), StringComparison.Ordinal);
        Assert.EndsWith(" 345", Sample(exchange, "istio_response_bytes_sum"), StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_peer_told_of_itself_goes_before_what_the_control_plane_said_of_the_endpoint()
    {
        var exchange = new TestExchange();
        var filters = Filters(exchange, Nodes.ProductPageId, Nodes.ProductPage);
        var metadata = filters.CreatePeerMetadata("istio.metadata_exchange", PeerMetadataTests.Client);
        var stats = filters.CreateStats("istio.stats", new Stats.PluginConfig());

        exchange.Served(200, TestExchange.Cluster("c", Reviews), TestExchange.Endpoint("other;shop;other;v9;Kubernetes"));
        exchange.Exchange.Response.Headers.Add("x-envoy-peer-metadata"u8, PeerHeader.Encode(MeshWorkload.Read(Nodes.Reviews)));
        exchange.Pass(metadata, stats);

        var sample = Sample(exchange, "istio_requests_total");
        Assert.Contains("destination_workload=\"reviews-v2\"", sample, StringComparison.Ordinal);
        Assert.Contains("destination_app=\"reviews\",destination_version=\"v2\"", sample, StringComparison.Ordinal);
    }

    [Fact]
    public void The_serving_side_reports_the_peer_as_source_and_itself_as_destination()
    {
        var exchange = new TestExchange(TrafficDirection.Inbound);
        var filters = Filters(exchange, Nodes.ReviewsId, Nodes.Reviews);

        exchange.Served(200, TestExchange.Cluster("inbound|9080||", Reviews));
        exchange.Exchange.Request.Headers.Add("x-envoy-peer-metadata"u8, PeerHeader.Encode(MeshWorkload.Read(Nodes.ProductPage)));
        exchange.Pass(filters.CreatePeerMetadata("mx", PeerMetadataTests.Server), filters.CreateStats("stats", new Stats.PluginConfig()));

        var sample = Sample(exchange, "istio_requests_total");
        Assert.Contains("reporter=\"destination\",source_workload=\"productpage-v1\"", sample, StringComparison.Ordinal);
        Assert.Contains("destination_workload=\"reviews-v2\"", sample, StringComparison.Ordinal);
        Assert.Contains("destination_service=\"reviews.shop.svc.cluster.local\"", sample, StringComparison.Ordinal);
        Assert.Contains("connection_security_policy=\"none\"", sample, StringComparison.Ordinal);
    }

    [Fact]
    public void A_peer_that_told_nothing_is_unknown_even_after_one_that_did()
    {
        var exchange = new TestExchange(TrafficDirection.Inbound);
        var filters = Filters(exchange, Nodes.ReviewsId, Nodes.Reviews);
        var metadata = filters.CreatePeerMetadata("mx", PeerMetadataTests.Server);
        var stats = filters.CreateStats("stats", new Stats.PluginConfig());
        exchange.Served();
        exchange.Exchange.Request.Headers.Add("x-envoy-peer-metadata"u8, PeerHeader.Encode(MeshWorkload.Read(Nodes.ProductPage)));
        exchange.Pass(metadata, stats);

        exchange.Served(404).Pass(metadata, stats);

        Assert.Contains("source_workload=\"unknown\"", Sample(exchange, "istio_requests_total", "response_code=\"404\""), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("outbound|80||httpbin.org", "httpbin.org", "httpbin.org", "unknown")]
    [InlineData("outbound|80|v1|a.ns1.svc.cluster.local", "a.ns1.svc.cluster.local", "a", "ns1")]
    [InlineData("PassthroughCluster", "example.com", "PassthroughCluster", "unknown")]
    [InlineData("BlackHoleCluster", "example.com", "BlackHoleCluster", "unknown")]
    [InlineData("inbound|9080||", "example.com", "example.com", "unknown")]
    [InlineData("plain", "example.com", "example.com", "unknown")]
    public void A_cluster_without_service_metadata_is_named_by_its_name_or_by_the_host_asked_for(
        string cluster, string service, string name, string serviceNamespace)
    {
        var exchange = new TestExchange();
        var filter = Filters(exchange, Nodes.ProductPageId, null).CreateStats("stats", new Stats.PluginConfig());

        exchange.Served(200, TestExchange.Cluster(cluster), authority: "example.com").Pass(filter);

        var sample = Sample(exchange, "istio_requests_total");
        Assert.Contains($"destination_service=\"{service}\"", sample, StringComparison.Ordinal);
        Assert.Contains($"destination_service_name=\"{name}\",destination_service_namespace=\"{serviceNamespace}\"", sample, StringComparison.Ordinal);
    }

    [Fact]
    public void The_host_header_is_not_used_where_the_configuration_forbids_it()
    {
        var exchange = new TestExchange();
        var filter = Filters(exchange, Nodes.ProductPageId, null).CreateStats("stats", new Stats.PluginConfig { DisableHostHeaderFallback = true });

        exchange.Served(404, authority: "attacker-1.example", flags: ResponseFlags.NoRouteFound).Pass(filter);
        exchange.Served(404, authority: "attacker-2.example", flags: ResponseFlags.NoRouteFound).Pass(filter);

        Assert.EndsWith(" 2", Sample(exchange, "istio_requests_total", "destination_service=\"unknown\""), StringComparison.Ordinal);
    }

    [Fact]
    public void Grpc_requests_carry_their_status()
    {
        var exchange = new TestExchange();
        var filter = Filters(exchange, Nodes.ProductPageId, null).CreateStats("stats", new Stats.PluginConfig());
        exchange.Served();
        exchange.Exchange.IsGrpc = true;
        exchange.Exchange.Record.GrpcStatus = 14;

        exchange.Pass(filter);

        Assert.Contains("request_protocol=\"grpc\",response_code=\"200\",grpc_response_status=\"14\"", Sample(exchange, "istio_requests_total"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_request_with_labels_seen_before_allocates_nothing()
    {
        var exchange = new TestExchange(TrafficDirection.Inbound);
        var filters = Filters(exchange, Nodes.ReviewsId, Nodes.Reviews);
        var metadata = filters.CreatePeerMetadata("mx", PeerMetadataTests.Server);
        var stats = filters.CreateStats("stats", new Stats.PluginConfig());
        var header = PeerHeader.Encode(MeshWorkload.Read(Nodes.ProductPage));
        var cluster = TestExchange.Cluster("inbound|9080||");
        for (var i = 0; i < 1000; i++) Once();
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 1000; i++) Once();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Once()
        {
            exchange.Served(200, cluster);
            exchange.Exchange.Request.Headers.Add("x-envoy-peer-metadata"u8, header);
            metadata.OnRequest(exchange.Exchange);
            metadata.OnResponse(exchange.Exchange);
            stats.OnComplete(exchange.Exchange);
        }
    }

    private static IstioFilters Filters(TestExchange exchange, string id, Struct? node) => new(exchange.Statistics.Registry, id, node, 1);

    /// <summary>The one sample of a name, with its labels.</summary>
    private static string Sample(TestExchange exchange, string name, string label = "")
    {
        var writer = new ArrayBufferWriter<byte>();
        PrometheusText.Write(exchange.Statistics.Registry.List(), StatsQuery.All, writer);
        return Assert.Single(
            Encoding.UTF8.GetString(writer.WrittenSpan).Split('\n'),
            line => line.StartsWith(name + "{", StringComparison.Ordinal) && line.Contains(label, StringComparison.Ordinal));
    }
}
