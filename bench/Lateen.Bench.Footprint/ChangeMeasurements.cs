using System.Diagnostics;
using System.Text;

namespace Lateen.Bench.Footprint;

/// <summary>How long one change takes from the API to the first request that is answered by it, in a mesh that has many others.</summary>
internal sealed class ChangeMeasurements(FootprintOptions options, RunningUpstream upstream, RunningUpstream otherUpstream, List<string> notes)
{
    /// <summary>Changes that warm the control plane's compiler up. A control plane lives for weeks; they are told apart, not hidden.</summary>
    private const int WarmUp = 20;

    private const int EndpointChanges = 20;

    /// <summary>Services are taken in steps of this, prime to their number in all likelihood, so that every change is one of another service.</summary>
    private const int Stride = 37;

    private const string Path = "/api/1";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    internal IEnumerable<Figure> Run()
    {
        using var mesh = new RunningMesh(options, options.Services, upstream.Port);
        using var api = mesh.OpenApi();
        using var client = KeepAliveConnection.Open(mesh.Port);
        var before = mesh.Counters();
        var cold = Enumerable.Range(1, WarmUp).Select(version => ChangeRoute(api, client, version)).ToList();
        var warm = Enumerable.Range(WarmUp + 1, options.Changes).Select(version => ChangeRoute(api, client, version)).ToList();
        Note($"{WarmUp + options.Changes} changes of a route", before, mesh.Counters());
        yield return Figure.At($"one of {options.Services} routes changed to answered by it, p50", "ms", null, warm, 0.5);
        yield return Figure.At($"one of {options.Services} routes changed to answered by it, p99", "ms", 50, warm, 0.99);
        yield return Figure.At("  slowest", "ms", null, warm, 1);
        yield return Figure.Median($"  first {WarmUp} after the start, not counted above, p50", "ms", null, cold);

        before = mesh.Counters();
        var endpoints = Enumerable.Range(0, EndpointChanges).Select(turn => MoveEndpoint(api, client, turn)).ToList();
        var after = mesh.Counters();
        Note($"{EndpointChanges} moves of an endpoint", before, after);
        yield return Figure.Median("endpoint moved to answered by it, p50", "ms", null, endpoints);
        yield return Figure.At("endpoint moved to answered by it, slowest", "ms", null, endpoints, 1);
        double others = after.Pushes.Where(pair => pair.Key != "eds").Sum(pair => pair.Value - before.Pushes.GetValueOrDefault(pair.Key));
        yield return new Figure($"responses other than EDS for {EndpointChanges} moves", "", others, 0, [others]);
        yield return new Figure("lateen-proxy RSS after all changes", "MB", mesh.Proxy.StatusKib("VmRSS") / 1024.0, null, []);
        yield return new Figure("lateen up RSS after all changes", "MB", mesh.ControlPlane.StatusKib("VmRSS") / 1024.0, null, []);
    }

    private double ChangeRoute(KeepAliveConnection api, KeepAliveConnection client, int version)
    {
        int service = version * Stride % options.Services;
        string expected = $"{version}";
        return Change(api, client, service, MeshFiles.Route(service, version), answer => answer.Header(MeshFiles.VersionHeader) == expected);
    }

    private double MoveEndpoint(KeepAliveConnection api, KeepAliveConnection client, int turn)
    {
        var target = turn % 2 == 0 ? otherUpstream : upstream;
        return Change(api, client, service: 7 % options.Services, MeshFiles.Service(7 % options.Services, target.Port), answer => answer.Body.Length == target.BodyBytes);
    }

    /// <summary>Sends the change and asks the proxy, about once in a millisecond, until it answers by it. The API's own answer is read after.</summary>
    private static double Change(KeepAliveConnection api, KeepAliveConnection client, int service, string yaml, Func<Answer, bool> isNew)
    {
        byte[] body = RunningMesh.ApplyBody(yaml);
        string host = MeshFiles.Host(service);
        var old = client.Get(Path, host);
        if (old.Status != 200 || isNew(old)) throw new InvalidOperationException($"before the change {host} answers {old.Head}");
        long started = Stopwatch.GetTimestamp();
        api.SendJson("/api/v1/resources/apply", body);
        while (true)
        {
            var answer = client.Get(Path, host);
            if (isNew(answer)) break;
            if (Stopwatch.GetElapsedTime(started) > Patience) throw new InvalidOperationException($"{host} still answers by the old configuration: {answer.Head}");
            Pace.BetweenQuestions();
        }

        double elapsed = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        var reply = api.Receive();
        return reply.Status == 200 ? elapsed : throw new InvalidOperationException($"the change was refused: {Encoding.UTF8.GetString(reply.Body)}");
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
}
