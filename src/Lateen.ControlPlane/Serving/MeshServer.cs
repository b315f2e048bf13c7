using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Threading.Channels;
using Lateen.ControlPlane.Certificates;
using Lateen.ControlPlane.Metrics;
using Lateen.ControlPlane.Store;
using Lateen.Discovery.Jwks;
using Lateen.Identity;
using Lateen.Identity.Joining;
using Lateen.Model;
using Lateen.Model.Security;
using Lateen.Translation;
using Lateen.Xds;
using Lateen.Xds.Server;

namespace Lateen.ControlPlane.Serving;

/// <summary>
/// From the store to the streams: one worker builds the snapshot of the newest revision, translates it for each connected proxy and hands each its
/// view. Idle, it acts on a change at once; busy, it finishes and takes the newest revision next, so a burst of changes costs a round or two and
/// not one per change. There is no debounce timer to wait for.
/// </summary>
/// <remarks>
/// Streams call from their own threads; they only leave notes for the worker. The worker owns the translator and the snapshot. A translation that
/// throws is a bug: it is logged, costs that proxy this round, and the others are served.
/// </remarks>
internal sealed class MeshServer : IXdsStreamHost, IAsyncDisposable
{
    private readonly ResourceStore _store;
    private readonly IssuerKeys _keys;
    private readonly ControlPlaneMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly Action<string> _log;
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly ConcurrentDictionary<long, ConnectedProxy> _proxies = [];
    private readonly ConcurrentQueue<ConnectedProxy> _arrivals = [];
    private readonly Translator _translator = new();
    private readonly TrustPublication? _trust;
    private readonly NodeGrantTable? _grants;
    private readonly NodeVouching? _vouching;
    private readonly SecretExposure _plaintext;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _worker;
    private readonly TaskCompletionSource _firstRound = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private MeshSnapshot? _snapshot;
    private StoreRevision? _served;
    private FetchedKeySets _servedKeys = FetchedKeySets.None;
    private object? _servedGrants;
    private TaskCompletionSource _progress = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="keys">Told by each snapshot what it wants; what it fetches is translated without a new revision.</param>
    /// <param name="certificates">Null where no proxy can prove who it is.</param>
    /// <param name="plaintext">What leaves through the port where nothing is proven.</param>
    public MeshServer(
        ResourceStore store, IssuerKeys keys, ControlPlaneMetrics metrics, TimeProvider time, Action<string> log, SecretExposure plaintext, MeshCertificates? certificates = null)
    {
        _plaintext = plaintext;
        _trust = certificates?.Trust;
        _grants = certificates?.Grants;
        if (_grants is not null)
        {
            _vouching = new NodeVouching(_grants);
            _grants.Changed += Wake;
        }

        _store = store;
        _keys = keys;
        _metrics = metrics;
        _time = time;
        _log = log;
        _store.Committed += OnCommitted;
        _keys.Changed += Wake;
        _worker = Task.Run(WorkAsync);
        _wake.Writer.TryWrite(true);
    }

    /// <summary>Completes when there is a snapshot to translate.</summary>
    public Task FirstRound => _firstRound.Task;

    /// <summary>The newest snapshot; null until the first round.</summary>
    public MeshSnapshot? Snapshot => Volatile.Read(ref _snapshot);

    /// <summary>The revision that every connected proxy has been translated for.</summary>
    public long TranslatedRevision => Volatile.Read(ref _served)?.Number ?? -1;

    /// <summary>The connected proxies, by namespace and name.</summary>
    public ImmutableArray<ConnectedProxy> Proxies =>
        [.. _proxies.Values.OrderBy(proxy => proxy.Identity.Namespace, StringComparer.Ordinal).ThenBy(proxy => proxy.Identity.Name, StringComparer.Ordinal)
            .ThenBy(proxy => proxy.Stream.Id)];

    private void OnCommitted(StoreRevision revision)
    {
        _metrics.UpdateReceived();
        _wake.Writer.TryWrite(true);
    }

    private void Wake() => _wake.Writer.TryWrite(true);

    public void OnOpened(IXdsStream stream)
    {
        if (ProxyIdentity.Read(stream.Node, out string? reason) is not { } identity)
        {
            _log($"refused a stream from {stream.Peer}: {reason}");
            stream.Close(reason!);
            return;
        }

        if (NodeProof.Fault(stream, identity) is { } fault)
        {
            _log($"denied a stream from {stream.Peer}: {fault}");
            stream.Deny(fault);
            return;
        }

        // Who came with a certificate of the mesh has one to show to others, whatever else it says of itself.
        if (stream.PeerIdentity is not null && !identity.IsGrpc) identity = identity with { HasIdentity = true };
        var proxy = new ConnectedProxy(stream, identity, _time.GetUtcNow())
        {
            ProvenAccount = SpiffeId.TryParse(stream.PeerIdentity, out var proven, out _) ? proven.ServiceAccount : null,
        };
        _proxies[stream.Id] = proxy;
        _metrics.ConnectionOpened();
        _log($"proxy {identity.Id} connected from {stream.Peer} ({stream.Variant})");
        _arrivals.Enqueue(proxy);
        _wake.Writer.TryWrite(true);
    }

