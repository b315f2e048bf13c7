using System.Collections.Immutable;
using Lateen.Translation;
using Lateen.Xds;
using Lateen.Xds.Server;

namespace Lateen.ControlPlane.Serving;

/// <summary>
/// One proxy on one stream: who it is, what it should have, and how far it got. The worker alone gives it views; its status comes from the
/// stream's thread.
/// </summary>
internal sealed class ConnectedProxy(IXdsStream stream, ProxyIdentity identity, DateTimeOffset connectedAt)
{
    /// <summary>Changes remembered for "is revision N served?". Older ones count as served, being long acknowledged or replaced.</summary>
    private const int RememberedChanges = 256;

    private readonly Lock _gate = new();
    private readonly Queue<(long From, long To)> _changes = [];
    private ResourceView _view = ResourceView.Empty;
    private long _translated;
    private long _secretsChanged;
    private ImmutableArray<string> _notices = [];
    private XdsStreamStatus _status = XdsStreamStatus.None;

    public IXdsStream Stream { get; } = stream;

    public ProxyIdentity Identity { get; } = identity;

    public DateTimeOffset ConnectedAt { get; } = connectedAt;

    /// <summary>The service account of the certificate that it came with; null over plaintext.</summary>
    public string? ProvenAccount { get; init; }

    /// <summary>What the proxy should have now.</summary>
    public ResourceView View
    {
        get
        {
            lock (_gate) return _view;
        }
    }

    /// <summary>What the configuration asks of this proxy and the release does not do.</summary>
    public ImmutableArray<string> Notices
    {
        get
        {
            lock (_gate) return _notices;
        }
    }

    public XdsStreamStatus Status
    {
        get
        {
            lock (_gate) return _status;
        }
    }

    /// <summary>Takes a new status and gives the one before.</summary>
    public XdsStreamStatus Exchange(XdsStreamStatus status)
    {
        lock (_gate)
        {
            var before = _status;
            _status = status;
            return before;
        }
    }

    /// <summary>
    /// Takes what a revision makes of this proxy. When nothing differs, the view stays the object that it was, and nothing is sent.
    /// </summary>
    /// <returns>The new view, or null when there is nothing new.</returns>
    public ResourceView? Update(ProxyResources resources, long revision)
    {
        lock (_gate)
        {
            var next = _view;
            next = With(next, revision, XdsTypeUrls.Secret, resources.Secrets);
            if (!ReferenceEquals(next, _view)) _secretsChanged = revision;
            next = With(next, revision, XdsTypeUrls.Cluster, resources.Clusters);
            next = With(next, revision, XdsTypeUrls.ClusterLoadAssignment, resources.Endpoints);
            next = With(next, revision, XdsTypeUrls.Listener, resources.Listeners);
            next = With(next, revision, XdsTypeUrls.RouteConfiguration, resources.Routes);
            _notices = resources.Notices;
            bool isFirst = _translated == 0;
            long from = isFirst ? -1 : _translated;
            _translated = revision;
            if (ReferenceEquals(next, _view) && !isFirst) return null;
            if (ReferenceEquals(next, _view)) next = next.At(revision);
            _changes.Enqueue((from, revision));
            if (_changes.Count > RememberedChanges) _changes.Dequeue();
            _view = next;
            return next;
        }
    }

    /// <summary>The same dictionary when names and versions are the same: the stream then does not look at the type at all.</summary>
    private static ResourceView With(ResourceView view, long revision, string type, ImmutableArray<XdsResource> resources)
    {
        var before = view.ResourcesOf(type);
        bool isSame = before.Count == resources.Length;
        for (int i = 0; isSame && i < resources.Length; i++)
        {
            var resource = resources[i];
            isSame = before.TryGetValue(resource.Name, out var old) && (ReferenceEquals(old, resource) || old.Version == resource.Version);
        }

        if (isSame) return view;
        var next = new Dictionary<string, XdsResource>(resources.Length, StringComparer.Ordinal);
        foreach (var resource in resources) next.TryAdd(resource.Name, resource);
        return view.With(revision, type, next);
    }

    /// <summary>
    /// False while the proxy asks for the secret of that name and has not acknowledged what its secrets are now. Whoever does not ask for it has nothing to acknowledge.
    /// </summary>
    public bool HoldsSecret(string name)
    {
        if (!Stream.Asks(XdsTypeUrls.Secret, name)) return true;
        lock (_gate)
        {
            return _translated > 0 && _status.Types.FirstOrDefault(type => type.TypeUrl == XdsTypeUrls.Secret) is { } type
                && type.AcknowledgedRevision >= _secretsChanged && !type.IsRejected;
        }
    }

    /// <summary>Whether a revision changed this proxy's resources, and whether it serves them.</summary>
    public (bool IsConcerned, bool IsServed) Progress(long revision)
    {
        lock (_gate)
        {
            if (_translated < revision) return (true, false);
            foreach (var (from, to) in _changes)
            {
                if (from < revision && revision <= to) return (true, _status.ServedRevision >= to);
            }

            return (false, true);
        }
    }
}
