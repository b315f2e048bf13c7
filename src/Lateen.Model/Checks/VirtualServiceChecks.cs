using System.Collections.Immutable;
using Lateen.Model.Networking;

namespace Lateen.Model;

/// <summary>Checks of a VirtualService against what else there is.</summary>
internal static class VirtualServiceChecks
{
    public static void GatewaysExist(MeshSnapshot snapshot, BoundVirtualService virtualService, Findings report)
    {
        for (var i = 0; i < virtualService.Gateways.Length; i++)
        {
            var gateway = virtualService.Gateways[i];
            if (gateway == BoundVirtualService.MeshGateway) continue;
            var slash = gateway.IndexOf('/');
            if (snapshot.Find(new ResourceKey(ResourceKind.Gateway, gateway[..slash], gateway[(slash + 1)..])) is not null) continue;
            report.Add(
                DiagnosticCodes.UnknownGateway, virtualService.Resource, $"spec.gateways[{i}]", $"there is no Gateway '{gateway}'",
                report.Nearest(gateway, snapshot.Gateways.All.Select(GatewayIndex.NameOf)) ?? "a name without namespace means the own one");
        }
    }

    public static void DelegatesExist(MeshSnapshot snapshot, BoundVirtualService virtualService, Findings report)
    {
        foreach (var (index, route) in virtualService.Resource.Spec.Http.Index())
        {
            if (route.Delegate is not { } target) continue;
            var key = new ResourceKey(ResourceKind.VirtualService, target.Namespace ?? virtualService.Namespace, target.Name);
            if (snapshot.Find(key) is not Resource<VirtualService> found)
                report.Add(
                    DiagnosticCodes.UnknownDelegate, virtualService.Resource, $"spec.http[{index}].delegate", $"there is no {key}; the rule is left out",
                    location: route.Location);
            else if (found.Spec.Hosts.Length > 0)
                report.Add(
                    DiagnosticCodes.UnknownDelegate, virtualService.Resource, $"spec.http[{index}].delegate",
                    $"{key} has hosts, so it is no delegate; the rule is left out", location: route.Location);
        }
    }

    public static void DestinationsExist(MeshSnapshot snapshot, BoundVirtualService virtualService, Findings report)
    {
        foreach (var (index, route) in virtualService.Http.Index())
            foreach (var (entry, destination) in route.Route.Select(part => part.Destination).Index())
                DestinationExists(snapshot, virtualService, destination, $"spec.http[{index}].route[{entry}].destination", route.Location, report);
        foreach (var (index, route) in virtualService.Tls.Index())
            foreach (var (entry, destination) in route.Route.Select(part => part.Destination).Index())
                DestinationExists(snapshot, virtualService, destination, $"spec.tls[{index}].route[{entry}].destination", null, report);
        foreach (var (index, route) in virtualService.Tcp.Index())
            foreach (var (entry, destination) in route.Route.Select(part => part.Destination).Index())
                DestinationExists(snapshot, virtualService, destination, $"spec.tcp[{index}].route[{entry}].destination", null, report);
    }

    public static void SharesAHostWithItsGateways(MeshSnapshot snapshot, BoundVirtualService virtualService, Findings report)
    {
        foreach (var gateway in snapshot.Gateways.All)
        {
            if (!virtualService.IsBoundTo(GatewayIndex.NameOf(gateway))) continue;
            if (gateway.Spec.Servers.All(server => GatewayAttachment.SharedHosts(gateway, server, virtualService).IsEmpty))
                report.Add(
                    DiagnosticCodes.NoSharedHost, virtualService.Resource, "spec.hosts",
                    $"{gateway} serves none of these hosts to this namespace, so the VirtualService has no effect there", "compare hosts, exportTo and the Gateway's hosts");
        }
    }

    /// <summary>A sidecar uses one VirtualService per host; of those that everyone sees, the oldest.</summary>
    public static void HostsAreRoutedOnce(MeshSnapshot snapshot, Findings report)
    {
        var firstByHost = new Dictionary<(string Host, string Scope), BoundVirtualService>();
        foreach (var virtualService in snapshot.VirtualServices.All)
        {
            if (!virtualService.IsBoundTo(BoundVirtualService.MeshGateway)) continue;
            for (var i = 0; i < virtualService.Hosts.Length; i++)
            {
                if (firstByHost.TryAdd((virtualService.Hosts[i], virtualService.ExportTo.ToString()), virtualService)) continue;
                var winner = firstByHost[(virtualService.Hosts[i], virtualService.ExportTo.ToString())];
                if (winner == virtualService) continue;
                report.Add(
                    DiagnosticCodes.HostRoutedTwice, virtualService.Resource, $"spec.hosts[{i}]",
                    $"sidecars route '{virtualService.Hosts[i]}' by {winner}, which is older", "join the two, or narrow exportTo");
            }
        }
    }

    private static void DestinationExists(
        MeshSnapshot snapshot, BoundVirtualService virtualService, Destination destination, string path, SourceLocation? location, Findings report)
    {
        if (snapshot.Services.Find(destination.Host, virtualService.Namespace) is not { } service)
        {
            // A wildcard ServiceEntry may stand for the host.
            if (snapshot.Services.All.Any(candidate => HostName.IsWildcard(candidate.Hostname) && HostName.Contains(candidate.Hostname, destination.Host))) return;
            report.Add(
                DiagnosticCodes.UnknownHost, virtualService.Resource, path + ".host", $"no service that this namespace sees has the host '{destination.Host}'",
                report.Nearest(destination.Host, snapshot.Services.VisibleTo(virtualService.Namespace).Select(candidate => candidate.Hostname))
                    ?? "a short name means the VirtualService's own namespace", location);
            return;
        }

        if (destination.Port is { } port && service.Port(port) is null)
            report.Add(
                DiagnosticCodes.UnknownPort, virtualService.Resource, path + ".port", $"'{destination.Host}' has no port {port}",
                $"it has {string.Join(", ", service.Ports.Select(candidate => candidate.Number))}", location);
        if (destination.Subset is not { } subset) return;
        var rule = snapshot.DestinationRules.For(service, virtualService.Namespace, StringMap<string>.Empty);
        if (rule?.Subset(subset) is null)
            report.Add(
                DiagnosticCodes.UnknownSubset, virtualService.Resource, path + ".subset",
                $"no DestinationRule declares the subset '{subset}' of '{destination.Host}'; requests to it get 503",
                report.Nearest(subset, rule?.Subsets.Select(candidate => candidate.Name) ?? ImmutableArray<string>.Empty), location);
    }
}
