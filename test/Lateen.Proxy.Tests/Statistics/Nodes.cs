using Google.Protobuf.WellKnownTypes;

namespace Lateen.Proxy.Tests.Statistics;

/// <summary>Node metadata of two workloads of one shop.</summary>
internal static class Nodes
{
    public const string ProductPageId = "sidecar~127.0.0.2~productpage-1.shop~shop.svc.cluster.local";
    public const string ReviewsId = "sidecar~127.0.0.3~reviews-v2-1.shop~shop.svc.cluster.local";

    public static Struct ProductPage => Node("productpage", "v1", "productpage-v1");

    public static Struct Reviews => Node("reviews", "v2", "reviews-v2");

    private static Struct Node(string app, string version, string workload) => new()
    {
        Fields =
        {
            ["NAME"] = Value.ForString(workload + "-1"),
            ["NAMESPACE"] = Value.ForString("shop"),
            ["WORKLOAD_NAME"] = Value.ForString(workload),
            ["CLUSTER_ID"] = Value.ForString("Kubernetes"),
            ["LABELS"] = Value.ForStruct(new Struct { Fields = { ["app"] = Value.ForString(app), ["version"] = Value.ForString(version) } }),
        },
    };
}
