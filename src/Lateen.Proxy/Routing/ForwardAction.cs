using System.Collections.Immutable;
using Lateen.Http;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Routing;

/// <summary>Sends the request to a cluster, after rewriting it as the route says.</summary>
/// <remarks>Immutable.</remarks>
public sealed class ForwardAction : RouteAction
{
    private const int RewriteBytesOnStack = 512;

    /// <summary>The one cluster; null when <see cref="WeightedClusters"/> or <see cref="ClusterHeader"/> decides.</summary>
    public ClusterReference? Cluster { get; init; }

    public WeightedClusterChoice? WeightedClusters { get; init; }

    /// <summary>The request header that names the cluster; null: none.</summary>
    public HeaderName? ClusterHeader { get; init; }

    /// <summary>The answer when the cluster does not exist: 503, 404 or 500.</summary>
    public int ClusterNotFoundStatus { get; init; } = 503;

    /// <summary>From the end of the request to the end of the response, retries included. Default 15 s; null: none.</summary>
    public TimeSpan? Timeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Replaces the connection manager's stream idle timeout when <see cref="HasIdleTimeout"/>; null: off.</summary>
    public TimeSpan? IdleTimeout { get; init; }

    public bool HasIdleTimeout { get; init; }

    /// <summary>The life of the stream when <see cref="HasMaxStreamDuration"/>; null: off.</summary>
    public TimeSpan? MaxStreamDuration { get; init; }

    public bool HasMaxStreamDuration { get; init; }

    /// <summary>
    /// The most that a client's <c>grpc-timeout</c> header may ask for, and then it replaces <see cref="Timeout"/>; null: the header is
    /// not read. Zero: no limit.
    /// </summary>
    public TimeSpan? MaxGrpcTimeout { get; init; }

    /// <summary>What requests may ask to switch to; what is not named here is the connection manager's to say.</summary>
    public UpgradeRules Upgrades { get; init; } = UpgradeRules.None;

    /// <summary><c>connect_config</c>: a CONNECT ends here, and the cluster gets its payload as it is. Otherwise it is sent on as a CONNECT.</summary>
    public bool TerminatesConnect { get; init; }

    /// <summary>Null: one attempt only.</summary>
    public RetryPolicySnapshot? RetryPolicy { get; init; }

    /// <summary>A Host that is rewritten is kept in <c>x-forwarded-host</c>.</summary>
    public bool AppendXForwardedHost { get; init; }

    /// <summary>
    /// The Host is the name of the endpoint (<c>auto_host_rewrite</c>): call <see cref="UseEndpointHost"/> for every attempt.
    /// </summary>
    public bool IsHostFromEndpoint { get; init; }

    internal PathRewrite? PathRewrite { get; init; }

    internal HostRewrite? HostRewrite { get; init; }

    /// <summary>
    /// Decides the cluster. Null when the header that should name it is missing or names none; a reference may still name a cluster that
    /// does not exist.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="snapshot">The request's snapshot, the only place where a name from a header is looked up.</param>
    /// <param name="random">The calling reactor's; drawn from for weighted clusters.</param>
    /// <param name="weighted">The entry that was drawn, whose header rules apply; null when nothing was drawn.</param>
    public ClusterReference? ChooseCluster(HttpRequestHead request, ProxySnapshot snapshot, ReactorRandom random, out WeightedClusterEntry? weighted)
    {
        weighted = WeightedClusters?.Choose(random);
        if (weighted is not null) return weighted.Cluster;
        if (Cluster is not null) return Cluster;
        return ClusterHeader is not null && request.Headers.TryGet(ClusterHeader, out var name) ? snapshot.FindReference(name) : null;
    }

