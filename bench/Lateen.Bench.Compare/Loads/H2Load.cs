using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Lateen.Bench.Compare.Loads;

/// <summary>What h2load is asked to send.</summary>
/// <param name="Scheme">http is HTTP/2 by prior knowledge, https is TLS.</param>
/// <param name="Streams">Requests at a time on a connection; connections are fewer in proportion, so that as many requests are under way.</param>
/// <param name="Paths">Sent in turn.</param>
/// <param name="Arguments">More options of h2load.</param>
/// <param name="Message">A body for each request, or null.</param>
internal sealed record H2Requests(string Scheme, int Streams, IReadOnlyList<string> Paths, IReadOnlyList<string> Arguments, byte[]? Message = null);

/// <summary>
/// Load from nghttp2's h2load: HTTP/2, gRPC, and HTTP/1.1 over TLS. A closed loop for CPU and rate; then h2load's paced mode for the latency,
/// which it logs per request, from the time of sending.
/// </summary>
internal static partial class H2Load
{
    internal static readonly H2Requests Http2 = new("http", 4, Http1Load.Paths, []);

    internal static readonly H2Requests Http1OverTls = new("https", 1, Http1Load.Paths, ["--h1"]);

    /// <summary>A gRPC call is a POST whose body is a message with five bytes of prefix; h2load takes any answer with status 200, the start-up probe looks at grpc-status.</summary>
    internal static readonly H2Requests Grpc = new(
        "http", 4, ["/bench.Echo/Unary"], ["-H", "content-type: application/grpc", "-H", "te: trailers"], [0, 0, 0, 0, 32, .. new byte[32]]);

    internal static async Task<Measurement> MeasureAsync(Contender contender, CompareOptions options, H2Requests requests)
    {
        var directory = Directory.CreateTempSubdirectory("lateen-h2load-").FullName;
        try
        {
            var connections = Math.Max(options.Connections / requests.Streams, 1);
            List<string> arguments = ["-c", $"{connections}", "-m", $"{requests.Streams}", .. requests.Arguments];
            if (requests.Message is { } message)
            {
                var body = Path.Combine(directory, "message");
                await File.WriteAllBytesAsync(body, message);
                arguments.AddRange(["-d", body]);
            }

            arguments.AddRange(["--connect-to", $"127.0.0.1:{contender.Port}"]);
            var urls = requests.Paths.Select(path => $"{requests.Scheme}://shop.bench.example{path}").ToList();

            var before = ProcessFigures.Cpu(contender.Pid);
            var (done, perSecond) = await RunAsync(contender, [.. arguments, "-D", Text(options.Seconds), .. urls]);
            var spent = ProcessFigures.Cpu(contender.Pid) - before;

            var log = Path.Combine(directory, "log");
            var rate = options.Rate / connections;
            await RunAsync(contender, [.. arguments, "-D", Text(options.RateSeconds), "--rps", Text(rate), "--log-file", log, .. urls]);
            var latencies = File.ReadLines(log).Select(line => double.Parse(line.Split('\t')[2], CultureInfo.InvariantCulture)).Order().ToList();
            return new Measurement(
                spent.UserMicroseconds / done,
                spent.SystemMicroseconds / done,
                perSecond,
                Percentile(latencies, 0.50),
                Percentile(latencies, 0.99),
                latencies.Count / options.RateSeconds);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<(long Done, double PerSecond)> RunAsync(Contender contender, List<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("h2load", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })
            ?? throw new InvalidOperationException("h2load did not start");
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        var requests = Requests().Match(output);
        var statuses = Statuses().Match(output);
        var rate = Rate().Match(output);
        if (!requests.Success || !rate.Success || Number(requests, 2) + Number(requests, 3) > 0 || Number(statuses, 2) + Number(statuses, 3) > 0 || Number(requests, 1) == 0)
            throw new InvalidOperationException($"{contender.Name}: h2load {string.Join(' ', arguments)}\n{output}\n{await errors}");
        return (Number(requests, 1), double.Parse(rate.Groups[1].Value, CultureInfo.InvariantCulture));
    }

    private static double Percentile(List<double> sorted, double share) => sorted.Count == 0 ? 0 : sorted[(int)Math.Min(sorted.Count * share, sorted.Count - 1)];

    private static long Number(Match match, int group) => long.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    private static string Text(double number) => number.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"(\d+) succeeded, (\d+) failed, (\d+) errored")]
    private static partial Regex Requests();

    [GeneratedRegex(@"status codes: (\d+) 2xx, \d+ 3xx, (\d+) 4xx, (\d+) 5xx")]
    private static partial Regex Statuses();

    [GeneratedRegex(@"finished in [^,]+, ([0-9.]+) req/s")]
    private static partial Regex Rate();
}
