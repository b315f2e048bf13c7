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
        bool isSame = _chosen is not null && SameObjects.In(_services, egress.Services);
        if (isSame && SameObjects.In(_virtualServices, egress.VirtualServices)) return _chosen!;
        _services = egress.Services;
        _virtualServices = egress.VirtualServices;
        return _chosen = (isSame ? _chosen!.With(egress.VirtualServices) : null) ?? SidecarRoutes.Select(egress.Services, egress.VirtualServices);
    }

    public XdsResource Assemble(string name, List<SerializedVirtualHost> hosts)
    {
        if (_table is not null && SameObjects.In(_hosts, hosts)) return _table;
        _hosts = hosts;
        return _table = RouteTables.Of(name, hosts, new RouteConfiguration { ValidateClusters = false });
    }
}
