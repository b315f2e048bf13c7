using System.Collections.Concurrent;

namespace Lateen.EndToEnd.Tests.Mtls;

/// <summary>
/// A client that never rests: requests over HTTP, and as many connections of a protocol that nobody knows, each of which is a handshake of its own between the sidecars.
/// </summary>
internal sealed class ConstantTraffic : IAsyncDisposable
{
    /// <summary>Between two turns. A turn is one request and one connection.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(20);

    private readonly MtlsMesh _mesh;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly Task _running;
    private int _turns;

    public ConstantTraffic(MtlsMesh mesh)
    {
        _mesh = mesh;
        _running = RunAsync();
    }

    /// <summary>What went wrong, with the turn at which it did.</summary>
    public IReadOnlyCollection<string> Failures => _failures;

    /// <summary>Completes when so many more turns are done.</summary>
    public async Task MoreAsync(int turns, CancellationToken cancel)
    {
        int until = Volatile.Read(ref _turns) + turns;
        using var pace = new PeriodicTimer(Pace);
        while (Volatile.Read(ref _turns) < until) await pace.WaitForNextTickAsync(cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        using var pace = new PeriodicTimer(Pace);
        try
        {
            while (await pace.WaitForNextTickAsync(_stop.Token))
            {
                string turn = $"turn {_turns}";
                string answer = await _mesh.GetAsync(_stop.Token, $"/{_turns}");
                if (!answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal)) _failures.Enqueue($"{turn}: {answer}");
                string echo = await Caller.EchoAsync(_mesh.Tcp.Out, turn, _stop.Token);
                if (echo != turn) _failures.Enqueue($"{turn}: the echo is '{echo}'");
                Interlocked.Increment(ref _turns);
            }
        }
        catch (OperationCanceledException)
        {
            // The test has seen enough.
        }
    }
}
