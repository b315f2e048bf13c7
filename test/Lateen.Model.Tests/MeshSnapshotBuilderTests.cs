using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using CsCheck;
using Lateen.Model.Networking;

namespace Lateen.Model.Tests;

public sealed class MeshSnapshotBuilderTests(ITestOutputHelper output)
{
    private static readonly string[] Namespaces = ["default", "shop", "istio-system"];

    /// <summary>Resources of every kind that a snapshot is made of, in few names, so that a random sequence hits the same ones often.</summary>
    private static readonly Gen<string> AnyDocument = Gen.Select(Gen.Int[0, 9], Gen.Int[0, 2], Gen.Int[0, 2], Gen.Int[0, 3], Document);

    [Fact]
    public void An_incremental_build_equals_a_full_one_after_any_sequence_of_changes() =>
        AnyDocument.Array[1, 12].Array[1, 6].Sample(batches =>
        {
            var store = new Dictionary<ResourceKey, Resource>();
            MeshSnapshot? incremental = null;
            var isRemoving = false;
            foreach (var batch in batches)
            {
                foreach (var resource in batch.SelectMany(document => Given.Resources(document)))
                {
                    if (isRemoving) store.Remove(resource.Key);
                    else store[resource.Key] = resource;
                    isRemoving = !isRemoving && store.Count % 3 == 0;
                }

                incremental = MeshSnapshotBuilder.Build(incremental, store.Values, 1);
                Assert.Equal(Describe(MeshSnapshotBuilder.Build(null, store.Values, 1)), Describe(incremental));
            }
        }, iter: 150);

    [Fact]
    public void Building_twice_from_the_same_resources_shares_every_part()
    {
        var resources = Large(20);
        var first = MeshSnapshotBuilder.Build(null, resources, 1);
        var second = MeshSnapshotBuilder.Build(first, resources, 2);
        Assert.Equal(2, second.Revision);
        Assert.Same(first.Services, second.Services);
        Assert.Same(first.Endpoints, second.Endpoints);
        Assert.Same(first.VirtualServices, second.VirtualServices);
        Assert.Same(first.DestinationRules, second.DestinationRules);
    }

    [Fact]
    public void A_changed_virtual_service_leaves_every_other_object_as_it_was()
    {
        var resources = Large(20);
        var first = MeshSnapshotBuilder.Build(null, resources, 1);
        var second = MeshSnapshotBuilder.Build(first, Change(resources, "svc-7", "svc-9"), 2);
        Assert.Same(first.Services, second.Services);
        Assert.Same(first.Endpoints, second.Endpoints);
        Assert.Equal(1, second.VirtualServices.All.Count(bound => !first.VirtualServices.All.Contains(bound)));
        Assert.Equal("svc-9.default.svc.cluster.local", second.VirtualServices.ByHost("svc-7.default.svc.cluster.local")[0].Http[0].Route[0].Destination.Host);
    }

    [Fact]
    public void A_changed_endpoint_slice_changes_the_endpoints_of_its_service_alone()
    {
        var resources = Large(20);
        var first = MeshSnapshotBuilder.Build(null, resources, 1);
        var changed = resources.Select(resource => resource.Key is { Name: "svc-7" } key && key.Kind == ResourceKind.EndpointSlice
            ? Given.Resources(Slice(7, "10.9.9.9"))[0] : resource);
        var second = MeshSnapshotBuilder.Build(first, changed, 2);
        Assert.Same(first.Services, second.Services);
        var different = second.Services.All.Where(service => first.EndpointsOf(service) != second.EndpointsOf(service));
        Assert.Equal("svc-7", Assert.Single(different).Name);
    }

    [Fact]
    public void A_service_entry_with_another_endpoint_changes_its_endpoints_and_no_service()
    {
        static Resource Entry(string name, string address, int port = 80) => Given.Resources($$"""
            apiVersion: networking.istio.io/v1
            kind: ServiceEntry
            metadata: { name: {{name}} }
            spec:
              hosts: [{{name}}.example.com]
              resolution: STATIC
              ports: [{ number: {{port}}, name: http, protocol: HTTP }]
              endpoints: [{ address: {{address}} }]
            """)[0];
        var first = MeshSnapshotBuilder.Build(null, [Entry("one", "10.0.0.1"), Entry("two", "10.0.0.2")], 1);
        var moved = MeshSnapshotBuilder.Build(first, [Entry("one", "10.0.0.1"), Entry("two", "10.0.0.3")], 2);
        var changed = MeshSnapshotBuilder.Build(moved, [Entry("one", "10.0.0.1"), Entry("two", "10.0.0.3", port: 81)], 3);

        Assert.Same(first.Services, moved.Services);
        Assert.Same(first.EndpointsOf(first.Services.All[0]), moved.EndpointsOf(first.Services.All[0]));
        Assert.Equal("10.0.0.3", moved.EndpointsOf(first.Services.All[1]).ForPort(80)[0].Address);
        Assert.Equal(81, changed.Services.All[1].Ports[0].Number);
        Assert.Same(first.Services.All[0], changed.Services.All[0]);
    }

