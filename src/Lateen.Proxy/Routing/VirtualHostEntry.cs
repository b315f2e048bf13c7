using System.Collections.Immutable;
using Lateen.Http;
using Lateen.Proxy.Clusters;

namespace Lateen.Proxy.Routing;

/// <summary>A compiled virtual host: the routes that apply to a set of domains.</summary>
/// <remarks>Immutable; shared by every table in which the virtual host's configuration is the same.</remarks>
public sealed class VirtualHostEntry
{
    private readonly RouteMatcher[] _matchers;
    private readonly RouteIndex? _index;

    internal VirtualHostEntry(string name, DomainName[] domains, ImmutableArray<RouteEntry> routes, RouteMatcher[] matchers)
    {
        Name = name;
        DomainNames = domains;
        Domains = [.. domains.Select(domain => domain.Text)];
        Routes = routes;
        _matchers = matchers;
        _index = matchers.Length >= RouteIndex.WorthwhileFrom ? RouteIndex.TryBuild(matchers) : null;
        foreach (var route in routes) route.VirtualHost = this;
    }

    public string Name { get; }

    /// <summary>As configured, for the admin pages; matching uses an index over all of a table's domains.</summary>
    public ImmutableArray<string> Domains { get; }

    /// <summary>In the order in which they are tried.</summary>
    public ImmutableArray<RouteEntry> Routes { get; }

    /// <summary>Plain HTTP requests are redirected to HTTPS: from outside only, or all.</summary>
    public TlsRequirement RequireTls { get; internal init; }

    /// <summary><c>x-envoy-attempt-count</c> is sent upstream.</summary>
    public bool IncludeAttemptCountInRequest { get; internal init; }

    public bool IncludeAttemptCountInResponse { get; internal init; }

    internal DomainName[] DomainNames { get; }

    internal RouteEntry? Match(HttpRequestHead request, ReactorRandom random)
    {
        RequestView view = RequestView.Of(request);
        if (_index is not null)
        {
            var found = _index.Find(_matchers, view, random);
            return found < 0 ? null : Routes[found];
        }

        for (var i = 0; i < _matchers.Length; i++)
        {
            if (_matchers[i].IsMatch(view, random)) return Routes[i];
        }

        return null;
    }
}

/// <summary><c>VirtualHost.require_tls</c>.</summary>
public enum TlsRequirement
{
    None,
    ExternalOnly,
    All,
}
