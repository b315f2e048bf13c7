using System.Collections.Immutable;

namespace Lateen.Model.Networking;

/// <summary>The Gateways of a snapshot.</summary>
public sealed class GatewayIndex
{
    internal static readonly GatewayIndex Empty = new([]);

    internal GatewayIndex(ImmutableArray<Resource<Gateway>> oldestFirst) => All = oldestFirst;

    /// <summary>Oldest first, the order in which their servers merge on one proxy.</summary>
    public ImmutableArray<Resource<Gateway>> All { get; }

    /// <summary>The Gateways whose selector a gateway proxy's labels satisfy, oldest first. An empty selector takes every gateway proxy.</summary>
    public ImmutableArray<Resource<Gateway>> SelectedBy(StringMap<string> proxyLabels) =>
        [.. All.Where(gateway => gateway.Spec.Selector.Selects(proxyLabels))];

    /// <summary>The name by which VirtualServices refer to a Gateway: <c>namespace/name</c>.</summary>
    public static string NameOf(Resource<Gateway> gateway)
    {
        ArgumentNullException.ThrowIfNull(gateway);
        return $"{gateway.Namespace}/{gateway.Name}";
    }
}

/// <summary>Which hosts of a VirtualService a gateway server serves. Pure.</summary>
public static class GatewayAttachment
{
    /// <summary>
    /// The hosts that both name, the narrower of each overlapping pair, in the VirtualService's order; empty when the VirtualService does
    /// not attach: not bound to the Gateway, not exported to its namespace, its namespace not admitted by the server's hosts, or no host
    /// in common.
    /// </summary>
    public static ImmutableArray<string> SharedHosts(Resource<Gateway> gateway, GatewayServer server, BoundVirtualService virtualService)
    {
        ArgumentNullException.ThrowIfNull(gateway);
        ArgumentNullException.ThrowIfNull(server);
        ArgumentNullException.ThrowIfNull(virtualService);
        if (!virtualService.IsBoundTo(GatewayIndex.NameOf(gateway)) || !virtualService.ExportTo.IsVisibleTo(gateway.Namespace)) return [];
        var shared = ImmutableArray.CreateBuilder<string>();
        foreach (var host in virtualService.Hosts)
            foreach (var pattern in server.Hosts)
            {
                if (!pattern.AdmitsNamespace(virtualService.Namespace, gateway.Namespace)) continue;
                var narrower = HostName.Contains(pattern.Host, host) ? host : HostName.Contains(host, pattern.Host) ? pattern.Host : null;
                if (narrower is not null && !shared.Contains(narrower)) shared.Add(narrower);
            }

        return shared.ToImmutable();
    }
}
