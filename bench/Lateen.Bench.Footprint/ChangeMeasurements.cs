using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Lateen.Bench.Footprint;

/// <summary>How long one change takes from the API to the first request that is answered by it, in a mesh that has many others.</summary>
internal sealed class ChangeMeasurements(FootprintOptions options, RunningUpstream upstream, RunningUpstream otherUpstream, List<string> notes)
{
    /// <summary>Changes that warm the control plane's compiler up. A control plane lives for weeks; they are told apart, not hidden.</summary>
    private const int WarmUp = 20;

    private const int EndpointChanges = 20;

    private const int CommandChanges = 20;

    /// <summary>Services are taken in steps of this, prime to their number in all likelihood, so that every change is one of another service.</summary>
    private const int Stride = 37;

    private const string Path = "/api/1";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    internal IEnumerable<Figure> Run()
    {
        using var mesh = new RunningMesh(options, options.Services, upstream.Port);
        using var api = mesh.OpenApi();
        using var client = KeepAliveConnection.Open(mesh.Port);
        var track = new Track(mesh, api, client);
        var before = mesh.Counters();
        var cold = Enumerable.Range(1, WarmUp).Select(version => ChangeRoute(track, version)).ToList();
        var warm = Enumerable.Range(WarmUp + 1, options.Changes).Select(version => ChangeRoute(track, version)).ToList();
        Note($"{WarmUp + options.Changes} changes of a route", before, mesh.Counters());
        var times = warm.Select(sample => sample.Milliseconds).ToList();
        yield return Figure.At($"one of {options.Services} routes changed to answered by it, p50", "ms", null, times, 0.5);
        yield return Figure.At($"one of {options.Services} routes changed to answered by it, p99", "ms", 50, times, 0.99);
        yield return Figure.At("  slowest", "ms", null, times, 1);
        yield return Figure.Median("  CPU time of lateen up for it, p50", "ms", null, [.. warm.Select(sample => sample.ControlPlane.RunMilliseconds)]);
        yield return Figure.Median("  CPU time of lateen-proxy for it, p50", "ms", null, [.. warm.Select(sample => sample.Proxy.RunMilliseconds)]);
        yield return Figure.Median("  both ready to run but without a processor, p50", "ms", null, [.. warm.Select(sample => sample.Waited)]);
        var first = cold.Select(sample => sample.Milliseconds).ToList();
        yield return Figure.Median($"  first {WarmUp} after the start, not counted above, p50", "ms", null, first);
        yield return Figure.At($"  first {WarmUp} after the start, slowest", "ms", null, first, 1);
        yield return Figure.At($"  all {WarmUp + options.Changes} with these, p99", "ms", null, [.. first, .. times], 0.99);
        foreach (var sample in warm.OrderByDescending(sample => sample.Milliseconds).Take(5)) notes.Add($"slow change: {sample}");

        var commands = Enumerable.Range(WarmUp + options.Changes + 1, CommandChanges).Select(version => ChangeByCommand(track, version)).ToList();
        yield return Figure.Median("the same from the start of `lateen apply --wait`, p50", "ms", null, commands);
        yield return Figure.At("the same from the start of `lateen apply --wait`, slowest", "ms", null, commands, 1);

        before = mesh.Counters();
        var endpoints = Enumerable.Range(0, EndpointChanges).Select(turn => MoveEndpoint(track, turn).Milliseconds).ToList();
        var after = mesh.Counters();
        Note($"{EndpointChanges} moves of an endpoint", before, after);
        yield return Figure.Median("endpoint moved to answered by it, p50", "ms", null, endpoints);
        yield return Figure.At("endpoint moved to answered by it, slowest", "ms", null, endpoints, 1);
        double others = after.Pushes.Where(pair => pair.Key != "eds").Sum(pair => pair.Value - before.Pushes.GetValueOrDefault(pair.Key));
        yield return new Figure($"responses other than EDS for {EndpointChanges} moves", "", others, 0, [others]);
        yield return new Figure("lateen-proxy RSS after all changes", "MB", mesh.Proxy.StatusKib("VmRSS") / 1024.0, null, []);
        yield return new Figure("lateen up RSS after all changes", "MB", mesh.ControlPlane.StatusKib("VmRSS") / 1024.0, null, []);
    }