    /// <summary>
    /// Rewrites path and Host of a request that is about to be forwarded, once, before header rules run for the last time on it; keeps
    /// what was there in <c>x-envoy-original-path</c>, <c>x-envoy-original-host</c> and, if asked, <c>x-forwarded-host</c>.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="weighted">What <see cref="ChooseCluster"/> drew.</param>
    /// <param name="keepsOriginals">False: the router was told to suppress Envoy's headers.</param>
    /// <returns>False: the rewrite makes no valid path or Host of this request, which is then unchanged (500).</returns>
    public bool TryRewrite(HttpRequestHead request, WeightedClusterEntry? weighted, bool keepsOriginals)
    {
        var host = weighted?.HostRewrite ?? HostRewrite;
        if (host is null && PathRewrite is null) return true;

        var newHost = new ByteBuilder(stackalloc byte[RewriteBytesOnStack]);
        var newPath = new ByteBuilder(stackalloc byte[RewriteBytesOnStack]);
        host?.Write(request, request.Path, ref newHost);
        PathRewrite?.Write(request.Path, ref newPath);
        var isValid = (newHost.Length == 0 || AuthorityText.IsValid(newHost.Written)) && (PathRewrite is null || PathText.IsValid(newPath.Written));
        if (isValid)
        {
            if (newHost.Length > 0) ReplaceHost(request, newHost.Written, keepsOriginals);
            if (PathRewrite is not null) ReplacePath(request, newPath.Written, keepsOriginals);
        }

        newHost.Dispose();
        newPath.Dispose();
        return isValid;
    }

    /// <summary>
    /// Sets the Host to the name of the endpoint that an attempt goes to; an endpoint that has only an address leaves it.
    /// </summary>
    public void UseEndpointHost(HttpRequestHead request, EndpointSnapshot endpoint, bool keepsOriginals)
    {
        var name = endpoint.HostnameBytes.Span;
        if (!IsHostFromEndpoint || name.IsEmpty || !AuthorityText.IsValid(name) || request.Authority.SequenceEqual(name)) return;
        ReplaceHost(request, name, keepsOriginals && !request.Headers.Contains(KnownHeader.XEnvoyOriginalHost));
    }

    private void ReplaceHost(HttpRequestHead request, ReadOnlySpan<byte> host, bool keepsOriginals)
    {
        if (AppendXForwardedHost) request.Headers.AppendToList(KnownHeader.XForwardedHost, request.Authority);
        if (keepsOriginals) request.Headers.Set(KnownHeader.XEnvoyOriginalHost, request.Authority);
        request.SetAuthority(host);
    }

    private static void ReplacePath(HttpRequestHead request, ReadOnlySpan<byte> path, bool keepsOriginals)
    {
        if (keepsOriginals) request.Headers.Set(KnownHeader.XEnvoyOriginalPath, request.PathAndQuery);
        request.SetPath(path);
    }
}

/// <summary>Splits traffic over clusters by weight.</summary>
/// <remarks>Immutable.</remarks>
public sealed class WeightedClusterChoice
{
    private readonly WeightedClusterEntry[] _entries;
    private readonly ulong[] _upperBounds;

    internal WeightedClusterChoice(WeightedClusterEntry[] entries)
    {
        _entries = entries;
        _upperBounds = new ulong[entries.Length];
        for (var i = 0; i < entries.Length; i++) _upperBounds[i] = TotalWeight += entries[i].Weight;
    }

    /// <summary>In configuration order; one of weight 0 is never drawn.</summary>
    public ImmutableArray<WeightedClusterEntry> Clusters => System.Runtime.InteropServices.ImmutableCollectionsMarshal.AsImmutableArray(_entries);

    /// <summary>The sum of the weights, from 1 to 2^32-1.</summary>
    public ulong TotalWeight { get; }

    /// <summary>Draws one. The shares are exact in the long run: every unit of weight is as likely as any other.</summary>
    public WeightedClusterEntry Choose(ReactorRandom random)
    {
        var draw = random.Below(TotalWeight);
        var entry = 0;
        while (draw >= _upperBounds[entry]) entry++;
        return _entries[entry];
    }
}

/// <summary>One of the clusters that a route splits its traffic over, with the header rules that apply when it is drawn.</summary>
/// <remarks>Immutable.</remarks>
public sealed class WeightedClusterEntry
{
    public required ClusterReference Cluster { get; init; }

    public required uint Weight { get; init; }

    internal HeaderMutations RequestHeaders { get; init; } = HeaderMutations.None;

    internal HeaderMutations ResponseHeaders { get; init; } = HeaderMutations.None;

    internal HostRewrite? HostRewrite { get; init; }
}