    public void OnStatus(IXdsStream stream, XdsStreamStatus status)
    {
        if (!_proxies.TryGetValue(stream.Id, out var proxy)) return;
        var before = proxy.Exchange(status);
        foreach (var type in status.Types)
        {
            var old = before.Types.FirstOrDefault(candidate => candidate.TypeUrl == type.TypeUrl);
            if (type.Responses > (old?.Responses ?? 0)) _metrics.Pushed(Short(type.TypeUrl), type.Responses - (old?.Responses ?? 0));
            if (type.RejectionReason is { } reason && reason != old?.RejectionReason)
            {
                _metrics.Rejected(Short(type.TypeUrl));
                _log($"proxy {proxy.Identity.Id} refused {XdsTypeUrls.ShortName(type.TypeUrl)} of revision {type.SentRevision}: {reason}");
            }
        }

        if (status.ServedRevision > before.ServedRevision && _store.History.LastOrDefault(revision => revision.Number == status.ServedRevision) is { } revision)
            _metrics.Converged(_time.GetUtcNow() - revision.Time);
        Progressed();
    }

    private static string Short(string typeUrl) => XdsTypeUrls.ShortName(typeUrl).ToLowerInvariant();

    public void OnClosed(IXdsStream stream, string reason)
    {
        if (!_proxies.TryRemove(stream.Id, out var proxy)) return;
        _metrics.ConnectionClosed();
        _log($"proxy {proxy.Identity.Id} disconnected: {reason}");
        Progressed();
    }

    /// <summary>Completes when a proxy's state next changes. Take it before looking, or a change in between is missed.</summary>
    public Task NextProgress => Volatile.Read(ref _progress).Task;

    private void Progressed() =>
        Interlocked.Exchange(ref _progress, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    private async Task WorkAsync()
    {
        try
        {
            await foreach (bool _ in _wake.Reader.ReadAllAsync(_stop.Token))
            {
                if (_store.Current is var revision && revision.Number != TranslatedRevision) Round(revision);
                else if (!ReferenceEquals(_keys.Current, _servedKeys) || !ReferenceEquals(_grants?.Version, _servedGrants)) Renew(_snapshot!);
                else Welcome();
                Progressed();
            }
        }
        catch (OperationCanceledException)
        {
            // The control plane stops; streams end with their host.
            return;
        }
    }

    /// <summary>Translates a new revision for everybody.</summary>
    private void Round(StoreRevision revision)
    {
        long started = _time.GetTimestamp();
        _metrics.PushTriggered();
        var snapshot = MeshSnapshotBuilder.Build(_snapshot, revision.Resources.Values.Select(stored => stored.Resource), revision.Number);
        Volatile.Write(ref _snapshot, snapshot);
        _keys.Want(snapshot);
        Renew(snapshot);
        Volatile.Write(ref _served, revision);
        _firstRound.TrySetResult();
        _metrics.Translated(_time.GetElapsedTime(started));
    }

    /// <summary>Translates a snapshot for everybody, with the keys that there are now.</summary>
    private void Renew(MeshSnapshot snapshot)
    {
        _servedKeys = _keys.Current;
        _servedGrants = _grants?.Version;
        _arrivals.Clear();
        foreach (var proxy in _proxies.Values) Serve(proxy, snapshot);
        _translator.EndRound();
    }

    /// <summary>Translates the present revision for proxies that came since.</summary>
    private void Welcome()
    {
        while (_arrivals.TryDequeue(out var proxy)) Serve(proxy, _snapshot!);
    }

    private void Serve(ConnectedProxy proxy, MeshSnapshot snapshot)
    {
        try
        {
            var resources = _translator.Translate(snapshot, proxy.Identity, _servedKeys);
            if (proxy.ProvenAccount is not { } account) resources = _plaintext.Limit(resources, proxy.Stream.Peer);
            else if (_vouching is not null)
            {
                var standing = _vouching.Judge(proxy.Identity, account, snapshot, SecretExposure.IsNeededBy(resources));
                if (standing.Denial is { } denial)
                {
                    Deny(proxy, denial);
                    return;
                }

                if (standing.SecretsWithheld is { } reason) resources = SecretExposure.Without(resources, reason);
            }

            if (!proxy.Identity.IsGrpc && _trust?.Resource is { } roots) resources = resources with { Secrets = resources.Secrets.Add(roots) };
            if (proxy.Update(resources, snapshot.Revision) is { } view) proxy.Stream.Push(view);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _log($"error: translation of revision {snapshot.Revision} for {proxy.Identity.Id} failed, it keeps what it has: {e}");
        }
    }

    /// <summary>Ends the stream of a proxy that may not be what it says; it comes again, and is judged again.</summary>
    private void Deny(ConnectedProxy proxy, string reason)
    {
        if (!_proxies.TryRemove(proxy.Stream.Id, out _)) return;
        _metrics.ConnectionClosed();
        _log($"denied the stream of {proxy.Stream.PeerIdentity} from {proxy.Stream.Peer}: {reason}");
        proxy.Stream.Deny(reason);
    }

    public async ValueTask DisposeAsync()
    {
        if (_grants is not null) _grants.Changed -= Wake;
        _store.Committed -= OnCommitted;
        _keys.Changed -= Wake;
        await _stop.CancelAsync();
        await _worker;
        _stop.Dispose();
    }
}
