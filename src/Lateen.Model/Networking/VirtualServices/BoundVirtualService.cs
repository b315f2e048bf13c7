using System.Collections.Immutable;

namespace Lateen.Model.Networking;

/// <summary>
/// A VirtualService with everything resolved that depends only on itself, the mesh settings and its delegates: host names whole and in
/// lower case, destinations whole, gateways as <c>mesh</c> or <c>namespace/name</c>, visibility, delegates merged in.
/// </summary>
/// <remarks>Immutable; the same object from snapshot to snapshot while its inputs do not change.</remarks>
public sealed class BoundVirtualService
{
    /// <summary>The gateway name that stands for every sidecar.</summary>
    public const string MeshGateway = "mesh";

    public required Resource<VirtualService> Resource { get; init; }

    /// <summary>Whole, lower case, in written order.</summary>
    public required ImmutableArray<string> Hosts { get; init; }

    /// <summary><c>mesh</c> or <c>namespace/name</c>; never empty.</summary>
    public required ImmutableArray<string> Gateways { get; init; }

    public required ExportScope ExportTo { get; init; }

    /// <summary>With whole destination hosts and resolved gateway names; a delegated route is replaced by the delegate's merged routes.</summary>
    public required ImmutableArray<HttpRoute> Http { get; init; }

    public required ImmutableArray<TlsRoute> Tls { get; init; }

    public required ImmutableArray<TcpRoute> Tcp { get; init; }

    public ResourceKey Key => Resource.Key;

    public string Namespace => Resource.Namespace;

    public bool IsBoundTo(string gateway) => Gateways.Contains(gateway);

    public override string ToString() => Key.ToString();
}
