using System.Collections.Immutable;

namespace Lateen.Model.Networking;

/// <summary>What one egress listener of a sidecar serves.</summary>
/// <param name="Listener">Null for the listener that stands for "no Sidecar, or a Sidecar without egress": everything visible.</param>
/// <param name="Services">One per host name, in host order. Under a listener with a port, those that have that port (all of them when the
/// port is an HTTP proxy).</param>
/// <param name="VirtualServices">In the order in which sidecars prefer them.</param>
public sealed record EgressScope(
    SidecarEgressListener? Listener, ImmutableArray<MeshService> Services, ImmutableArray<BoundVirtualService> VirtualServices);

/// <summary>
/// What a workload's sidecar may see and does: the Sidecar that applies, the services and VirtualServices of each egress listener, and
/// the union of services that need clusters. A function of the snapshot, the namespace and the Sidecar alone, so workloads that share
/// those share one scope.
/// </summary>
public sealed class SidecarScope
{
    private SidecarScope(
        string scopeNamespace, Resource<Sidecar>? sidecar, ImmutableArray<EgressScope> egress, ImmutableArray<MeshService> services,
        OutboundTrafficMode outboundTrafficMode)
    {
        Namespace = scopeNamespace;
        Sidecar = sidecar;
        Egress = egress;
        Services = services;
        OutboundTrafficMode = outboundTrafficMode;
    }

    public string Namespace { get; }

    /// <summary>Null: none applies, everything that is exported to the namespace is imported.</summary>
    public Resource<Sidecar>? Sidecar { get; }

    /// <summary>At least one.</summary>
    public ImmutableArray<EgressScope> Egress { get; }

    /// <summary>Every service that some listener imports or some imported VirtualService sends to, and the egress proxy; one per host name,
    /// in host order.</summary>
    public ImmutableArray<MeshService> Services { get; }

    /// <summary>The Sidecar's answer to unknown hosts, else the mesh's.</summary>
    public OutboundTrafficMode OutboundTrafficMode { get; }

    /// <summary>The scope of a workload.</summary>
    public static SidecarScope Of(MeshSnapshot snapshot, string workloadNamespace, StringMap<string> labels)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        return Of(snapshot, workloadNamespace, snapshot.Sidecars.For(workloadNamespace, labels));
    }

    /// <summary>The scope of a namespace under a given Sidecar.</summary>
    public static SidecarScope Of(MeshSnapshot snapshot, string workloadNamespace, Resource<Sidecar>? sidecar)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var visibleServices = snapshot.Services.VisibleTo(workloadNamespace);
        var visibleRoutes = snapshot.VirtualServices.VisibleTo(workloadNamespace, BoundVirtualService.MeshGateway);
        ImmutableArray<EgressScope> egress = sidecar is null || sidecar.Spec.Egress.IsEmpty
            ? [new EgressScope(null, Choose(visibleServices, workloadNamespace), visibleRoutes)]
            : [.. sidecar.Spec.Egress.Select(listener => Import(listener, visibleServices, visibleRoutes, workloadNamespace))];
        return new SidecarScope(
            workloadNamespace, sidecar, egress, Union(snapshot, egress, sidecar, workloadNamespace),
            sidecar?.Spec.OutboundTrafficPolicy?.Mode ?? snapshot.Mesh.OutboundTrafficPolicy);
    }

    private static EgressScope Import(
        SidecarEgressListener listener, IEnumerable<MeshService> services, ImmutableArray<BoundVirtualService> routes, string ownNamespace)
    {
        var filter = new EgressHostFilter(listener.Hosts, ownNamespace);
        // A listener with a port of its own is for services with that port, save where it is a proxy for any HTTP.
        var port = listener.Port is { Protocol: not PortProtocol.HttpProxy } own ? own.Number : 0;
        var imported = services.Where(service =>
            (port == 0 || service.Port(port) is not null) && filter.Imports(service.Hostname, service.Namespace));
        return new EgressScope(listener, Choose(imported, ownNamespace), [.. routes.Where(filter.Imports)]);
    }

    /// <summary>One service per host name: the own namespace's, else a core Service, else the oldest.</summary>
    private static ImmutableArray<MeshService> Choose(IEnumerable<MeshService> inHostOrder, string ownNamespace)
    {
        var chosen = ImmutableArray.CreateBuilder<MeshService>();
        foreach (var service in inHostOrder)
        {
            if (chosen.Count == 0 || chosen[^1].Hostname != service.Hostname) chosen.Add(service);
            else if (ServiceIndex.IsPreferred(service, chosen[^1], ownNamespace)) chosen[^1] = service;
        }

        return chosen.ToImmutable();
    }

    private static ImmutableArray<MeshService> Union(
        MeshSnapshot snapshot, ImmutableArray<EgressScope> egress, Resource<Sidecar>? sidecar, string ownNamespace)
    {
        if (egress is [{ Listener: null, Services: var everything }]) return everything;
        var union = new SortedDictionary<string, MeshService>(StringComparer.Ordinal);
        foreach (var scope in egress)
            foreach (var service in scope.Services) union.TryAdd(service.Hostname, service);
        foreach (var scope in egress)
            foreach (var route in scope.VirtualServices)
                foreach (var host in DestinationHosts(route))
                    if (!union.ContainsKey(host) && snapshot.Services.Find(host, ownNamespace) is { } service) union.Add(host, service);
        if (sidecar?.Spec.OutboundTrafficPolicy?.EgressProxy is { } proxy
            && HostName.Resolve(proxy.Host, sidecar.Namespace, snapshot.Mesh.ClusterDomain).ToLowerInvariant() is var proxyHost
            && snapshot.Services.Find(proxyHost, ownNamespace) is { } egressProxy) union.TryAdd(proxyHost, egressProxy);
        return [.. union.Values];
    }

    private static IEnumerable<string> DestinationHosts(BoundVirtualService route)
    {
        foreach (var http in route.Http)
        {
            foreach (var entry in http.Route) yield return entry.Destination.Host;
            if (http.Mirror is { } mirror) yield return mirror.Host;
            foreach (var entry in http.Mirrors) yield return entry.Destination.Host;
        }

        foreach (var tls in route.Tls)
            foreach (var entry in tls.Route) yield return entry.Destination.Host;
        foreach (var tcp in route.Tcp)
            foreach (var entry in tcp.Route) yield return entry.Destination.Host;
    }
}
