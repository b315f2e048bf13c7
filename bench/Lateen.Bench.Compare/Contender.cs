using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Lateen.Bench.Compare;

/// <summary>A program under measurement: started with a port of its own, asked until it answers, ended with the comparison.</summary>
internal sealed class Contender : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(20);

    private readonly Process _process;

    private Contender(string name, Process process, int port)
    {
        Name = name;
        _process = process;
        Port = port;
    }

    internal string Name { get; }

    internal int Port { get; }

    internal int Pid => _process.Id;

    /// <summary>Most resident memory that a load saw, KiB, where it looked; 0 where none did.</summary>
    internal long PeakResidentKib { get; set; }

    internal EndPoint Address => new IPEndPoint(IPAddress.Loopback, Port);

    /// <summary>Starts one of the proxies by its name in front of the upstream, as the scenario wants it.</summary>
    internal static async Task<Contender> StartProxyAsync(string name, Scenario scenario, int upstreamPort, CompareOptions options, string directory)
    {
        var port = FreePort();
        string Filled(string file) => Fill(scenario.Peers, file, $"{name}-{file}", port, upstreamPort, directory);
        ProcessStartInfo start = name switch
        {
            "lateen" or "lateen-open" => new(options.LateenProxy, ["-c", Filled("lateen.yaml"), "--concurrency", "1"]),
            "nginx" => new("nginx", ["-p", directory, "-c", Filled("nginx.conf")]),
            "haproxy" => new("haproxy", ["-db", "-f", Filled("haproxy.cfg")]),
            "yarp" => new(BuiltExecutable("Yarp"), [$"http://127.0.0.1:{upstreamPort}", port.ToString()]),
            _ => throw new ArgumentException($"no proxy is called '{name}'"),
        };
        // One processor for the one that would spread over all: all contenders serve from one thread or worker.
        if (name == "yarp")
            start.Environment["DOTNET_PROCESSOR_COUNT"] = "1";
        return await StartAsync(name, start, port);
    }

    /// <summary>Starts what stands behind the proxies.</summary>
    internal static Task<Contender> StartUpstreamAsync(Scenario scenario, string directory)
    {
        var port = FreePort();
        return StartAsync("upstream", scenario.Upstream switch
        {
            UpstreamKind.FixedAnswer => new ProcessStartInfo(BuiltExecutable("Upstream"), [$"{port}"]),
            UpstreamKind.Bulk => new ProcessStartInfo(BuiltExecutable("Upstream"), [$"{port}", "bulk"]),
            UpstreamKind.Grpc => new ProcessStartInfo(BuiltExecutable("GrpcUpstream"), [$"{port}"]),
            UpstreamKind.Tls => new ProcessStartInfo("nginx", ["-p", directory, "-c", Fill(scenario.Peers, "upstream.conf", "upstream.conf", port, 0, directory)]),
            _ => throw new ArgumentOutOfRangeException(nameof(scenario), scenario.Upstream, "no such upstream"),
        }, port);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    /// <summary>Writes a peer's configuration with this run's ports and folder in it; what a scenario does not change is http1's.</summary>
    private static string Fill(string peers, string file, string name, int port, int upstreamPort, string directory)
    {
        var template = Path.Combine("bench/peers", peers, file);
        if (!File.Exists(template)) template = Path.Combine("bench/peers/http1", file);
        var text = File.ReadAllText(template)
            .Replace("{{PORT}}", $"{port}")
            .Replace("{{UPSTREAM_PORT}}", $"{upstreamPort}")
            .Replace("{{HOP_PORT}}", $"{FreePort()}")
            .Replace("{{RBAC}}", name.StartsWith("lateen-open-", StringComparison.Ordinal) ? "" : AccessRules.Filter)
            .Replace("{{DIRECTORY}}", directory);
        var path = Path.Combine(directory, name);
        File.WriteAllText(path, text);
        return path;
    }

    private static async Task<Contender> StartAsync(string name, ProcessStartInfo start, int port)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{name} did not start");
        var said = new List<string>();
        process.OutputDataReceived += (_, line) => Note(line.Data);
        process.ErrorDataReceived += (_, line) => Note(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var contender = new Contender(name, process, port);
        var clock = Stopwatch.StartNew();
        while (!await AcceptsAsync(port))
        {
            if (process.HasExited || clock.Elapsed > StartPatience)
            {
                await contender.DisposeAsync();
                lock (said)
                    throw new InvalidOperationException($"{name} does not serve on port {port}. It said:\n{string.Join('\n', said.TakeLast(20))}");
            }

            // A foreign program tells nobody when it is ready: ask again soon.
            await Task.Delay(20);
        }

        return contender;

        void Note(string? line)
        {
            lock (said)
            {
                if (line is not null && said.Count < 1000)
                    said.Add(line);
            }
        }
    }

    private static async Task<bool> AcceptsAsync(int port)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static string BuiltExecutable(string program) => $"bench/Lateen.Bench.{program}/bin/Release/net10.0/Lateen.Bench.{program}";
}
