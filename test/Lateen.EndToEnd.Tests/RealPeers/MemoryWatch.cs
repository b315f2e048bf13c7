using System.Globalization;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>Looks at the proxies' resident memory every 20 ms and keeps the most that it saw.</summary>
internal sealed class MemoryWatch : IAsyncDisposable
{
    private readonly PeerMesh _mesh;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _looking;
    private TaskCompletionSource _look = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _gatewayPeakKib;
    private long _sidecarPeakKib;

    public MemoryWatch(PeerMesh mesh)
    {
        _mesh = mesh;
        GatewayStartKib = ResidentKib(mesh.Gateway.Program.Id);
        SidecarStartKib = ResidentKib(mesh.Sidecar.Program.Id);
        _looking = LookAsync();
    }

    public long GatewayStartKib { get; }

    public long SidecarStartKib { get; }

    /// <summary>By how much the proxy that grew more has grown.</summary>
    public long GrowthKib => Math.Max(_gatewayPeakKib - GatewayStartKib, _sidecarPeakKib - SidecarStartKib);

    /// <summary>Completes with the next look.</summary>
    public Task NextLookAsync(CancellationToken cancel) => Volatile.Read(ref _look).Task.WaitAsync(cancel);

    /// <summary>Ends the watch and judges it.</summary>
    public async Task AssertBelowAsync(long mostKib)
    {
        await DisposeAsync();
        var seen = $"gateway {GatewayStartKib} -> at most {_gatewayPeakKib} KiB, sidecar {SidecarStartKib} -> at most {_sidecarPeakKib} KiB";
        TestContext.Current.SendDiagnosticMessage(seen);
        Assert.True(_gatewayPeakKib < mostKib && _sidecarPeakKib < mostKib, seen);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_stop.IsCancellationRequested)
        {
            await _stop.CancelAsync();
            await _looking;
        }
    }

    private async Task LookAsync()
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        try
        {
            while (await pace.WaitForNextTickAsync(_stop.Token))
            {
                _gatewayPeakKib = Math.Max(_gatewayPeakKib, ResidentKib(_mesh.Gateway.Program.Id));
                _sidecarPeakKib = Math.Max(_sidecarPeakKib, ResidentKib(_mesh.Sidecar.Program.Id));
                Interlocked.Exchange(ref _look, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private static long ResidentKib(int process)
    {
        var line = File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
