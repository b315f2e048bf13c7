using System.Net;
using System.Text;
using System.Text.Json;
using Lateen.Bench.LoadGenerator;
using Lateen.Net;

namespace Lateen.Bench.Tests;

public sealed class LoadRunTests
{
    private const string Good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Closed_loop_makes_exactly_the_requests_that_bound_it(int threads)
    {
        await using var server = new FixedServer(_ => Good);
        var report = await LoadRun.RunAsync(server.Load with { MaxRequests = 1001, Connections = 7, Threads = threads }, Cancellation);
        Assert.Equal((1001, 1001, 0), (report.Requests, report.Succeeded, report.Failed));
        Assert.Equal(1001, report.Statuses[200]);
        Assert.Equal(1001, report.Latencies.Count);
        Assert.Equal(7, report.ConnectionsOpened);
        Assert.Equal(0, report.ExitCode);
        Assert.Equal(1001, server.Requests);
    }

    [Fact]
    public async Task Open_loop_sends_by_the_clock_and_not_by_the_answers()
    {
        await using var server = new FixedServer(_ => Good);
        var report = await LoadRun.RunAsync(
            server.Load with { Rate = 1000, Duration = TimeSpan.FromMilliseconds(200), Connections = 3 }, Cancellation);
        Assert.Equal((200, 200), (report.Requests, report.Succeeded));
    }

    [Fact]
    public async Task Status_from_400_on_is_a_failure_that_is_counted_by_its_status()
    {
        await using var server = new FixedServer(number => number % 4 == 3 ? Good.Replace("200 OK", "503 Service Unavailable") : Good);
        var report = await LoadRun.RunAsync(server.Load with { MaxRequests = 100, Connections = 1 }, Cancellation);
        Assert.Equal(25, report.Statuses[503]);
        Assert.Equal((75, 25, 1), (report.Succeeded, report.Failed, report.ExitCode));
    }

    [Fact]
    public async Task Connection_that_ends_without_the_answer_is_a_failure_and_the_next_request_opens_another()
    {
        await using var server = new FixedServer(number => number == 5 ? null : Good);
        var report = await LoadRun.RunAsync(server.Load with { MaxRequests = 10, Connections = 1 }, Cancellation);
        Assert.Equal(1, report.Failures[LoadFailure.Closed]);
        Assert.Equal((9, 2), (report.Succeeded, report.ConnectionsOpened));
    }

    [Fact]
    public async Task Connection_per_request_opens_as_many_as_it_asks()
    {
        await using var server = new FixedServer(_ => Good);
        var report = await LoadRun.RunAsync(server.Load with { MaxRequests = 50, Connections = 3, ConnectionPerRequest = true }, Cancellation);
        Assert.Equal((50, 50), (report.Succeeded, report.ConnectionsOpened));
    }

    [Fact]
    public async Task Answer_that_asks_to_close_is_good_and_costs_a_new_connection()
    {
        await using var server = new FixedServer(_ => Good.Replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
        var report = await LoadRun.RunAsync(server.Load with { MaxRequests = 5, Connections = 1 }, Cancellation);
        Assert.Equal((5, 5), (report.Succeeded, report.ConnectionsOpened));
    }

    [Fact]
    public async Task Answer_that_does_not_come_is_a_timeout()
    {
        await using var server = new FixedServer(_ => "");
        var report = await LoadRun.RunAsync(
            server.Load with { MaxRequests = 2, Connections = 2, RequestTimeout = TimeSpan.FromMilliseconds(50) }, Cancellation);
        Assert.Equal(2, report.Failures[LoadFailure.Timeout]);
        Assert.Equal(3, report.ExitCode);
    }

    [Fact]
    public async Task Paths_are_asked_in_turn()
    {
        await using var server = new FixedServer(_ => Good);
        await LoadRun.RunAsync(server.Load with { MaxRequests = 4, Connections = 1, Paths = ["/a", "/b"] }, Cancellation);
        Assert.Equal(["GET /a HTTP/1.1", "GET /b HTTP/1.1", "GET /a HTTP/1.1", "GET /b HTTP/1.1"], server.RequestLines);
    }

    [Fact]
    public async Task Cancelled_load_reports_what_was_done()
    {
        await using var server = new FixedServer(_ => Good);
        using var source = new CancellationTokenSource();
        var running = LoadRun.RunAsync(server.Load with { Duration = TimeSpan.FromHours(1), Connections = 2 }, source.Token);
        await server.Served(50).WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        await source.CancelAsync();
        var report = await running.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        Assert.Equal(0, report.Failed);
        Assert.InRange(report.Requests, 50, long.MaxValue);
    }

    [Fact]
    public async Task Report_is_one_json_object()
    {
        await using var server = new FixedServer(_ => Good);
        var report = await LoadRun.RunAsync(server.Load with { MaxRequests = 3, Connections = 1 }, Cancellation);
        using var json = JsonDocument.Parse(report.ToJson());
        Assert.Equal(3, json.RootElement.GetProperty("requests").GetInt64());
        Assert.Equal(3, json.RootElement.GetProperty("statuses").GetProperty("200").GetInt64());
        Assert.True(json.RootElement.GetProperty("latencyMicroseconds").GetProperty("p99").GetDouble() > 0);
    }

    /// <summary>Answers each request by its number; null closes the connection instead, an empty answer leaves it waiting.</summary>
    private sealed class FixedServer : IAsyncDisposable
    {
        private readonly Reactor _reactor = new();
        private readonly TransportListener _listener;
        private readonly Func<int, string?> _answer;
        private readonly TaskCompletionSource _served = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _wanted = int.MaxValue;

        internal FixedServer(Func<int, string?> answer)
        {
            _answer = answer;
            _reactor.Start();
            var bound = TransportListener.Bind(_reactor, new IPEndPoint(IPAddress.Loopback, 0), ListenerOptions.Default, ServeAsync);
            Assert.True(bound.IsBound);
            _listener = bound.Value;
            _listener.Start();
        }

        internal LoadOptions Load => new() { Target = _listener.LocalEndPoint, Host = "test.example", Duration = TimeSpan.FromMinutes(5) };

        internal int Requests { get; private set; }

        internal List<string> RequestLines { get; } = [];

        internal Task Served(int requests)
        {
            Volatile.Write(ref _wanted, requests);
            return _served.Task;
        }

        public async ValueTask DisposeAsync() => await _reactor.DisposeAsync();

        private async ValueTask ServeAsync(TransportConnection connection)
        {
            var buffer = new byte[4096];
            while (await connection.ReadableAsync())
            {
                // A request of the load generator is small and comes in one piece over loopback.
                var read = connection.Read(buffer);
                if (read.Status == IoStatus.WouldBlock)
                    continue;
                if (!read.IsOk)
                    return;
                var text = Encoding.ASCII.GetString(buffer, 0, read.Bytes);
                RequestLines.Add(text[..text.IndexOf("\r\n", StringComparison.Ordinal)]);
                var answer = _answer(Requests++);
                if (Requests >= Volatile.Read(ref _wanted))
                    _served.TrySetResult();
                if (answer is null)
                    return;
                connection.Write(Encoding.ASCII.GetBytes(answer));
            }
        }
    }
}
