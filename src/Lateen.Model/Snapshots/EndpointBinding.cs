using System.Collections.Immutable;
using Lateen.Model.Kubernetes;
using Lateen.Model.Networking;
using Lateen.Model.Security;

namespace Lateen.Model;

/// <summary>Finds the endpoints of a service among the resources of its namespace. Pure.</summary>
public static class EndpointBinding
{
    /// <summary>Ties an EndpointSlice to its Service.</summary>
    public const string ServiceNameLabel = "kubernetes.io/service-name";

    /// <summary>Says of a workload that its proxy speaks the mesh's mutual TLS: <c>istio</c>.</summary>
    public const string TlsModeLabel = "security.istio.io/tlsMode";

    private static readonly string[] WorkloadNameLabels = ["service.istio.io/workload-name", "service.istio.io/canonical-name", "app"];

    /// <param name="source">The resource that declares <paramref name="service"/>.</param>
    /// <param name="slices">EndpointSlices labelled with the Service's name, in its namespace.</param>
    /// <param name="workloads">WorkloadEntries of the service's namespace; its selector chooses among them.</param>
    /// <param name="peers">What the endpoints take from their clients.</param>
    public static ServiceEndpoints Bind(
        MeshService service,
        Resource source,
        IEnumerable<Resource<EndpointSlice>> slices,
        IEnumerable<Resource<WorkloadEntry>> workloads,
        PeerAuthenticationIndex peers)
    {
        ArgumentNullException.ThrowIfNull(service);
        ArgumentNullException.ThrowIfNull(peers);
        var ports = ImmutableArray.CreateBuilder<(int, ImmutableArray<MeshEndpoint>)>(service.Ports.Length);
        foreach (var port in service.Ports)
        {
            var endpoints = new List<MeshEndpoint>();
            switch (source)
            {
                case Resource<Service> { Spec: { Type: ServiceType.ExternalName, ExternalName: { } name } }:
                    endpoints.Add(new MeshEndpoint { Address = name, Port = port.TargetPort ?? port.Number, Namespace = service.Namespace });
                    break;
                case Resource<Service> kubernetes:
                    AddSlices(endpoints, service, kubernetes.Spec.PublishNotReadyAddresses, port, slices);
                    AddSelected(endpoints, service, port, workloads);
                    break;
                case Resource<ServiceEntry> { Spec: var entry } when entry.Endpoints.Length > 0:
                    foreach (var inline in entry.Endpoints) endpoints.Add(OfWorkload(service, port, inline, ""));
                    break;
                case Resource<ServiceEntry> { Spec.WorkloadSelector: not null }:
                    AddSelected(endpoints, service, port, workloads);
                    break;
                case Resource<ServiceEntry> when service.Resolution is ServiceResolution.Dns or ServiceResolution.DnsRoundRobin:
                    // Without endpoints the host itself is what DNS is asked for.
                    endpoints.Add(new MeshEndpoint
                    {
                        Address = service.Hostname,
                        Port = port.TargetPort ?? port.Number,
                        Namespace = service.Namespace,
                    });
                    break;
            }

            endpoints.Sort(Compare);
            ports.Add((port.Number, [.. endpoints.Select(endpoint => WithMutualTls(endpoint, service, peers))]));
        }

        return ports.All(port => port.Item2.IsEmpty) ? ServiceEndpoints.None : new ServiceEndpoints(ports.MoveToImmutable());
    }

    /// <summary>Outside the mesh nobody speaks its mutual TLS, whatever an endpoint's labels say.</summary>
    private static MeshEndpoint WithMutualTls(MeshEndpoint endpoint, MeshService service, PeerAuthenticationIndex peers) => service.IsExternal
        ? endpoint
        : endpoint with
        {
            HasIdentity = endpoint.Labels.GetValueOrDefault(TlsModeLabel) == "istio",
            MutualTls = peers.For(endpoint.Namespace, endpoint.Labels).ForPort(endpoint.Port),
        };

    private static int Compare(MeshEndpoint left, MeshEndpoint right)
    {
        var order = string.CompareOrdinal(left.Address, right.Address);
        if (order == 0) order = left.Port.CompareTo(right.Port);
        return order != 0 ? order : string.CompareOrdinal(left.WorkloadName, right.WorkloadName);
    }