    private Sample ChangeRoute(Track track, int version)
    {
        int service = version * Stride % options.Services;
        string expected = $"{version}";
        return Change(track, service, MeshFiles.Route(service, version), answer => answer.Header(MeshFiles.VersionHeader) == expected);
    }

    /// <summary>As a person does it: the command's own start, its reading and its question are in the time.</summary>
    private double ChangeByCommand(Track track, int version)
    {
        int service = version * Stride % options.Services;
        string expected = $"{version}";
        long started = Stopwatch.GetTimestamp();
        var command = track.Mesh.ApplyByCommand(MeshFiles.Route(service, version));
        Await(track, MeshFiles.Host(service), answer => answer.Header(MeshFiles.VersionHeader) == expected, started);
        double elapsed = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        command.GetAwaiter().GetResult();
        return elapsed;
    }

    private Sample MoveEndpoint(Track track, int turn)
    {
        var target = turn % 2 == 0 ? otherUpstream : upstream;
        return Change(track, service: 7 % options.Services, MeshFiles.Service(7 % options.Services, target.Port), answer => answer.Body.Length == target.BodyBytes);
    }

    /// <summary>Sends the change and asks the proxy, about once in a millisecond, until it answers by it. The API's own answer is read after.</summary>
    private static Sample Change(Track track, int service, string yaml, Func<Answer, bool> isNew)
    {
        byte[] body = RunningMesh.ApplyBody(yaml);
        string host = MeshFiles.Host(service);
        var old = track.Client.Get(Path, host);
        if (old.Status != 200 || isNew(old)) throw new InvalidOperationException($"before the change {host} answers {old.Head}");
        var (plane, proxy) = track.Scheduled();
        long started = Stopwatch.GetTimestamp();
        track.Api.SendJson("/api/v1/resources/apply", body);
        Await(track, host, isNew, started);
        double elapsed = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        var (planeAfter, proxyAfter) = track.Scheduled();
        var reply = track.Api.Receive();
        return reply.Status == 200 ? new Sample(elapsed, planeAfter - plane, proxyAfter - proxy) : throw new InvalidOperationException($"the change was refused: {Encoding.UTF8.GetString(reply.Body)}");
    }

    private static void Await(Track track, string host, Func<Answer, bool> isNew, long started)
    {
        while (true)
        {
            var answer = track.Client.Get(Path, host);
            if (isNew(answer)) return;
            if (Stopwatch.GetElapsedTime(started) > Patience) throw new InvalidOperationException($"{host} still answers by the old configuration: {answer.Head}");
            Pace.BetweenQuestions();
        }
    }

    private void Note(
        string what,
        (SortedDictionary<string, long> Pushes, SortedDictionary<string, long> Updates) before,
        (SortedDictionary<string, long> Pushes, SortedDictionary<string, long> Updates) after)
    {
        static string Difference(SortedDictionary<string, long> was, SortedDictionary<string, long> now) =>
            string.Join(", ", now.Select(pair => $"{pair.Key} {pair.Value - was.GetValueOrDefault(pair.Key)}"));
        notes.Add($"{what}: responses sent {Difference(before.Pushes, after.Pushes)}; updates taken by the proxy {Difference(before.Updates, after.Updates)}");
    }

    /// <summary>What a change is made on.</summary>
    private sealed record Track(RunningMesh Mesh, KeepAliveConnection Api, KeepAliveConnection Client)
    {
        public (SchedulerFigures ControlPlane, SchedulerFigures Proxy) Scheduled() => (SchedulerFigures.Of(Mesh.ControlPlane.Pid), SchedulerFigures.Of(Mesh.Proxy.Pid));
    }

    /// <summary>One change: how long it took, and what the two programs did meanwhile.</summary>
    private sealed record Sample(double Milliseconds, SchedulerFigures ControlPlane, SchedulerFigures Proxy)
    {
        /// <summary>Of all their threads: may be more than the time that passed.</summary>
        public double Waited => ControlPlane.WaitMilliseconds + Proxy.WaitMilliseconds;

        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture,
            $"{Milliseconds:F1} ms; CPU of lateen up {ControlPlane.RunMilliseconds:F1} ms, of lateen-proxy {Proxy.RunMilliseconds:F1} ms; waited for a processor {ControlPlane.WaitMilliseconds:F1} and {Proxy.WaitMilliseconds:F1} ms");
    }
}