    [Fact]
    public void Every_property_of_a_service_is_part_of_what_it_says()
    {
        var one = MeshSnapshotBuilder.Build(null, Large(1), 1).Services.All[0];
        var clone = typeof(object).GetMethod("MemberwiseClone", System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic)!;
        Assert.True(one.SaysTheSame((MeshService)clone.Invoke(one, null)!));
        foreach (var property in typeof(MeshService).GetProperties().Where(static property => property.CanWrite))
        {
            var other = (MeshService)clone.Invoke(one, null)!;
            property.SetValue(other, property.GetValue(one) switch
            {
                string => "another",
                bool value => !value,
                ServiceResolution => ServiceResolution.DynamicDns,
                System.Collections.Immutable.ImmutableArray<string> => System.Collections.Immutable.ImmutableArray.Create("another"),
                System.Collections.Immutable.ImmutableArray<MeshServicePort> => System.Collections.Immutable.ImmutableArray<MeshServicePort>.Empty,
                ExportScope => ExportScope.Resolve(["elsewhere"], [], "default"),
                ResourceKey => ResourceKey.Mesh,
                DateTimeOffset value => value.AddDays(1),
                StringMap<string> or null => StringMap.Create(new KeyValuePair<string, string>("another", "one")),
                var value => throw new InvalidOperationException($"{property.Name} is a {value.GetType()}: say here how it can differ"),
            });
            Assert.False(one.SaysTheSame(other), $"{property.Name} differs");
        }
    }

    [Fact]
    public void An_endpoint_slice_rewritten_with_the_same_content_changes_nothing()
    {
        var resources = Large(5);
        var first = MeshSnapshotBuilder.Build(null, resources, 1);
        var again = resources.Select(resource => resource.Key.Kind == ResourceKind.EndpointSlice ? Given.Resources(resource.Text)[0] : resource);
        Assert.Same(first.Endpoints, MeshSnapshotBuilder.Build(first, again, 2).Endpoints);
    }

    [Fact]
    public void A_changed_delegate_is_seen_through_its_root()
    {
        var root = Given.Resources(Given.Document("VirtualService", "root", "hosts: [a.example.com]\nhttp: [{delegate: {name: part}}]"))[0];
        Resource Part(string host) => Given.Resources(Given.Document("VirtualService", "part", $"http: [{{route: [{{destination: {{host: {host}}}}}]}}]"))[0];
        var first = MeshSnapshotBuilder.Build(null, [root, Part("one")], 1);
        var second = MeshSnapshotBuilder.Build(first, [root, Part("two")], 2);
        Assert.Equal("two.default.svc.cluster.local", second.VirtualServices.All.Single().Http[0].Route[0].Destination.Host);
    }

    [Fact]
    public void Mesh_settings_are_an_input_of_everything()
    {
        var service = Given.Resources(Given.Service("a"))[0];
        var mesh = Given.Resources("apiVersion: mesh.istio.io/v1alpha1\nkind: MeshConfig\nclusterDomain: example.org\n")[0];
        var first = MeshSnapshotBuilder.Build(null, [service], 1);
        var second = MeshSnapshotBuilder.Build(first, [service, mesh], 2);
        var third = MeshSnapshotBuilder.Build(second, [service], 3);
        Assert.Equal("a.default.svc.example.org", Assert.Single(second.Services.All).Hostname);
        Assert.Equal("a.default.svc.cluster.local", Assert.Single(third.Services.All).Hostname);
    }

    [Fact]
    public void Two_resources_of_one_key_are_a_bug_of_the_caller()
    {
        var twice = Given.Resources(Given.Service("a")).AddRange(Given.Resources(Given.Service("a")));
        Assert.Throws<ArgumentException>(() => MeshSnapshotBuilder.Build(null, twice, 1));
    }

