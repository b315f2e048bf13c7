using System.Collections.Immutable;

namespace Lateen.Model.Networking;

/// <summary>
/// The <c>hosts</c> of a sidecar's egress listener as a question: is this host of that namespace imported? Inclusions are added up, then
/// exclusions (<c>~namespace/host</c>) taken away; <c>~/*</c> imports nothing.
/// </summary>
public sealed class EgressHostFilter
{
    /// <summary>Imports everything that is visible.</summary>
    public static readonly EgressHostFilter Everything = new([new SidecarEgressHost("*", "*")], "");

    private readonly ImmutableArray<SidecarEgressHost> _included;
    private readonly ImmutableArray<SidecarEgressHost> _excluded;
    private readonly bool _importsAll;

    /// <param name="ownNamespace">What <c>.</c> stands for.</param>
    public EgressHostFilter(ImmutableArray<SidecarEgressHost> hosts, string ownNamespace)
    {
        _included = [.. hosts.Where(host => !host.IsExclusion && host.Namespace != "~").Select(host => Resolve(host, ownNamespace))];
        _excluded = [.. hosts.Where(host => host.IsExclusion).Select(host => Resolve(host, ownNamespace))];
        _importsAll = _excluded.IsEmpty && _included.Any(host => host is { Namespace: "*", Host: "*" });
    }

    /// <summary>True for a service: all that its host can mean lies within an imported pattern.</summary>
    public bool Imports(string host, string hostNamespace)
    {
        if (_importsAll) return true;
        return Matches(_included, host, hostNamespace, HostName.Contains) && !Matches(_excluded, host, hostNamespace, HostName.Contains);
    }

    /// <summary>True for a VirtualService when any of its hosts has a name in common with an imported pattern.</summary>
    public bool Imports(BoundVirtualService virtualService)
    {
        ArgumentNullException.ThrowIfNull(virtualService);
        if (_importsAll) return true;
        foreach (var host in virtualService.Hosts)
        {
            if (Matches(_included, host, virtualService.Namespace, HostName.Overlaps)
                && !Matches(_excluded, host, virtualService.Namespace, HostName.Contains)) return true;
        }

        return false;
    }

    private static SidecarEgressHost Resolve(SidecarEgressHost host, string ownNamespace) =>
        host.Namespace == "." ? host with { Namespace = ownNamespace } : host;

    private static bool Matches(
        ImmutableArray<SidecarEgressHost> patterns, string host, string hostNamespace, Func<string, string, bool> matches)
    {
        foreach (var pattern in patterns)
            if ((pattern.Namespace == "*" || pattern.Namespace == hostNamespace) && matches(pattern.Host, host)) return true;
        return false;
    }
}
