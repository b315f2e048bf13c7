using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Lateen.Xds.Server;

/// <summary>
/// Decides what goes out next on one stream, so that a proxy never routes to what it does not have yet, and never loses what it still
/// routes to ("make before break"):
/// <list type="number">
/// <item>A type has at most one response unanswered; changes that come meanwhile merge.</item>
/// <item>Additions and changes go first. Clusters and endpoints go at once: Envoy answers for new clusters only when their endpoints
/// have come, so endpoints must not wait for that answer.</item>
/// <item>Listeners and routes wait until no cluster or endpoint set is left to send and the clusters are answered.</item>
/// <item>Removals go when nothing is left to add and nothing is unanswered: listeners, then routes, then clusters, then endpoints, who
/// refers before who is referred to, each answered before the next.</item>
/// <item>While the proxy refuses listeners or routes it runs older ones, so clusters and endpoints are not taken from it; nor from one that
/// came back with resources before it has asked for listeners and routes again.</item>
/// </list>
/// </summary>
/// <remarks>Not thread-safe. Types outside the four take part as the last, without rules between them.</remarks>
internal sealed class PushSchedule(XdsVariant variant)
{
    /// <summary>Types per stream. The four, and room for what a foreign client asks for; beyond it the stream is refused.</summary>
    private const int MaxTypes = 32;

    /// <summary>Names per stream, all types together: bounds what a client can make the server remember.</summary>
    private const int MaxNames = 500_000;

    private static readonly string[] RemovalOrder =
        [XdsTypeUrls.Listener, XdsTypeUrls.RouteConfiguration, XdsTypeUrls.Cluster, XdsTypeUrls.ClusterLoadAssignment];

    private readonly SortedList<(int Order, string TypeUrl), TypePush> _types = [];
    private IResourceView? _view;
    private long _nonces;

    public bool IsOverLimit => _types.Count > MaxTypes || _types.Values.Sum(static type => type.NameCount) > MaxNames;

    public XdsStreamStatus Status => new(
        _view?.Revision ?? 0,
        [.. _types.Values.Where(static type => type.IsWildcard || type.NameCount > 0).Select(ToStatus)]);

    public TypePush TypeOf(string typeUrl)
    {
        (int, string) key = (XdsTypeUrls.OrderOf(typeUrl), typeUrl);
        if (!_types.TryGetValue(key, out TypePush? type))
        {
            type = new TypePush(typeUrl, variant == XdsVariant.StateOfTheWorld && XdsTypeUrls.IsWildcardType(typeUrl));
            _types.Add(key, type);
            if (_view is not null)
            {
                type.SetView(_view);
            }
        }

        return type;
    }

    public void SetView(IResourceView view)
    {
        _view = view;
        foreach (TypePush type in _types.Values)
        {
            type.SetView(view);
        }
    }

    /// <summary>The next response, if one may go out now. Call again after every input until it says false.</summary>
    public bool TryNext([NotNullWhen(true)] out Push? push)
    {
        push = null;
        if (_view is null)
        {
            return false;
        }

        if (variant == XdsVariant.StateOfTheWorld)
        {
            foreach (TypePush type in _types.Values.Where(static type => !type.IsWholeSet))
            {
                type.DropRemovals();
            }
        }

        foreach (TypePush type in _types.Values)
        {
            type.Settle();
        }

        foreach (TypePush type in _types.Values)
        {
            if (type.HasUpserts && !type.IsAwaiting && MayAdd(type))
            {
                push = type.Take(removals: false, NextNonce());
                return true;
            }
        }

        if (_types.Values.Any(static type => type.HasUpserts || type.IsAwaiting))
        {
            return false;
        }

        foreach (TypePush type in _types.Values.OrderBy(static type => RemovalRank(type)))
        {
            if (type.HasRemovals && MayRemove(type))
            {
                push = type.Take(removals: true, NextNonce());
                return true;
            }
        }

        return false;
    }

    private static int RemovalRank(TypePush type)
    {
        int rank = Array.IndexOf(RemovalOrder, type.TypeUrl);
        return rank < 0 ? RemovalOrder.Length : rank;
    }

    private static XdsTypeStatus ToStatus(TypePush type) => new(
        type.TypeUrl,
        type.IsWildcard ? -1 : type.NameCount,
        type.SentRevision,
        type.AcknowledgedRevision,
        type.Responses,
        type.RejectionReason);

    private bool MayAdd(TypePush type)
    {
        if (type.TypeUrl is not (XdsTypeUrls.Listener or XdsTypeUrls.RouteConfiguration))
        {
            return true;
        }

        TypePush? clusters = Find(XdsTypeUrls.Cluster);
        TypePush? endpoints = Find(XdsTypeUrls.ClusterLoadAssignment);
        return clusters is not { HasUpserts: true } and not { IsAwaiting: true } && endpoints is not { HasUpserts: true };
    }

    private bool MayRemove(TypePush type)
    {
        if (type.TypeUrl is not (XdsTypeUrls.Cluster or XdsTypeUrls.ClusterLoadAssignment))
        {
            return true;
        }

        TypePush? listeners = Find(XdsTypeUrls.Listener);
        TypePush? routes = Find(XdsTypeUrls.RouteConfiguration);
        bool isHeardOut = !type.IsResumed
            || (listeners is { IsStarted: true } && (routes is { IsStarted: true } || _view!.ResourcesOf(XdsTypeUrls.RouteConfiguration).Count == 0));
        return isHeardOut && listeners?.RejectionReason is null && routes?.RejectionReason is null;
    }

    /// <summary>What is known of a type; null when the proxy has not spoken of it.</summary>
    public TypePush? Find(string typeUrl) => _types.GetValueOrDefault((XdsTypeUrls.OrderOf(typeUrl), typeUrl));

    private string NextNonce() => (++_nonces).ToString(CultureInfo.InvariantCulture);
}
