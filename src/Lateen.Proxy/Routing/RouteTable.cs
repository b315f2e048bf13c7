using System.Collections.Immutable;

namespace Lateen.Proxy.Routing;

/// <summary>
/// A compiled route configuration: from a request's authority to a virtual host, from there to a route. Matching reads only precomputed
/// bytes and allocates nothing.
/// </summary>
/// <remarks>Immutable. Virtual hosts that did not change are the same objects in the next table.</remarks>
public sealed partial class RouteTable
{
    public required string Name { get; init; }

    /// <summary>In configuration order.</summary>
    public required ImmutableArray<VirtualHostEntry> VirtualHosts { get; init; }
}
