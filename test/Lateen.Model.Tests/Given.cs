using System.Collections.Immutable;
using System.Globalization;
using Lateen.Model.Networking;

namespace Lateen.Model.Tests;

/// <summary>Short ways to make what a test starts from. Resources are read from text, as a user would give them.</summary>
internal static class Given
{
    public static StringMap<string> Labels(string text) => text
        .Split(',', StringSplitOptions.RemoveEmptyEntries)
        .Select(label => KeyValuePair.Create(label.Split('=')[0], label.Split('=')[1])).ToStringMap();

    /// <summary>The resources of a text, which must be without error.</summary>
    public static ImmutableArray<Resource> Resources(string yaml)
    {
        var read = ResourceReader.Read(yaml, "given.yaml");
        Assert.DoesNotContain(read.Diagnostics, found => found.IsError);
        return [.. read.Resources];
    }

    public static MeshSnapshot Snapshot(params string[] documents) =>
        MeshSnapshotBuilder.Build(null, Resources(string.Join("\n---\n", documents)), 1);

    public static string Document(string kind, string name, string spec, string ns = "default", int age = 0, string annotations = "{}")
    {
        var apiVersion = ResourceKind.Find(kind)!.ApiVersion;
        var created = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddDays(-age).ToString("O", CultureInfo.InvariantCulture);
        var body = string.Join('\n', spec.ReplaceLineEndings("\n").Trim('\n').Split('\n').Select(line => "  " + line));
        return $"apiVersion: {apiVersion}\nkind: {kind}\nmetadata: {{name: {name}, namespace: {ns}, creationTimestamp: \"{created}\", annotations: {annotations}}}\nspec:\n{body}\n";
    }

    public static string Service(string name, string ns = "default", int port = 80, string annotations = "{}", int age = 0) =>
        Document("Service", name, $"clusterIP: 10.0.0.1\nports: [{{name: http, port: {port}, targetPort: 8080}}]", ns, age, annotations);

    public static string Entry(string name, string host, string ns = "default", int age = 0, string more = "") =>
        Document("ServiceEntry", name, $"hosts: [\"{host}\"]\nports: [{{number: 80, name: http, protocol: HTTP}}]\nresolution: {(host[0] == '*' ? "NONE" : "DNS")}\n{more}", ns, age);

    public static string VirtualService(string name, string host, string ns = "default", int age = 0, string more = "", string destination = "") =>
        Document("VirtualService", name, $"hosts: [\"{host}\"]\nhttp: [{{route: [{{destination: {{host: {(destination.Length > 0 ? destination : "target")}}}}}]}}]\n{more}", ns, age);

    public static HttpRoute Route(string name, StringMatch uri) => new()
    {
        Name = name,
        Match = [new HttpMatchRequest { Uri = uri }],
        Route = [new HttpRouteDestination { Destination = new Destination { Host = "target" } }],
    };

    public static BoundVirtualService Bound(string name, ImmutableArray<string> hosts, params ImmutableArray<HttpRoute> routes) =>
        VirtualServiceBinding.Bind(
            new Resource<VirtualService>(
                ResourceKind.VirtualService, new ResourceMetadata { Name = name, Namespace = "default" },
                new VirtualService { Hosts = hosts, Http = routes }),
            MeshConfig.Default, (_, _) => null);
}
