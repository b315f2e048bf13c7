using System.Net;
using System.Runtime.InteropServices;
using Lateen.Proxy.Admin;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Logging;

namespace Lateen.ProxyHost;

/// <summary>Begin and end of the process: when it is ready, how it drains, and who may tell it to.</summary>
internal sealed class ProxyLifecycle : IProxyLifecycle, IDisposable
{
    private readonly ProxyEngine _engine;
    private readonly Logger _log;
    private readonly TimeSpan _drainTime;
    private readonly TaskCompletionSource<int> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<IDisposable> _signals = [];
    private volatile bool _isInitialized;
    private volatile bool _isFailingHealthChecks;
    private int _requests;

    public ProxyLifecycle(ProxyEngine engine, ProxyLog log, TimeSpan drainTime)
    {
        _engine = engine;
        _log = log.For("main");
        _drainTime = drainTime;
        _signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal));
        _signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal));
        _engine.Listeners.Changed += OnListener;
    }

    /// <summary>Completes with the exit code when the process is to end.</summary>
    public Task<int> Ended => _end.Task;

    public ServerState State =>
        _engine.Listeners.IsDraining || _isFailingHealthChecks ? ServerState.Draining : _isInitialized ? ServerState.Live : ServerState.Initializing;

    public IReadOnlyList<(string Listener, EndPoint Address)> BoundAddresses =>
        [.. _engine.Listeners.Listeners.SelectMany(static one => one.Addresses.Select(address => (one.Snapshot.Name, address)))];

    public void MarkInitialized()
    {
        _isInitialized = true;
        _log.Info($"all dependencies initialized, serving");
    }

    public void DrainListeners(bool graceful, bool inboundOnly)
    {
        _log.Info($"draining {(inboundOnly ? "inbound listeners" : "listeners")}{(graceful ? " gracefully" : "")}");
        _engine.DrainListeners(inboundOnly ? static listener => listener.Direction == TrafficDirection.Inbound : static _ => true, graceful ? _drainTime : TimeSpan.Zero);
    }

    public void SetHealthChecksFailing(bool failing) => _isFailingHealthChecks = failing;

    /// <summary>The first call drains, the second ends at once.</summary>
    public void Quit()
    {
        int request = Interlocked.Increment(ref _requests);
        if (request == 1) _ = DrainAsync();
        else _end.TrySetResult(0);
    }

    public void Dispose()
    {
        foreach (IDisposable signal in _signals) signal.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        _log.Info($"{context.Signal}: {(_requests == 0 ? "draining" : "ending now")}");
        Quit();
    }

    private async Task DrainAsync()
    {
        await _engine.StopAsync(_drainTime);
        _end.TrySetResult(0);
    }

    private void OnListener(BoundListener listener)
    {
        if (listener.Failure.Length == 0)
        {
            _log.Info($"listener '{listener.Snapshot.Name}' listens on {string.Join(", ", listener.Addresses)}");
            return;
        }

        _log.Error($"listener '{listener.Snapshot.Name}' {listener.Failure}; free the address (ss -ltnp shows who has it) or change the configuration");
        // A file that cannot be served as it stands is an error of its author; what a control plane sends may be mended by its next word.
        if (listener.Snapshot.IsStatic && !_isInitialized) _end.TrySetResult(1);
    }
}
