using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Lateen.Testing;

namespace Lateen.Bench.Footprint;

/// <summary>
/// What it costs that a port's protocol is not declared: from connect to the first octet of the answer, through a listener that finds out and through one
/// that is told, turn by turn; for a server that speaks first and for HTTP.
/// </summary>
internal sealed class DetectionMeasurements(FootprintOptions options, RunningUpstream upstream)
{
    private const int Connections = 500;
    private const int NotCounted = 50;
    private const double MostAddedMilliseconds = 1;

    private static readonly byte[] Request = Encoding.ASCII.GetBytes("GET /catalog/1 HTTP/1.1\r\nHost: shop.bench.example\r\nConnection: close\r\n\r\n");

    internal IEnumerable<Figure> Run()
    {
        using var greeter = new BannerServer();
        int[] ports = [.. Enumerable.Range(0, 4).Select(static _ => RunningProgram.FreePort())];
        int adminPort = RunningProgram.FreePort();
        string file = Path.Combine(upstream.Folder, "detection.yaml");
        File.WriteAllText(file, Bootstraps.Detection(ports, greeter.Port, upstream.Port, adminPort));
        using var proxy = RunningProgram.Start(options.Proxy, ["-c", file, "--concurrency", "1", "--log-level", "warning"]);
        proxy.WaitUntil("readiness", () => Http.Answers(adminPort, "/ready"), TimeSpan.FromSeconds(20));
        foreach (var figure in Compare("a server that speaks first", ports[0], ports[1], [])) yield return figure;
        foreach (var figure in Compare("HTTP", ports[2], ports[3], Request)) yield return figure;
    }

    private static IEnumerable<Figure> Compare(string what, int told, int sniffed, byte[] words)
    {
        var direct = new List<double>();
        var found = new List<double>();
        for (int i = 0; i < NotCounted + Connections; i++)
        {
            double first = FirstOctetAfter(told, words);
            double second = FirstOctetAfter(sniffed, words);
            if (i < NotCounted) continue;
            direct.Add(first);
            found.Add(second);
        }

        var alone = Figure.Median($"  to the first octet where the protocol is declared, {what}", "ms", null, direct);
        var median = Figure.Median($"  where it is found out, {what}", "ms", null, found);
        yield return new Figure($"wait added by detection, {what}, median of {Connections}", "ms", median.Value - alone.Value, MostAddedMilliseconds, found);
        yield return alone;
        yield return median;
    }

    /// <summary>Milliseconds from before the connect.</summary>
    private static double FirstOctetAfter(int port, byte[] words)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 10_000 };
        long start = Stopwatch.GetTimestamp();
        socket.Connect(IPAddress.Loopback, port);
        if (words.Length > 0) socket.Send(words);
        byte[] one = new byte[1];
        if (socket.Receive(one) == 0) throw new InvalidOperationException($"port {port} closed a connection without a word");
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
