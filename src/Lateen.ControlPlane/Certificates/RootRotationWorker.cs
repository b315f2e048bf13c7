using System.Collections.Immutable;
using Lateen.ControlPlane.Serving;
using Lateen.ControlPlane.Store;
using Lateen.Identity.Rotation;

namespace Lateen.ControlPlane.Certificates;

/// <summary>
/// Carries what changes at the authority to where it must be known: roots to the proxies, the own certificate into handshakes, and a rotation through its
/// stages as soon as each may end. Holds no state that a restart would miss: it looks at the authority and the proxies, and takes the step that is due.
/// </summary>
internal sealed class RootRotationWorker : IAsyncDisposable
{
    /// <summary>How often files and clocks are looked at. An acknowledgement of a proxy is looked at when it comes.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(5);

    private readonly IMeshAuthority _authority;
    private readonly ServerCertificate _certificate;
    private readonly TrustPublication _trust;
    private readonly ResourceStore _store;
    private readonly MeshServer _server;
    private readonly TimeProvider _time;
    private readonly Action<string> _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly Task _running;
    private long _publishedAt;

    public RootRotationWorker(
        IMeshAuthority authority, ServerCertificate certificate, TrustPublication trust, ResourceStore store, MeshServer server, TimeProvider time, Action<string> log)
    {
        _authority = authority;
        _certificate = certificate;
        _trust = trust;
        _store = store;
        _server = server;
        _time = time;
        _log = log;
        _running = Task.Run(RunAsync);
    }

    /// <summary>Connected proxies that ask for the roots and have not acknowledged the present ones, as <c>name.namespace</c>.</summary>
    public ImmutableArray<string> Pending => _server.TranslatedRevision < Volatile.Read(ref _publishedAt)
        ? [.. _server.Proxies.Select(NameOf)]
        : [.. _server.Proxies.Where(proxy => !proxy.HoldsSecret(TrustPublication.Name)).Select(NameOf)];

    private static string NameOf(ConnectedProxy proxy) => $"{proxy.Identity.Name}.{proxy.Identity.Namespace}";

    /// <summary>Starts the replacement of the root.</summary>
    /// <returns>Null when it has begun, or why it cannot.</returns>
    public string? Begin()
    {
        if (_authority is not EmbeddedAuthority embedded) return $"the authority's files are the operator's ({_authority.Source}): put the new root beside the old one into root-cert.pem, and replace ca-cert.pem and ca-key.pem when every proxy has it";
        lock (_gate)
        {
            var state = embedded.State;
            if (state.Stage != RotationStage.Settled || !embedded.Advance(state, RootRotation.Begin)) return $"a rotation runs already: {embedded.State.Stage.ToString().ToLowerInvariant()}";
            Publish("began to replace the root: the new one is distributed");
            return null;
        }
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            // Order matters: the next progress is taken before the state is read, so that no acknowledgement falls between.
            var progress = _server.NextProgress;
            bool isWaiting = false;
            try
            {
                isWaiting = Step();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException or System.Security.Cryptography.CryptographicException)
            {
                _log($"error: ca: {e.Message}; it is tried again, and what was in effect stays");
            }

            var pause = Task.Delay(Tick, _time, _stop.Token);
            await Task.WhenAny(pause, isWaiting ? progress : pause);
        }
    }

    /// <summary>Takes the steps that are due.</summary>
    /// <returns>True while a stage waits for proxies.</returns>
    internal bool Step()
    {
        lock (_gate)
        {
            if (_authority.Refresh()) Publish("the roots or the signing certificate were replaced");
            if (_certificate.Renew(atOnce: false) is { } reason) _log($"error: ca: the control plane's own certificate cannot be renewed: {reason}");
            if (_authority is not EmbeddedAuthority embedded) return false;
            var state = embedded.State;
            switch (state.Stage)
            {
                case RotationStage.Distributing when Pending.IsEmpty:
                    if (embedded.Advance(state, RootRotation.Promote)) Publish("every connected proxy has the new root: it signs from now on, and the old one vouches for it");
                    return false;
                case RotationStage.Retiring when _time.GetUtcNow() >= RootRotation.FinishesAt(state):
                    if (embedded.Advance(state, RootRotation.Finish)) Publish("the last leaf of the old root has expired: it is dropped");
                    return false;
                default:
                    return state.Stage == RotationStage.Distributing;
            }
        }
    }

    private void Publish(string what)
    {
        _log($"ca: {what}; signer {_authority.SigningCertificate.Subject}, {_authority.Bundle.Roots.Length} roots in the bundle");
        if (_trust.Publish(_authority.Bundle)) Volatile.Write(ref _publishedAt, _store.Touch("certificate authority").Number);
        if (_certificate.Renew(atOnce: true) is { } reason) _log($"error: ca: the control plane's own certificate cannot be renewed: {reason}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }
}
