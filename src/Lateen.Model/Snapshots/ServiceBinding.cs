using System.Collections.Immutable;
using Lateen.Model.Kubernetes;
using Lateen.Model.Networking;

namespace Lateen.Model;

/// <summary>Makes the mesh's view of a service out of the resource that declares it. Pure.</summary>
public static class ServiceBinding
{
    /// <summary>Visibility of a core Service, which has no field for it.</summary>
    public const string ExportToAnnotation = "networking.istio.io/exportTo";

    /// <summary>Accounts of a core Service's endpoints beside those that the endpoints name: SPIFFE ids, separated by commas.</summary>
    public const string CanonicalAccountsAnnotation = "alpha.istio.io/canonical-serviceaccounts";

    /// <summary>The same by the names of accounts of the Service's namespace.</summary>
    public const string KubernetesAccountsAnnotation = "alpha.istio.io/kubernetes-serviceaccounts";

    /// <summary>The services that a core Service or a ServiceEntry declares (one per host); none for other kinds.</summary>
    public static ImmutableArray<MeshService> Bind(Resource resource, MeshConfig mesh) => resource switch
    {
        Resource<Service> service => [OfService(service, mesh)],
        Resource<ServiceEntry> entry => OfServiceEntry(entry, mesh),
        _ => [],
    };

    private static MeshService OfService(Resource<Service> resource, MeshConfig mesh)
    {
        var spec = resource.Spec;
        return new MeshService
        {
            Hostname = HostName.OfService(resource.Name, resource.Namespace, mesh.ClusterDomain).ToLowerInvariant(),
            Namespace = resource.Namespace,
            Name = resource.Name,
            Ports = [.. spec.Ports.Select(port =>
                new MeshServicePort(port.Port, port.Name, ProtocolSelection.OfServicePort(port), TargetPortOf(port)))],
            Addresses = spec.IsHeadless ? [] : spec.ClusterIPs,
            // An ExternalName is a name in DNS; Istio makes an alias of it, which gives the same requests the same endpoints.
            Resolution = spec.Type == ServiceType.ExternalName ? ServiceResolution.Dns : ServiceResolution.Endpoints,
            IsExternal = spec.Type == ServiceType.ExternalName,
            IsHeadless = spec.IsHeadless,
            ExportTo = ExportScope.Resolve(ExportToOf(resource.Metadata), mesh.DefaultServiceExportTo, resource.Namespace),
            Labels = resource.Metadata.Labels,
            Selector = spec.Selector.Count == 0 ? null : spec.Selector,
            SubjectAltNames = AccountsOf(resource, mesh),
            Source = resource.Key,
            CreatedAt = resource.Metadata.CreatedAt,
        };
    }

    private static int? TargetPortOf(ServicePort port) => port.TargetPortName is null ? port.TargetPort ?? port.Port : null;

    private static ImmutableArray<string> ExportToOf(ResourceMetadata metadata) => [.. ListOf(metadata, ExportToAnnotation)];

    private static ImmutableArray<string> AccountsOf(Resource<Service> resource, MeshConfig mesh) =>
    [
        .. ListOf(resource.Metadata, CanonicalAccountsAnnotation),
        .. ListOf(resource.Metadata, KubernetesAccountsAnnotation).Select(account => $"spiffe://{mesh.TrustDomain}/ns/{resource.Namespace}/sa/{account}"),
    ];

    private static string[] ListOf(ResourceMetadata metadata, string annotation) =>
        metadata.Annotations.TryGetValue(annotation, out var written)
            ? written.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            : [];

    private static ImmutableArray<MeshService> OfServiceEntry(Resource<ServiceEntry> resource, MeshConfig mesh)
    {
        var spec = resource.Spec;
        ImmutableArray<MeshServicePort> ports =
            [.. spec.Ports.Select(port => new MeshServicePort(port.Number, port.Name, port.Protocol, port.TargetPort ?? port.Number))];
        var exportTo = ExportScope.Resolve(spec.ExportTo, mesh.DefaultServiceExportTo, resource.Namespace);
        return
        [
            .. spec.Hosts.Select(host => new MeshService
            {
                Hostname = host.ToLowerInvariant(),
                Namespace = resource.Namespace,
                Name = resource.Name,
                Ports = ports,
                Addresses = spec.Addresses,
                Resolution = spec.Resolution switch
                {
                    ServiceEntryResolution.Static => ServiceResolution.Endpoints,
                    ServiceEntryResolution.Dns => ServiceResolution.Dns,
                    ServiceEntryResolution.DnsRoundRobin => ServiceResolution.DnsRoundRobin,
                    ServiceEntryResolution.DynamicDns => ServiceResolution.DynamicDns,
                    _ => ServiceResolution.Passthrough,
                },
                IsExternal = spec.Location == ServiceEntryLocation.MeshExternal,
                ExportTo = exportTo,
                Labels = resource.Metadata.Labels,
                Selector = spec.WorkloadSelector,
                SubjectAltNames = spec.SubjectAltNames,
                Source = resource.Key,
                CreatedAt = resource.Metadata.CreatedAt,
            }),
        ];
    }
}
