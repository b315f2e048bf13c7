using System.Collections.Concurrent;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Tests.Harness;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>A filter that says "wait": the exchange stands still without a thread, and goes on, ends or is answered when the filter has news.</summary>
public sealed class WaitingFilterTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";

    [Fact]
    public async Task A_request_goes_on_at_the_next_filter_when_the_one_that_waits_says_continue()
    {
        var gate = new GateFilter("gate");
        var before = new CountingFilter("before");
        var after = new CountingFilter("after");
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, before, gate, after);
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Get);
        var exchange = await gate.NextAsync();
        await proxy.SettleAsync();
        Assert.Equal((1, 0), (before.Requests, after.Requests));
        Assert.Empty(upstream.Heads);

        await gate.OpenAsync(proxy, exchange, FilterVerdict.Continue);

        Assert.Equal(200, (await client.ReadResponseAsync()).Status);
        Assert.Equal((1, 1), (before.Requests, after.Requests));
        Assert.Single(upstream.Heads);
    }

    [Fact]
    public async Task A_wake_without_news_asks_the_filter_again_and_changes_nothing()
    {
        var gate = new GateFilter("gate");
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, gate);
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Get);
        var exchange = await gate.NextAsync();

        await gate.OpenAsync(proxy, exchange, FilterVerdict.Wait);
        await gate.OpenAsync(proxy, exchange, FilterVerdict.Wait);
        Assert.True(gate.Resumes >= 2);
        Assert.Empty(upstream.Heads);
        await gate.OpenAsync(proxy, exchange, FilterVerdict.Continue);

        Assert.Equal(200, (await client.ReadResponseAsync()).Status);
    }

    [Fact]
    public async Task Two_filters_may_wait_one_after_the_other_on_one_connection_again_and_again()
    {
        var first = new GateFilter("first");
        var second = new GateFilter("second");
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, first, second);
        using var client = await RawClient.ConnectAsync(proxy.Address);
        for (var i = 0; i < 3; i++)
        {
            await client.SendAsync(Get);
            await first.OpenAsync(proxy, await first.NextAsync(), FilterVerdict.Continue);
            await second.OpenAsync(proxy, await second.NextAsync(), FilterVerdict.Continue);
            Assert.Equal(200, (await client.ReadResponseAsync()).Status);
        }
    }

    [Fact]
    public async Task A_filter_that_waited_may_answer_and_the_next_filter_never_sees_the_request()
    {
        var gate = new GateFilter("gate");
        var after = new CountingFilter("after");
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, gate, after);
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\r\nbody");

        await gate.OpenAsync(proxy, await gate.NextAsync(), FilterVerdict.Respond(new LocalReply { Status = 403, Body = "no"u8.ToArray() }));

        var response = await client.ReadResponseAsync();
        Assert.Equal((403, "no"), (response.Status, response.Body));
        Assert.Equal(0, after.Requests);
        Assert.Empty(upstream.Heads);
    }

    [Fact]
    public async Task The_content_of_a_request_waits_with_it_and_arrives_whole()
    {
        var gate = new GateFilter("gate");
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            var request = await peer.ReadRequestAsync();
            await peer.SendAsync($"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n{request!.Body.Length:D6}");
            await peer.WaitForCloseAsync();
        });
        await using var proxy = Start(upstream, gate);
        using var client = await RawClient.ConnectAsync(proxy.Address);
        var sending = client.SendAsync("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 300000\r\n\r\n" + new string('b', 300_000));

        await gate.OpenAsync(proxy, await gate.NextAsync(), FilterVerdict.Continue);

        await sending;
        Assert.Equal("300000", (await client.ReadResponseAsync()).Body);
    }

    [Fact]
    public async Task A_client_that_goes_away_ends_the_wait_and_the_filter_is_told()
    {
        var log = new RecordingLog();
        var gate = new GateFilter("gate");
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, recipe => recipe.AccessLogs.Add(log), gate);
        using (var client = await RawClient.ConnectAsync(proxy.Address))
        {
            await client.SendAsync(Get);
            await gate.NextAsync();
            client.Abort();
        }

        Assert.Equal("0 DC downstream_remote_disconnect", await log.NextAsync());
        Assert.Equal(1, gate.Completed);
        Assert.Empty(upstream.Heads);
        await proxy.EventuallyAsync("http.in.downstream_cx_active", 0);
    }

    [Fact]
    public async Task The_idle_deadline_answers_a_request_whose_filter_never_has_news()
    {
        var clock = new FakeTimeProvider();
        var gate = new GateFilter("gate");
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, recipe =>
        {
            recipe.TimeProvider = clock;
            recipe.Timeouts = recipe.Timeouts with { StreamIdle = TimeSpan.FromSeconds(30) };
        }, gate);
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Get);
        await gate.NextAsync();
        await proxy.SettleAsync();

        clock.Advance(TimeSpan.FromSeconds(31));

        Assert.Equal(504, (await client.ReadResponseAsync()).Status);
        // The client has its answer before the exchange has ended.
        await proxy.SettleAsync();
        Assert.Equal(1, gate.Completed);
        await proxy.EventuallyAsync("http.in.downstream_rq_idle_timeout", 1);
    }

    [Fact]
    public async Task Draining_lets_a_request_that_waits_come_to_its_end_and_closes_then()
    {
        var gate = new GateFilter("gate");
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, gate);
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Get);
        var exchange = await gate.NextAsync();
        var worker = exchange.Connection.Worker;
        await proxy.Engine.Reactors[0].InvokeAsync(worker.BeginDrain);

        await gate.OpenAsync(proxy, exchange, FilterVerdict.Continue);

        var response = await client.ReadResponseAsync();
        Assert.Equal((200, false), (response.Status, response.KeepsAlive));
        Assert.Equal("", await client.ReadToEndAsync());
    }

    [Fact]
    public async Task A_proxy_that_ends_while_a_request_waits_ends_the_wait()
    {
        var gate = new GateFilter("gate");
        await using var upstream = TestUpstream.Answering();
        var proxy = Start(upstream, gate);
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Get);
        await gate.NextAsync();

        await proxy.DisposeAsync();

        Assert.Equal(1, gate.Completed);
    }

    /// <summary>An exchange object serves many listeners and configurations in its life, and has met more filters than it has room for.</summary>
    [Fact]
    public void What_a_filter_keeps_of_an_exchange_stays_to_its_end_whatever_filters_come_behind_it()
    {
        var exchange = new HttpExchange { ReactorIndex = 0 };
        HttpFilter[] filters = [.. Enumerable.Range(0, 3 * HttpExchange.MaxFilterStates).Select(static i => new CountingFilter($"f{i}"))];
        for (int round = 0; round < filters.Length; round++)
        {
            // A chain of an old filter and of new ones, at each place of the table in turn.
            HttpFilter[] chain = [filters[0], filters[round], filters[(round + 1) % filters.Length], filters[(round + 2) % filters.Length]];
            object[] states = [.. chain.Select(exchange.FilterState<object>)];
            Assert.Equal(states, chain.Select(exchange.FilterState<object>), ReferenceEqualityComparer.Instance);
            exchange.End();
        }

        // One chain that is longer than the table.
        object[] all = [.. filters.Select(exchange.FilterState<object>)];
        Assert.Equal(all, filters.Select(exchange.FilterState<object>), ReferenceEqualityComparer.Instance);
    }

    [Fact]
    public async Task A_filter_may_have_the_route_chosen_again_by_what_it_changed()
    {
        var gate = new GateFilter("gate");
        await using var upstream = TestUpstream.Answering();
        await using var other = TestUpstream.Answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nother");
        await using var proxy = Start(upstream, recipe => recipe.DivertTenants(other.Address), gate);
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Get);
        var exchange = await gate.NextAsync();
        gate.BeforeContinue = static one =>
        {
            one.Request.Headers.Set("x-tenant"u8, "other"u8);
            one.IsRouteStale = true;
        };

        await gate.OpenAsync(proxy, exchange, FilterVerdict.Continue);

        Assert.Equal("other", (await client.ReadResponseAsync()).Body);
    }

    private static EngineUnderTest Start(TestUpstream upstream, params HttpFilter[] filters) => Start(upstream, static _ => { }, filters);

    private static EngineUnderTest Start(TestUpstream upstream, Action<EngineRecipe> configure, params HttpFilter[] filters) => EngineUnderTest.Start(recipe =>
    {
        recipe.Cluster("backend", upstream.Address);
        recipe.Filters.AddRange(filters);
        configure(recipe);
    });

    /// <summary>Waits until the test opens it, with the verdict that the test wants.</summary>
    private sealed record GateFilter(string Name) : HttpFilter(Name, "test")
    {
        private readonly System.Threading.Channels.Channel<HttpExchange> _waiting = System.Threading.Channels.Channel.CreateUnbounded<HttpExchange>();
        private readonly ConcurrentDictionary<HttpExchange, FilterVerdict> _verdicts = [];
        private int _completed;
        private int _resumes;

        public override FilterStages Stages => FilterStages.Request | FilterStages.Complete;

        public Action<HttpExchange>? BeforeContinue { get; set; }

        public int Completed => Volatile.Read(ref _completed);

        public int Resumes => Volatile.Read(ref _resumes);

        public ValueTask<HttpExchange> NextAsync() => _waiting.Reader.ReadAsync(TestContext.Current.CancellationToken);

        public Task OpenAsync(EngineUnderTest proxy, HttpExchange exchange, FilterVerdict verdict) => proxy.Engine.Reactors[0].InvokeAsync(() =>
        {
            _verdicts[exchange] = verdict;
            exchange.Signal.Wake();
        });

        public override FilterVerdict OnRequest(HttpExchange exchange)
        {
            _waiting.Writer.TryWrite(exchange);
            return FilterVerdict.Wait;
        }

        public override FilterVerdict OnResume(HttpExchange exchange)
        {
            Interlocked.Increment(ref _resumes);
            if (!_verdicts.TryRemove(exchange, out var verdict)) return FilterVerdict.Wait;
            if (verdict.Kind == FilterVerdictKind.Continue) BeforeContinue?.Invoke(exchange);
            return verdict;
        }

        public override void OnComplete(HttpExchange exchange) => Interlocked.Increment(ref _completed);
    }

    private sealed record CountingFilter(string Name) : HttpFilter(Name, "test")
    {
        private int _requests;

        public override FilterStages Stages => FilterStages.Request;

        public int Requests => Volatile.Read(ref _requests);

        public override FilterVerdict OnRequest(HttpExchange exchange)
        {
            Interlocked.Increment(ref _requests);
            return FilterVerdict.Continue;
        }
    }
}
