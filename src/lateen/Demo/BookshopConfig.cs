using System.Globalization;
using System.Text;

namespace Lateen.Cli.Demo;

/// <summary>Writes the shop's mesh configuration as a user would: Istio resources, one file per topic.</summary>
internal static class BookshopConfig
{
    private const string CredentialName = "bookshop-certificate";

    /// <summary>Writes the starting configuration into <paramref name="folder"/>, which must exist.</summary>
    /// <param name="certificate">What the ingress shows who comes with TLS.</param>
    public static void Write(BookshopPlan plan, string folder, DemoCertificate certificate)
    {
        File.WriteAllText(Path.Combine(folder, "services.yaml"), Services(plan));
        File.WriteAllText(Path.Combine(folder, "workloads.yaml"), Workloads(plan));
        File.WriteAllText(Path.Combine(folder, "gateway.yaml"), Gateway(plan));
        File.WriteAllText(Path.Combine(folder, "reviews.yaml"), Reviews());
        certificate.WriteSecret(CredentialName, BookshopPlan.Namespace, Path.Combine(folder, "certificate.yaml"));
    }

    private static string Services(BookshopPlan plan) => Documents(plan.Workloads.Select(workload => workload.Service).Distinct().Select(service => $"""
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata:
          name: {service.App}
          namespace: {BookshopPlan.Namespace}
        spec:
          hosts: [{service.Host}]
          location: MESH_INTERNAL
          resolution: STATIC
          ports:
            - number: {Number(plan.PortOf(service))}
              name: {service.PortName}
              protocol: {service.Protocol}
          workloadSelector:
            labels:
              app: {service.App}
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
            {workload.Service.PortName}: {Number(workload.InboundPort)}
          serviceAccount: {workload.App}
          labels:
            app: {workload.App}
            version: {workload.Version}
            security.istio.io/tlsMode: istio
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
                name: {workload.Service.PortName}
                protocol: {workload.Service.Protocol}
              bind: 127.0.0.1
              captureMode: NONE
              defaultEndpoint: 127.0.0.1:{Number(workload.AppPort)}
          egress:
        {Egress(plan, workload)}
        """,
    }));

    // What speaks HTTP says whom it is for, and goes to the sidecar's proxy port. A TCP connection does not: it gets a port of its own.
    private static string Egress(BookshopPlan plan, Workload workload) => workload.Service != BookshopPlan.Storefront
        ? """
            - captureMode: NONE
              hosts: ["./*"]
        """
        : $"""
            - port:
                number: {Number(plan.VisitsPort)}
                name: redis
                protocol: TCP
              bind: 127.0.0.1
              captureMode: NONE
              hosts: ["./{BookshopPlan.Visits.Host}"]
            - captureMode: NONE
              hosts: ["./*"]
        """;

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
            - port:
                number: {Number(plan.IngressTlsPort)}
                name: https
                protocol: HTTPS
              bind: 127.0.0.1
              hosts: ["*"]
              tls:
                mode: SIMPLE
                credentialName: {CredentialName}
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
            - name: live-orders
              match:
                - uri:
                    prefix: /orders/
              route:
                - destination:
                    host: {BookshopPlan.Orders.Host}
                    port:
                      number: {Number(BookshopPlan.Orders.Port)}
            - name: shop
              route:
                - destination:
                    host: {BookshopPlan.Storefront.Host}
                    port:
                      number: {Number(BookshopPlan.Storefront.Port)}
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
