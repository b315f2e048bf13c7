using System.Collections.Immutable;
using Lateen.Proxy.Clusters;

namespace Lateen.Proxy.Routing;

/// <summary>What a matched route does: <see cref="ForwardAction"/>, <see cref="RedirectAction"/> or <see cref="DirectResponseAction"/>.</summary>
public abstract class RouteAction
{
    private protected RouteAction()
    {
    }
}

/// <summary>Sends the request to a cluster.</summary>
public sealed partial class ForwardAction : RouteAction
{
    /// <summary>The one cluster; null when <see cref="WeightedClusters"/> or <see cref="ClusterHeader"/> decides.</summary>
    public ClusterReference? Cluster { get; init; }

    public WeightedClusterChoice? WeightedClusters { get; init; }

    /// <summary>The request header that names the cluster, lower case; empty: none.</summary>
    public string ClusterHeader { get; init; } = string.Empty;

    /// <summary>The answer when the cluster does not exist: 503, 404 or 500.</summary>
    public int ClusterNotFoundStatus { get; init; } = 503;

    /// <summary>From the end of the request to the end of the response, retries included. Default 15 s; null: none.</summary>
    public TimeSpan? Timeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Replaces the connection manager's stream idle timeout when <see cref="HasIdleTimeout"/>; null: off.</summary>
    public TimeSpan? IdleTimeout { get; init; }

    public bool HasIdleTimeout { get; init; }

    /// <summary>The life of the stream; null: the connection manager's.</summary>
    public TimeSpan? MaxStreamDuration { get; init; }

    /// <summary>Null: one attempt only.</summary>
    public RetryPolicySnapshot? RetryPolicy { get; init; }

    public bool AppendXForwardedHost { get; init; }

    /// <summary>Upgrades that this route allows or forbids beside what the connection manager says; token, then verdict.</summary>
    public ImmutableArray<KeyValuePair<string, bool>> Upgrades { get; init; } = [];
}

/// <summary>Answers with a redirect (<c>RedirectAction</c>). The location is built by <c>BuildLocation</c>.</summary>
public sealed partial class RedirectAction : RouteAction
{
    /// <summary>301, 302, 303, 307 or 308.</summary>
    public int Status { get; init; } = 301;
}

/// <summary>Answers without asking anybody (<c>DirectResponseAction</c>).</summary>
public sealed class DirectResponseAction : RouteAction
{
    /// <summary>200 to 599.</summary>
    public required int Status { get; init; }

    /// <summary>May be empty.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }
}

/// <summary>Splits traffic over clusters by weight.</summary>
public sealed partial class WeightedClusterChoice
{
    public required ImmutableArray<WeightedClusterEntry> Clusters { get; init; }

    /// <summary>The sum of the weights, at least 1 and at most 2^32-1.</summary>
    public required ulong TotalWeight { get; init; }
}

/// <summary>One of the clusters that a route splits its traffic over, with the header rules that apply when it is chosen.</summary>
public sealed partial class WeightedClusterEntry
{
    /// <summary>Null when <see cref="ClusterHeader"/> names it.</summary>
    public ClusterReference? Cluster { get; init; }

    public string ClusterHeader { get; init; } = string.Empty;

    public required uint Weight { get; init; }
}
