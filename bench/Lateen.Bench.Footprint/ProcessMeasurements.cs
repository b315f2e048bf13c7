using System.Diagnostics;
using System.Net;

namespace Lateen.Bench.Footprint;

/// <summary>What a proxy costs by itself: the time to start, the memory at rest, the memory of a connection at rest.</summary>
internal sealed class ProcessMeasurements(FootprintOptions options, RunningUpstream upstream, List<string> notes)
{
    private const string Path = "/catalog/1";
    private const string Host = "shop.bench.example";
    private const int SmallMesh = 4;

    /// <summary>Of a sidecar at rest with its identity. MB.</summary>
    private const double MeshedBudget = 25;

    /// <summary>Files that a proxy has open beside its clients' connections, generously.</summary>
    private const int OtherFiles = 200;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    internal IEnumerable<Figure> Start()
    {
        var ready = new List<double>();
        var served = new List<double>();
        for (int i = 0; i <= options.Starts; i++)
        {
            using var proxy = StartStatic(options, upstream, out int port, out int adminPort);
            proxy.WaitUntil("readiness", () => Http.Answers(adminPort, "/ready"), Patience);
            double readyAfter = Stopwatch.GetElapsedTime(proxy.StartedAt).TotalMilliseconds;
            proxy.WaitUntil("the first answer", () => Http.Answers(port, Path, Host), Patience);
            // The first start reads the binary from disk: not counted.
            if (i == 0) continue;
            ready.Add(readyAfter);
            served.Add(Stopwatch.GetElapsedTime(proxy.StartedAt).TotalMilliseconds);
        }

        yield return Figure.Median($"start to /ready 200, median of {options.Starts}", "ms", 100, ready);
        yield return Figure.At("start to /ready 200, slowest", "ms", null, ready, 1);
        yield return Figure.Median("start to first proxied answer, median", "ms", 100, served);
    }

    internal IEnumerable<Figure> Memory()
    {
        foreach (int services in (int[])[SmallMesh, options.Services])
        {
            var resident = new List<double>();
            var anonymous = new List<double>();
            var controlPlane = new List<double>();
            for (int round = 0; round < options.Rounds; round++)
            {
                using var mesh = new RunningMesh(options, services, upstream.Port);
                // At rest is some time after the last change: what only the change needed may have gone back by then, and more is not waited for.
                Pace.Rest();
                resident.Add(mesh.Proxy.StatusKib("VmRSS") / 1024.0);
                anonymous.Add(mesh.Proxy.StatusKib("RssAnon") / 1024.0);
                controlPlane.Add(mesh.ControlPlane.StatusKib("VmRSS") / 1024.0);
            }

            yield return Figure.Median($"idle RSS on delta ADS, {services} services", "MB", services == SmallMesh ? 30 : null, resident);
            yield return Figure.Median($"  of which anonymous, {services} services", "MB", null, anonymous);
            yield return Figure.Median($"  lateen up, {services} services", "MB", null, controlPlane);
        }

        foreach (var figure in MeshedMemory()) yield return figure;
    }

    /// <summary>The same with an identity: a key and a certificate of its own, and mutual TLS to the control plane.</summary>
    private IEnumerable<Figure> MeshedMemory()
    {
        var resident = new List<double>();
        var anonymous = new List<double>();
        for (int round = 0; round < options.Rounds; round++)
        {
            using var mesh = new RunningMesh(options, SmallMesh, upstream.Port, hasIdentity: true);
            Pace.Rest();
            resident.Add(mesh.Proxy.StatusKib("VmRSS") / 1024.0);
            anonymous.Add(mesh.Proxy.StatusKib("RssAnon") / 1024.0);
        }

        yield return Figure.Median($"idle RSS with an identity, {SmallMesh} services", "MB", MeshedBudget, resident);
        yield return Figure.Median("  of which anonymous", "MB", null, anonymous);
    }

    internal IEnumerable<Figure> Connections()
    {
        var resident = new List<double>();
        var anonymous = new List<double>();
        int count = options.Connections;
        for (int round = 0; round < options.Rounds; round++)
        {
            using var proxy = StartStatic(options, upstream, out int port, out _);
            proxy.WaitUntil("the first answer", () => Http.Answers(port, Path, Host), Patience);
            count = Affordable(proxy, count);
            // Code and pools that the first requests touch belong to the proxy, not to a connection.
            using (var warm = KeepAliveConnection.Open(port))
            {
                for (int i = 0; i < 1000; i++) warm.Get(Path, Host);
            }

            Pace.Settle();
            long residentBefore = proxy.StatusKib("VmRSS");
            long anonymousBefore = proxy.StatusKib("RssAnon");
            var held = new List<KeepAliveConnection>(count);
            try
            {
                for (int i = 0; i < count; i++)
                {
                    // Some thousand to an address, or its ports run out.
                    var source = new IPAddress(new byte[] { 127, 0, 0, (byte)(1 + (i / 5000)) });
                    var connection = KeepAliveConnection.TryOpen(port, source, 256) ?? throw new InvalidOperationException("the proxy stopped listening");
                    held.Add(connection);
                    var answer = connection.Get(Path, Host);
                    if (answer.Status != 200) throw new InvalidOperationException($"connection {i}: {answer.Status}");
                }

                Pace.Settle();
                resident.Add((proxy.StatusKib("VmRSS") - residentBefore) / (double)count);
                anonymous.Add((proxy.StatusKib("RssAnon") - anonymousBefore) / (double)count);
            }
            finally
            {
                foreach (var connection in held) connection.Dispose();
            }
        }

        yield return Figure.Median($"RSS per idle keep-alive connection, {count} of them", "KiB", 4, resident);
        yield return Figure.Median("  of which anonymous", "KiB", null, anonymous);
    }

    /// <summary>How many connections the limits on open files allow, of the proxy and of this program; says so when it is fewer than asked.</summary>
    private int Affordable(RunningProgram proxy, int wanted)
    {
        long least = Math.Min(RunningProgram.FileLimit($"{proxy.Pid}"), RunningProgram.FileLimit("self")) - OtherFiles;
        if (least >= wanted) return wanted;
        string note = $"the limit on open files is too low for {wanted} connections: measured with {least}; raise it with ulimit -n {wanted + OtherFiles}";
        notes.Add(note);
        Console.Error.WriteLine(note);
        return (int)least;
    }

    /// <summary>A proxy with one worker and the configuration of the comparison with others.</summary>
    internal static RunningProgram StartStatic(FootprintOptions options, RunningUpstream upstream, out int port, out int adminPort)
    {
        port = RunningProgram.FreePort();
        adminPort = RunningProgram.FreePort();
        string file = System.IO.Path.Combine(upstream.Folder, $"static-{port}.yaml");
        File.WriteAllText(file, Bootstraps.Static(port, upstream.Port, adminPort));
        return RunningProgram.Start(options.Proxy, ["-c", file, "--concurrency", "1", "--log-level", "warning"]);
    }
}
