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

    /// <summary>Some HTTP match means only clients with certain labels.</summary>
    public bool HttpAsksForLabels => (_asksForLabels ??= Ask()).Http;

    /// <summary>Some match of any protocol means only clients with certain labels.</summary>
    public bool AsksForLabels => (_asksForLabels ??= Ask()).Any;

    public string Namespace => Resource.Namespace;

    // Asked for with every change of any VirtualService, so found out once; threads that find out at the same time find the same.
    private LabelQuestions? _asksForLabels;

    private LabelQuestions Ask()
    {
        bool http = Http.Any(static rule => rule.Match.Any(static match => match.SourceLabels.Count > 0));
        return new LabelQuestions(
            http,
            http || Tls.Any(static rule => rule.Match.Any(static match => match.SourceLabels.Count > 0))
                || Tcp.Any(static rule => rule.Match.Any(static match => match.SourceLabels.Count > 0)));
    }

    private sealed record LabelQuestions(bool Http, bool Any);

    public bool IsBoundTo(string gateway) => Gateways.Contains(gateway);

    /// <summary>Some route is left to another VirtualService.</summary>
    internal bool HasDelegates => Resource.Spec.Http.Any(static route => route.Delegate is not null);

    /// <summary>Whether another takes the same place among all: the same name, age, hosts, gateways and visibility, whatever its routes are.</summary>
    internal bool StandsLike(BoundVirtualService other) =>
        Lateen.Model.Resource.CompareByAge(Resource, other.Resource) == 0 && HasDelegates == other.HasDelegates && ExportTo.Equals(other.ExportTo)
        && HasSameHosts(other) && Gateways.AsSpan().SequenceEqual(other.Gateways.AsSpan());

    /// <summary>Whether another is for the same hosts, written in the same order.</summary>
    public bool HasSameHosts(BoundVirtualService other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Hosts.AsSpan().SequenceEqual(other.Hosts.AsSpan());
    }

    public override string ToString() => Key.ToString();
}
