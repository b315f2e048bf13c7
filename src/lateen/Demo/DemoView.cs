using System.Globalization;
using Spectre.Console;

namespace Lateen.Cli.Demo;

/// <summary>Shows the mesh at work: a live table for a person, a plain line per workload every few seconds for a pipe.</summary>
internal sealed class DemoView(CliEnvironment environment, BookshopPlan plan, Supervisor supervisor, TrafficGenerator traffic, TimeProvider time)
{
    private static readonly TimeSpan SamplePeriod = TimeSpan.FromSeconds(2);

    /// <summary>Samples that a rate is taken over: 10 s is short enough to see a change and long enough to be steady at a few requests per second.</summary>
    private const int Window = 5;

    /// <summary>Samples between two plain reports.</summary>
    private const int PlainEvery = 3;

    private const string TcpName = "TCP";

    private readonly Dictionary<string, Queue<(long At, ProxySample Sample)>> _history = [];
    private readonly Queue<IReadOnlyDictionary<string, long>> _versions = new();

    private IEnumerable<(string Name, string Child, string Carries, int AdminPort, string Reporter)> Rows =>
        plan.Workloads
            .Select(workload => (workload.Name, workload.Name + "-sidecar", Carries(workload.Service), workload.AdminPort, "destination"))
            .Prepend(("ingressgateway", "ingressgateway", "HTTP, HTTPS", plan.IngressAdminPort, "source"));

    private string _notice = "";

    /// <summary>Tells the person something in passing: under the table where one is drawn, since a line in between would tear it; else as a line.</summary>
    public void Notice(string text)
    {
        if (environment.IsOutputTerminal) _notice = $"{time.GetLocalNow():HH:mm:ss} {text}";
        else environment.Error.WriteLine(text);
    }

    /// <summary>Samples and shows until <paramref name="stop"/>.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        using var timer = new PeriodicTimer(SamplePeriod, time);
        try
        {
            if (environment.IsOutputTerminal)
            {
                await AnsiConsole.Live(new Table()).AutoClear(false).StartAsync(async live =>
                {
                    while (await timer.WaitForNextTickAsync(stop))
                    {
                        await SampleAsync(client, stop);
                        live.UpdateTarget(Picture());
                    }
                });
            }
            else
            {
                for (var turn = 1; await timer.WaitForNextTickAsync(stop); turn++)
                {
                    await SampleAsync(client, stop);
                    if (turn % PlainEvery == 0)
                    {
                        WritePlain();
                    }
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The person has seen enough.
        }
    }

    private async Task SampleAsync(HttpClient client, CancellationToken stop)
    {
        foreach (var (name, _, _, port, reporter) in Rows)
        {
            var samples = _history.TryGetValue(name, out var queue) ? queue : _history[name] = new();
            try
            {
                var page = await client.GetStringAsync($"http://127.0.0.1:{port}/stats/prometheus?filter=istio_", stop);
                samples.Enqueue((time.GetTimestamp(), MeshMetrics.Parse(page, reporter)));
            }
            catch (HttpRequestException)
            {
                samples.Clear(); // Being started again.
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                // Too busy to answer in time: this sample is left out.
            }

            while (samples.Count > Window)
            {
                samples.Dequeue();
            }
        }

        _versions.Enqueue(traffic.Counts.Versions);
        while (_versions.Count > 15)
        {
            _versions.Dequeue();
        }
    }

    private TrafficRate? RateOf(string name)
    {
        if (!_history.TryGetValue(name, out var samples) || samples.Count < 2)
        {
            return null;
        }

        var (first, last) = (samples.First(), samples.Last());
        return MeshMetrics.Between(first.Sample, last.Sample, time.GetElapsedTime(first.At, last.At));
    }

    private Table Picture()
    {
        var table = new Table { Border = TableBorder.Rounded, Caption = new TableTitle(Markup.Escape(_notice.Length > 0 ? $"{Summary()}\n{_notice}" : Summary())) };
        table.AddColumns("workload", "carries", "req/s", "errors", "p50 ms", "p99 ms", "TCP open", "kB/s", "proxy pid", "restarts");
        foreach (var column in table.Columns.Skip(2))
        {
            column.RightAligned();
        }

        foreach (var (name, childName, carries, _, _) in Rows)
        {
            var child = supervisor.Children.First(child => child.Spec.Name == childName);
            var rate = RateOf(name);
            var isTcp = carries == TcpName;
            table.AddRow(
                name,
                carries,
                rate is { } known && !isTcp ? Number(known.RequestsPerSecond, "0.0") : "-",
                rate is { } share && !isTcp ? share.FailureShare > 0 ? $"[red]{Number(share.FailureShare * 100, "0.0")}%[/]" : "0%" : "-",
                Number(rate?.P50, "0.0"),
                Number(rate?.P99, "0.0"),
                isTcp ? Number(rate?.TcpOpen, "0") : "-",
                isTcp ? Number(rate?.TcpBytesPerSecond / 1000, "0.0") : "-",
                child.ProcessId is { } id ? Number(id, "0") : "[yellow]starting[/]",
                child.Restarts > 0 ? $"[yellow]{child.Restarts}[/]" : "0");
        }

        return table;
    }

    private void WritePlain()
    {
        foreach (var (name, childName, carries, _, _) in Rows)
        {
            var child = supervisor.Children.First(child => child.Spec.Name == childName);
            var rate = RateOf(name);
            var tcp = carries == TcpName ? $"tcp_open={Number(rate?.TcpOpen, "0")} tcp_kBps={Number(rate?.TcpBytesPerSecond / 1000, "0.0")} " : "";
            environment.Output.WriteLine(
                $"{name} rps={Number(rate?.RequestsPerSecond, "0.0")} errors={Number(rate?.FailureShare * 100, "0.0")}% "
                + $"p50_ms={Number(rate?.P50, "0.0")} p99_ms={Number(rate?.P99, "0.0")} {tcp}proxy_pid={child.ProcessId?.ToString() ?? "-"} restarts={child.Restarts}");
        }

        environment.Output.WriteLine(Summary());
        environment.Output.Flush();
    }

    private static string Carries(ShopService service) => service switch
    {
        _ when service == BookshopPlan.Orders => "WebSocket",
        { Speaks: Speech.Grpc } => "gRPC",
        { Speaks: Speech.Tcp } => TcpName,
        _ => "HTTP",
    };

    private string Summary()
    {
        var (sent, failed, versions) = traffic.Counts;
        var before = _versions.Count > 0 ? _versions.Peek() : new Dictionary<string, long>();
        var recent = versions.ToDictionary(pair => pair.Key, pair => pair.Value - before.GetValueOrDefault(pair.Key));
        var total = recent.Values.Sum();
        var split = total == 0
            ? "-"
            : string.Join(' ', recent.Where(pair => pair.Value > 0).OrderBy(pair => pair.Key, StringComparer.Ordinal)
                .Select(pair => $"{pair.Key}={Number(100.0 * pair.Value / total, "0")}%"));
        return $"pages={sent} failed={failed} reviews (last 30 s): {split}";
    }

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";
}
