using System.Globalization;
using System.Text;

namespace Lateen.Bench.Footprint;

/// <summary>A mesh of any size, as its users would write it: N services of one endpoint, and as many VirtualServices.</summary>
internal static class MeshFiles
{
    /// <summary>Names the version of a route in the answer's head.</summary>
    internal const string VersionHeader = "x-route-version";

    internal static string Host(int index) => string.Create(CultureInfo.InvariantCulture, $"service-{index:D4}.bench.svc.cluster.local");

    internal static void Write(string directory, int services, int endpointPort)
    {
        var entries = new StringBuilder();
        var routes = new StringBuilder();
        for (int i = 0; i < services; i++)
        {
            entries.Append("---\n").Append(Service(i, endpointPort));
            routes.Append("---\n").Append(Route(i, 0));
        }

        File.WriteAllText(Path.Combine(directory, "services.yaml"), entries.ToString());
        File.WriteAllText(Path.Combine(directory, "routes.yaml"), routes.ToString());
    }

    internal static string Service(int index, int endpointPort) => $$"""
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: { name: service-{{index:D4}}, namespace: bench }
        spec:
          hosts: [{{Host(index)}}]
          location: MESH_INTERNAL
          resolution: STATIC
          ports:
            - { number: 80, name: http, protocol: HTTP }
          endpoints:
            - { address: 127.0.0.1, ports: { http: {{endpointPort}} }, labels: { version: v1 } }

        """;

    internal static string Route(int index, int version) => $$"""
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: { name: service-{{index:D4}}, namespace: bench }
        spec:
          hosts: [{{Host(index)}}]
          http:
            - match:
                - uri: { prefix: /api/ }
              headers: { response: { set: { {{VersionHeader}}: "{{version}}" } } }
              timeout: 5s
              route:
                - destination: { host: {{Host(index)}} }
            - route:
                - destination: { host: {{Host(index)}} }

        """;
}
