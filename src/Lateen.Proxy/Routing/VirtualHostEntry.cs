using System.Buffers;
using System.Collections.Immutable;
using Lateen.Http;
using Lateen.Proxy.Clusters;

namespace Lateen.Proxy.Routing;

/// <summary>A compiled virtual host: the routes that apply to a set of domains.</summary>
/// <remarks>Immutable; shared by every table in which the virtual host's configuration is the same.</remarks>
public sealed class VirtualHostEntry
{
    private const int TargetBytesOnStack = 512;

    private readonly RouteMatcher[] _matchers;
    private readonly RouteIndex? _index;
    private readonly bool _readsTarget;

    internal VirtualHostEntry(string name, DomainName[] domains, ImmutableArray<RouteEntry> routes, RouteMatcher[] matchers)
    {
        Name = name;
        DomainNames = domains;
        Domains = [.. domains.Select(domain => domain.Text)];
        Routes = routes;
        _matchers = matchers;
        _index = matchers.Length >= RouteIndex.WorthwhileFrom ? RouteIndex.TryBuild(matchers) : null;
        _readsTarget = Array.Exists(matchers, matcher => Array.Exists(matcher.Headers, header => header.Subject == HeaderSubject.Path));
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

    /// <summary><c>x-envoy-is-timeout-retry</c> is sent upstream on a retry that a timeout caused.</summary>
    public bool IncludeIsTimeoutRetry { get; internal init; }

    internal DomainName[] DomainNames { get; }

    internal RouteEntry? Match(HttpRequestHead request, ReactorRandom random)
    {
        if (!_readsTarget) return Find(request, default, random);

        // Rare: a header matcher on ":path" wants path and query as one text.
        byte[]? rented = null;
        var length = request.PathAndQueryLength;
        var target = length <= TargetBytesOnStack ? stackalloc byte[TargetBytesOnStack] : rented = ArrayPool<byte>.Shared.Rent(length);
        request.CopyPathAndQueryTo(target);
        var route = Find(request, target[..length], random);
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        return route;
    }

    private RouteEntry? Find(HttpRequestHead request, ReadOnlySpan<byte> target, ReactorRandom random)
    {
        var view = new RequestView
        {
            Method = request.MethodText,
            Scheme = request.Scheme == RequestScheme.Https ? "https"u8 : "http"u8,
            Authority = request.Authority,
            Path = request.Path,
            Query = request.Query,
            Target = target,
            Headers = request.Headers,
        };
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