    private static void AddSelected(
        List<MeshEndpoint> endpoints, MeshService service, MeshServicePort port, IEnumerable<Resource<WorkloadEntry>> workloads)
    {
        if (service.Selector is not { } selector) return;
        foreach (var workload in workloads)
            if (selector.Selects(LabelsOf(workload)))
                endpoints.Add(OfWorkload(service, port, workload.Spec, workload.Name, LabelsOf(workload)));
    }

    /// <summary>A WorkloadEntry's own labels, else those of its metadata (Istio adds the latter to the former).</summary>
    public static StringMap<string> LabelsOf(Resource<WorkloadEntry> workload)
    {
        ArgumentNullException.ThrowIfNull(workload);
        if (workload.Metadata.Labels.Count == 0) return workload.Spec.Labels;
        if (workload.Spec.Labels.Count == 0) return workload.Metadata.Labels;
        var own = workload.Spec.Labels;
        return own.Concat(workload.Metadata.Labels.Where(label => !own.ContainsKey(label.Key))).ToStringMap();
    }

    private static MeshEndpoint OfWorkload(
        MeshService service, MeshServicePort port, WorkloadEntry workload, string name, StringMap<string>? labels = null)
    {
        labels ??= workload.Labels;
        var isUnixSocket = workload.Address.StartsWith("unix://", StringComparison.Ordinal);
        return new MeshEndpoint
        {
            Address = isUnixSocket ? workload.Address["unix://".Length..] : workload.Address,
            Port = isUnixSocket ? 0 : workload.Ports.TryGetValue(port.Name, out var own) ? own : port.TargetPort ?? port.Number,
            Labels = labels,
            Locality = workload.Locality ?? "",
            Network = workload.Network ?? "",
            Weight = workload.Weight is > 0 and var weight ? weight : 1,
            ServiceAccount = workload.ServiceAccount ?? "",
            WorkloadName = name.Length > 0 ? name : WorkloadNameOf(labels),
            Namespace = service.Namespace,
        };
    }

    private static string WorkloadNameOf(StringMap<string> labels)
    {
        foreach (var label in WorkloadNameLabels)
            if (labels.TryGetValue(label, out var name)) return name;
        return "";
    }

    private static void AddSlices(
        List<MeshEndpoint> endpoints, MeshService service, bool includeNotReady, MeshServicePort port, IEnumerable<Resource<EndpointSlice>> slices)
    {
        foreach (var slice in slices)
        {
            var target = slice.Spec.Ports.FirstOrDefault(candidate => candidate.Name == port.Name);
            if (target is null) continue;
            // A directory has no pods to take labels from, so a slice's own labels stand for those of its endpoints: one slice per version.
            var labels = slice.Metadata.Labels.Where(label => !label.Key.Contains("kubernetes.io/", StringComparison.Ordinal)).ToStringMap();
            foreach (var endpoint in slice.Spec.Endpoints)
            {
                if (endpoint.Addresses.IsEmpty) continue;
                var isDraining = endpoint is { IsReady: false, IsServing: true, IsTerminating: true };
                if (!endpoint.IsReady && !isDraining && !includeNotReady) continue;
                endpoints.Add(new MeshEndpoint
                {
                    Address = endpoint.Addresses[0],
                    Port = target.Port,
                    Labels = labels,
                    Locality = LocalityOf(slice, endpoint),
                    Health = isDraining ? EndpointHealth.Draining : EndpointHealth.Healthy,
                    WorkloadName = endpoint.TargetName ?? endpoint.Hostname ?? WorkloadNameOf(labels),
                    Namespace = service.Namespace,
                });
            }
        }
    }

    /// <summary>Kubernetes knows only the zone; the region may stand on the slice.</summary>
    private static string LocalityOf(Resource<EndpointSlice> slice, SliceEndpoint endpoint)
    {
        var region = slice.Metadata.Labels.GetValueOrDefault("topology.kubernetes.io/region") ?? "";
        return endpoint.Zone is { Length: > 0 } zone ? $"{region}/{zone}" : region;
    }
}
