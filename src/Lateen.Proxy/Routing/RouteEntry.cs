using System.Collections.Immutable;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Statistics;

namespace Lateen.Proxy.Routing;

/// <summary>One compiled route: what it matches is kept by its virtual host, what happens then is its <see cref="Action"/>.</summary>
/// <remarks>Immutable.</remarks>
public sealed class RouteEntry
{
    private VirtualHostEntry? _virtualHost;

    internal RouteEntry(string name, RouteAction action)
    {
        Name = name;
        Action = action;
    }

    /// <summary><c>%ROUTE_NAME%</c>; may be empty.</summary>
    public string Name { get; }

    /// <summary>Per-route statistics are kept under it; empty: none.</summary>
    public string StatPrefix { get; internal init; } = string.Empty;

    /// <summary>The counters of <see cref="StatPrefix"/>, bound by the first request; see <see cref="RouteStats.Of"/>.</summary>
    internal RouteStats? Statistics { get; set; }

    public RouteAction Action { get; }

    public VirtualHostEntry VirtualHost
    {
        get => _virtualHost!;
        internal set => _virtualHost = value;
    }

    /// <summary>What this route puts in the place of filters' configurations, all levels in one.</summary>
    internal ImmutableArray<CompiledExtension> Filters { get; init; } = [];

    /// <summary>Rules for the request, all levels in one. A weighted cluster has its own, see <see cref="RequestHeadersFor"/>.</summary>
    public HeaderMutations RequestHeaders { get; internal init; } = HeaderMutations.None;

    /// <summary>Rules for the response, all levels in one.</summary>
    public HeaderMutations ResponseHeaders { get; internal init; } = HeaderMutations.None;

    /// <summary>What this route puts in the place of a filter's configuration; null: nothing.</summary>
    /// <param name="filter">The filter's name in its connection manager.</param>
    public CompiledExtension? FilterConfiguration(string filter)
    {
        foreach (var one in Filters)
        {
            if (one.Name == filter) return one;
        }

        return null;
    }

    /// <summary>
    /// The rules for the request when <paramref name="chosen"/> was drawn among weighted clusters (null: there was no draw).
    /// </summary>
    public HeaderMutations RequestHeadersFor(WeightedClusterEntry? chosen) => chosen?.RequestHeaders ?? RequestHeaders;

    /// <summary>As <see cref="RequestHeadersFor"/>, for the response.</summary>
    public HeaderMutations ResponseHeadersFor(WeightedClusterEntry? chosen) => chosen?.ResponseHeaders ?? ResponseHeaders;
}