    /// <summary>A measurement, not a test of time: what one change costs among 2,000 services and 2,000 VirtualServices.</summary>
    [Fact]
    public void One_change_among_two_thousand_services_and_virtual_services_is_measured()
    {
        var resources = Large(2000);
        var first = MeshSnapshotBuilder.Build(null, resources, 1);
        Measure("one VirtualService", i => Change(resources, "svc-7", $"svc-{i}"));
        Measure("one EndpointSlice", i => [.. resources.Select(resource =>
            resource.Key is { Name: "svc-7" } key && key.Kind == ResourceKind.EndpointSlice ? Given.Resources(Slice(7, $"10.9.9.{i}"))[0] : resource)]);
        Measure("one Service", i => [.. resources.Select(resource =>
            resource.Key is { Name: "svc-7" } key && key.Kind == ResourceKind.Service ? Given.Resources(Given.Service("svc-7", port: 8000 + i))[0] : resource)]);
        Assert.Equal(2000, first.VirtualServices.All.Length);

        void Measure(string what, Func<int, ImmutableArray<Resource>> change)
        {
            var inputs = Enumerable.Range(1, 30).Select(change).ToArray();
            var times = new List<double>();
            foreach (var input in inputs)
            {
                var start = Stopwatch.GetTimestamp();
                _ = MeshSnapshotBuilder.Build(first, input, 2);
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            times.Sort();
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: median {times[15]:F2} ms, best {times[0]:F2} ms, worst {times[^1]:F2} ms"));
        }
    }

    private static string Document(int kind, int name, int ns, int variant) => kind switch
    {
        0 => Given.Service($"s{name}", Namespaces[ns], 80 + variant),
        1 => Given.Entry($"e{name}", $"s{variant}.default.svc.cluster.local", Namespaces[ns], age: variant),
        2 => Given.Document("ServiceEntry", $"sel{name}", $"hosts: [h{variant}.com]\nports: [{{number: 80, name: http, protocol: HTTP}}]\nresolution: STATIC\nworkloadSelector: {{labels: {{app: a{variant}}}}}", Namespaces[ns]),
        3 => Given.Document("WorkloadEntry", $"w{name}", $"address: 10.0.0.{variant + 1}\nlabels: {{app: a{variant}}}", Namespaces[ns]),
        4 => $"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: s{name}, namespace: {Namespaces[ns]}, labels: {{kubernetes.io/service-name: s{variant}}}}}\naddressType: IPv4\nendpoints: [{{addresses: [10.1.{ns}.{variant + 1}]}}]\nports: [{{name: http, port: 8080}}]\n",
        5 => Given.VirtualService($"v{name}", $"s{variant}", Namespaces[ns], age: variant, more: variant == 1 ? "exportTo: [\".\"]" : ""),
        6 => Given.Document("VirtualService", $"v{name}", $"hosts: [d{variant}.com]\nhttp: [{{delegate: {{name: v{variant}}}}}]", Namespaces[ns]),
        7 => Given.Document("VirtualService", $"v{name}", $"http: [{{route: [{{destination: {{host: s{variant}}}}}]}}]", Namespaces[ns]),
        8 => Given.Document("DestinationRule", $"r{name}", $"host: s{variant}.default.svc.cluster.local\nsubsets: [{{name: n{name}}}]", Namespaces[ns], age: variant),
        _ => variant < 2
            ? Given.Document("Sidecar", $"c{name}", $"egress: [{{hosts: [\"./*\", \"default/*\"]}}]", Namespaces[ns], age: variant)
            : $"apiVersion: mesh.istio.io/v1alpha1\nkind: MeshConfig\nrootNamespace: {Namespaces[name]}\nclusterDomain: {(variant == 2 ? "cluster.local" : "example.org")}\n",
    };

    /// <summary>Everything that one can ask a snapshot, as text.</summary>
    private static string Describe(MeshSnapshot snapshot)
    {
        var lines = new List<string> { snapshot.Mesh.ToString() };
        foreach (var kind in ResourceKind.All) lines.AddRange(snapshot.Resources(kind).Select(resource => $"{resource} {resource.ContentHash}"));
        foreach (var service in snapshot.Services.All)
        {
            lines.Add($"{service} {service.Source} {service.ExportTo} {string.Join(',', service.Ports)}");
            foreach (var port in service.Ports) lines.Add(string.Join(';', snapshot.EndpointsOf(service).ForPort(port.Number)));
        }

        foreach (var ns in Namespaces)
        {
            foreach (var bound in snapshot.VirtualServices.VisibleTo(ns, "mesh"))
                lines.Add($"{ns}: {bound} {string.Join(',', bound.Hosts)} {string.Join(',', bound.Http.SelectMany(route => route.Route).Select(entry => entry.Destination))}");
            foreach (var service in snapshot.Services.All)
                if (snapshot.DestinationRules.For(service, ns, StringMap<string>.Empty) is { } rule)
                    lines.Add($"{ns}: {service} -> {string.Join(',', rule.Sources)} {string.Join(',', rule.Subsets.Select(subset => subset.Name))}");
            var scope = SidecarScope.Of(snapshot, ns, StringMap<string>.Empty);
            lines.Add($"{ns}: {scope.Sidecar} {string.Join(',', scope.Services)}");
        }

        return string.Join('\n', lines);
    }

    private static string Slice(int number, string address) =>
        $"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: svc-{number}, labels: {{kubernetes.io/service-name: svc-{number}}}}}\naddressType: IPv4\nendpoints: [{{addresses: [{address}]}}]\nports: [{{name: http, port: 8080}}]\n";

    private static ImmutableArray<Resource> Large(int count) =>
    [
        .. Enumerable.Range(0, count).SelectMany(number => Given.Resources(string.Join(
            "---\n", Given.Service($"svc-{number}"), Given.VirtualService($"vs-{number}", $"svc-{number}", destination: $"svc-{number}"), Slice(number, $"10.1.{number / 250}.{(number % 250) + 1}"))))
            .OrderBy(resource => resource.Key),
    ];

    /// <summary>The same objects, but the VirtualService of one service sends elsewhere.</summary>
    private static ImmutableArray<Resource> Change(ImmutableArray<Resource> resources, string service, string destination) =>
    [
        .. resources.Select(resource => resource.Key.Kind == ResourceKind.VirtualService && resource.Name == "vs-" + service["svc-".Length..]
            ? Given.Resources(Given.VirtualService(resource.Name, service, destination: destination))[0]
            : resource),
    ];
}
