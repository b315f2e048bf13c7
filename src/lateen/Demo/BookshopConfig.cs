using System.Globalization;
using System.Text;

namespace Lateen.Cli.Demo;

/// <summary>Writes the shop's mesh configuration as a user would: Istio resources, one file per topic.</summary>
internal static class BookshopConfig
{
    /// <summary>Writes the starting configuration into <paramref name="folder"/>, which must exist.</summary>
    public static void Write(BookshopPlan plan, string folder)
    {
        File.WriteAllText(Path.Combine(folder, "services.yaml"), Services(plan));
        File.WriteAllText(Path.Combine(folder, "workloads.yaml"), Workloads(plan));
        File.WriteAllText(Path.Combine(folder, "gateway.yaml"), Gateway(plan));
        File.WriteAllText(Path.Combine(folder, "reviews.yaml"), Reviews());
    }

    private static string Services(BookshopPlan plan) => Documents(plan.Workloads.Select(workload => workload.App).Distinct().Select(app => $"""
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata:
          name: {app}
          namespace: {BookshopPlan.Namespace}
        spec:
          hosts: [{app}.{BookshopPlan.Namespace}.svc.cluster.local]
          location: MESH_INTERNAL
          resolution: STATIC
          ports:
            - number: {BookshopPlan.ServicePort}
              name: http
              protocol: HTTP
          workloadSelector:
            labels:
              app: {app}
        """));

    // The explicit way: others are given the sidecar's inbound address; the sidecar alone knows the application's.
    private static string Workloads(BookshopPlan plan) => Documents(plan.Workloads.SelectMany(workload => new[]
    {
        $"""
        apiVersion: networking.istio.io/v1
        kind: WorkloadEntry
        metadata:
          name: {workload.Name}
          namespace: {BookshopPlan.Namespace}
        spec:
          address: 127.0.0.1
          ports:
            http: {Number(workload.InboundPort)}
          serviceAccount: {workload.App}
          labels:
            app: {workload.App}
            version: {workload.Version}
        """,
        $"""
        apiVersion: networking.istio.io/v1
        kind: Sidecar
        metadata:
          name: {workload.Name}
          namespace: {BookshopPlan.Namespace}
        spec:
          workloadSelector:
            labels:
              app: {workload.App}
              version: {workload.Version}
          ingress:
            - port:
                number: {Number(workload.InboundPort)}
                name: http
                protocol: HTTP
              bind: 127.0.0.1
              captureMode: NONE
              defaultEndpoint: 127.0.0.1:{Number(workload.AppPort)}
          egress:
            - captureMode: NONE
              hosts: ["./*"]
        """,
    }));

    private static string Gateway(BookshopPlan plan) => Documents([
        $"""
        apiVersion: networking.istio.io/v1
        kind: Gateway
        metadata:
          name: bookshop
          namespace: {BookshopPlan.Namespace}
        spec:
          selector:
            istio: ingressgateway
          servers:
            - port:
                number: {Number(plan.IngressPort)}
                name: http
                protocol: HTTP
              bind: 127.0.0.1
              hosts: ["*"]
        """,
        $"""
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata:
          name: storefront
          namespace: {BookshopPlan.Namespace}
        spec:
          hosts: ["*"]
          gateways: [bookshop]
          http:
            - name: shop
              route:
                - destination:
                    host: storefront.{BookshopPlan.Namespace}.svc.cluster.local
                    port:
                      number: {BookshopPlan.ServicePort}
        """,
    ]);

    private static string Reviews() => Documents([
        $"""
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata:
          name: reviews
          namespace: {BookshopPlan.Namespace}
        spec:
          host: reviews
          subsets:
            - name: v1
              labels:
                version: v1
            - name: v2
              labels:
                version: v2
            - name: v3
              labels:
                version: v3
        """,
        $"""
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata:
          name: reviews
          namespace: {BookshopPlan.Namespace}
        spec:
          hosts: [reviews]
          http:
            - name: all-to-v1
              route:
                - destination:
                    host: reviews
                    subset: v1
        """,
    ]);

    private static string Documents(IEnumerable<string> documents) =>
        new StringBuilder().AppendJoin("\n---\n", documents).Append('\n').ToString();

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
