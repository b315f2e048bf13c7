using System.Diagnostics;
using System.Text;

namespace Lateen.Bench.Footprint;

/// <summary>
/// How long it takes from the API until a client speaks to its endpoint as it should by then: mutual TLS when the endpoint's label or a policy says that it can, plaintext when they
/// say that it cannot. Two sidecars with identities stand in between; the server's denies one path to whoever comes without an identity, so each answer tells how it was asked.
/// </summary>
internal sealed class MutualTlsMeasurements(FootprintOptions options, RunningUpstream upstream, List<string> notes)
{
    /// <summary>Changes of each kind that are not counted: code that is compiled for the first time.</summary>
    private const int WarmUp = 10;

    /// <summary>Changes of each kind. Every other one leads back.</summary>
    private const int Changes = 60;

    private const int Encrypted = 200;
    private const int Plain = 403;
    private const string Path = "/who";
    private const double BudgetMilliseconds = 100;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private int _failed;

    internal IEnumerable<Figure> Run()
    {
        using var mesh = new IdentifiedMesh(options, upstream.Port);
        using var api = mesh.OpenApi();
        using var client = KeepAliveConnection.Open(mesh.ClientPort);
        foreach (var figure in Measure("endpoint gains or loses mutual TLS", mostFailed: 0, turn => mesh.Service(canTls: turn % 2 != 0))) yield return figure;
        // A server that is told DISABLE refuses mutual TLS at once, and a client that has not heard of it yet may have opened a connection: told, not held to.
        foreach (var figure in Measure("PeerAuthentication DISABLE or PERMISSIVE", mostFailed: null, turn => IdentifiedMesh.Policy(turn % 2 == 0 ? "DISABLE" : "PERMISSIVE"))) yield return figure;

        IEnumerable<Figure> Measure(string what, double? mostFailed, Func<int, string> change)
        {
            _failed = 0;
            var times = new List<double>();
            for (int turn = 0; turn < WarmUp + Changes; turn++) times.Add(Change(api, client, change(turn), turn % 2 == 0 ? Plain : Encrypted));
            times.RemoveRange(0, WarmUp);
            if (_failed > 0) notes.Add($"{what}: {_failed} requests failed in {WarmUp + Changes} changes");
            yield return Figure.Median($"{what} to client follows, p50", "ms", null, times);
            yield return Figure.At($"{what} to client follows, p95", "ms", BudgetMilliseconds, times, 0.95);
            yield return Figure.At("  slowest", "ms", null, times, 1);
            yield return new Figure("  requests that failed meanwhile", "", _failed, mostFailed, [_failed]);
        }
    }

    /// <summary>Sends the change and asks, about once in a millisecond, until the server was asked as expected.</summary>
    private double Change(KeepAliveConnection api, KeepAliveConnection client, string yaml, int expected)
    {
        byte[] body = RunningMesh.ApplyBody(yaml);
        int before = client.Get(Path, IdentifiedMesh.Host).Status;
        if (before == expected) throw new InvalidOperationException($"before the change the answer is {before} already");
        long started = Stopwatch.GetTimestamp();
        api.SendJson("/api/v1/resources/apply", body);
        while (true)
        {
            int status = client.Get(Path, IdentifiedMesh.Host).Status;
            if (status == expected) break;
            if (status is not (Encrypted or Plain)) _failed++;
            if (Stopwatch.GetElapsedTime(started) > Patience) throw new InvalidOperationException($"the answer is still {status}, not {expected}, after:\n{yaml}");
            Pace.BetweenQuestions();
        }

        double elapsed = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        var reply = api.Receive();
        return reply.Status == 200 ? elapsed : throw new InvalidOperationException($"the change was refused: {Encoding.UTF8.GetString(reply.Body)}");
    }
}
