using System.Collections.Immutable;
using Envoy.Config.Route.V3;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Routing;
using Lateen.Xds;

namespace Lateen.Translation.Outbound;

/// <summary>
/// What the last making of one route table came to, so that a change that does not reach it costs a comparison. An endpoint that moves leaves two
/// thousand virtual hosts as they are, and the table of a megabyte is then neither copied nor hashed again.
/// </summary>
internal sealed class LastTable
{
    private ImmutableArray<MeshService> _services = [];
    private ImmutableArray<BoundVirtualService> _virtualServices = [];
    private SidecarRoutes? _chosen;
    private List<SerializedVirtualHost> _hosts = [];
    private XdsResource? _table;

    public DomainClaims Claims { get; } = new();

    /// <summary>Which VirtualService routes which service.</summary>
    public SidecarRoutes Choose(EgressScope egress)
    {
        if (_chosen is not null && SameObjects(_services, egress.Services) && SameObjects(_virtualServices, egress.VirtualServices)) return _chosen;
        _services = egress.Services;
        _virtualServices = egress.VirtualServices;
        return _chosen = SidecarRoutes.Select(egress.Services, egress.VirtualServices);
    }

    public XdsResource Assemble(string name, List<SerializedVirtualHost> hosts)
    {
        if (_table is not null && SameObjects(_hosts, hosts)) return _table;
        _hosts = hosts;
        return _table = RouteTables.Of(name, hosts, new RouteConfiguration { ValidateClusters = false });
    }

    private static bool SameObjects<T>(ImmutableArray<T> was, ImmutableArray<T> now)
        where T : class => SameObjects(was.AsSpan(), now.AsSpan());

    private static bool SameObjects(List<SerializedVirtualHost> was, List<SerializedVirtualHost> now) =>
        SameObjects(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(was), System.Runtime.InteropServices.CollectionsMarshal.AsSpan(now));

    private static bool SameObjects<T>(ReadOnlySpan<T> was, ReadOnlySpan<T> now)
        where T : class
    {
        if (was.Length != now.Length) return false;
        for (int i = 0; i < was.Length; i++)
        {
            if (!ReferenceEquals(was[i], now[i])) return false;
        }

        return true;
    }
}
