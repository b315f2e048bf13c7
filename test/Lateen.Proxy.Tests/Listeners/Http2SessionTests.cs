using Lateen.Http;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Tests.Harness;

namespace Lateen.Proxy.Tests.Listeners;

public sealed class Http2SessionTests
{
    private const int NoError = 0;
    private const int RefusedStream = 7;
    private const int EnhanceYourCalm = 11;

    [Fact]
    public async Task Streams_of_one_connection_are_served_each_for_itself()
    {
        var release = new TaskCompletionSource();
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            while (await peer.ReadRequestAsync() is { } request)
            {
                if (request.Head.StartsWith("POST", StringComparison.Ordinal)) await release.Task;
                await peer.SendAsync(TestUpstream.Hello);
            }
        });
        var log = new RecordingLog();
        await using var proxy = Start(upstream, recipe => recipe.AccessLogs.Add(log));
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address);

        await client.SendBytesAsync(RawHttp2Client.Post(1), RawHttp2Client.Frame(RawFrame.Data, RawFrame.EndStream, 1, "x"u8), RawHttp2Client.Get(3), RawHttp2Client.Get(5));
        Assert.Equal("hello", await client.ReadContentAsync(3));
        release.SetResult();
        Assert.Equal("hello", await client.ReadContentAsync(1));

        Assert.Equal(3, proxy.Registry.Find("http.in.downstream_rq_http2_total"));
        Assert.Equal(1, proxy.Registry.Find("http.in.downstream_cx_http2_total"));
        Assert.Equal(0, proxy.Registry.Find("http.in.downstream_cx_http1_total"));
        Assert.Equal("200 - via_upstream", await log.NextAsync());
    }

    /// <summary>More than may begin in one turn of the reactor: the rest has its turn too, on a connection that says nothing more.</summary>
    [Fact]
    public async Task A_hundred_streams_that_come_at_once_are_all_served()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream);
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address);
        await client.SendBytesAsync([.. Enumerable.Range(1, 100).Select(number => RawHttp2Client.Get((2 * number) + 1))]);

        var answered = new HashSet<int>();
        while (answered.Count < 100)
        {
            answered.Add((await client.ReadAsync(static frame => frame.EndsStream)).Stream);
        }
    }

    /// <summary>Other connections have the processor in between.</summary>
    [Fact]
    public async Task Streams_that_come_at_once_begin_a_few_in_each_turn_of_the_reactor()
    {
        var log = new RecordingLog { Format = static exchange => $"{exchange.Connection.Worker.Reactor.Turn}" };
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.AccessLogs.Add(log);
            recipe.Routes = "{name: test, virtual_hosts: [{name: all, domains: ['*'], routes: [{match: {prefix: /}, direct_response: {status: 204}}]}]}";
        });
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address);
        await client.SendBytesAsync([.. Enumerable.Range(1, 100).Select(number => RawHttp2Client.Get((2 * number) + 1))]);

        var turns = new List<string>();
        while (turns.Count < 100) turns.Add(await log.NextAsync());
        Assert.All(turns.GroupBy(static turn => turn), static turn => Assert.InRange(turn.Count(), 1, 32));
    }

    /// <summary>What waits for its turn when the client is refused is begun and ended all the same: it is counted, logged, and leaves nothing behind.</summary>
    [Fact]
    public async Task A_client_that_is_refused_with_streams_that_have_not_begun_leaves_none_behind()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream);
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address);

        await client.SendBytesAsync([.. Enumerable.Range(0, 90).Select(number => RawHttp2Client.Get((2 * number) + 1)), RawHttp2Client.Frame(RawFrame.Settings, RawFrame.Ack, 0, [1])]);
        await client.ReadAsync(static frame => frame.Type == RawFrame.GoAway);

        await proxy.EventuallyAsync("http.in.downstream_cx_active", 0);
        Assert.Equal(90, proxy.Registry.Find("http.in.downstream_rq_total"));
        Assert.Equal(0, proxy.Registry.Find("http.in.downstream_rq_active"));
    }

    [Fact]
    public async Task Rfc9113_3_3_and_3_4_preface_of_prior_knowledge_is_recognised_however_it_is_cut()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream);
        using var client = await RawHttp2Client.OpenAsync(proxy.Address);

        byte[] opening = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. RawHttp2Client.Frame(RawFrame.Settings, 0, 0, []), .. RawHttp2Client.Get(1)];
        foreach (var one in opening)
        {
            await client.SendBytesAsync([one]);
            await proxy.SettleAsync();
        }

        Assert.Equal("hello", await client.ReadContentAsync(1));
    }

    [Fact]
    public async Task What_only_begins_like_the_preface_is_http1()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream);

        Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, "PRI /x HTTP/1.1\r\nHost: a\r\n\r\n")).Status);
        Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, "P / HTTP/1.1\r\nHost: a\r\n\r\n")).Status);
        Assert.Equal(2, proxy.Registry.Find("http.in.downstream_cx_http1_total"));
    }

    [Fact]
    public async Task A_chain_for_http2_alone_refuses_http1()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, static recipe => recipe.Codec = HttpCodecType.Http2);
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\nmore than the preface has");

        Assert.DoesNotContain("HTTP/1.1", await client.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Empty(upstream.Heads);
    }

    [Fact]
    public async Task More_streams_than_are_allowed_are_refused_and_the_others_served()
    {
        var release = new TaskCompletionSource();
        await using var upstream = AnsweringAfter(release.Task);
        await using var proxy = Start(upstream, static recipe => recipe.Http2 = Http2Options.Default with { MaxConcurrentStreams = 2 });
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address);

        await client.SendBytesAsync(RawHttp2Client.Get(1), RawHttp2Client.Get(3), RawHttp2Client.Get(5));
        var refused = await client.ReadAsync(static frame => frame.Type == RawFrame.Reset);
        Assert.Equal((5, RefusedStream), (refused.Stream, refused.Error));
        release.SetResult();
        var ended = new[] { await client.ReadAsync(static frame => frame.EndsStream), await client.ReadAsync(static frame => frame.EndsStream) };
        Assert.Equal([1, 3], ended.Select(static frame => frame.Stream).Order());
    }

    [Fact]
    public async Task A_drain_is_announced_then_final_and_open_streams_are_served()
    {
        var release = new TaskCompletionSource();
        await using var upstream = AnsweringAfter(release.Task);
        await using var proxy = Start(upstream);
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address);
        await client.SendBytesAsync(RawHttp2Client.Get(1));
        await proxy.EventuallyAsync("http.in.downstream_rq_active", 1);

        proxy.Engine.BeginDrain();

        var notice = await client.ReadAsync(static frame => frame.Type == RawFrame.GoAway);
        Assert.Equal((int.MaxValue, NoError), (notice.LastStream, notice.Error));
        var ping = await client.ReadAsync(static frame => frame.Type == RawFrame.Ping);
        // A stream that was on its way is still served.
        await client.SendBytesAsync(RawHttp2Client.Get(3), RawHttp2Client.Frame(RawFrame.Ping, RawFrame.Ack, 0, ping.Payload));
        var final = await client.ReadAsync(static frame => frame.Type == RawFrame.GoAway);
        Assert.Equal((3, NoError), (final.LastStream, final.Error));
        release.SetResult();
        Assert.Equal(2, (await client.ReadToEndAsync()).Count(static frame => frame.EndsStream));
        await proxy.EventuallyAsync("http.in.downstream_cx_drain_close", 1);
    }

    /// <summary>Some clients answer a GOAWAY with their own, and any may send more than one.</summary>
    [Fact]
    public async Task A_drain_that_is_announced_is_not_begun_again_by_what_the_client_says_of_its_end()
    {
        var release = new TaskCompletionSource();
        await using var upstream = AnsweringAfter(release.Task);
        await using var proxy = Start(upstream);
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address);
        await client.SendBytesAsync(RawHttp2Client.Get(1));
        await proxy.EventuallyAsync("http.in.downstream_rq_active", 1);
        proxy.Engine.BeginDrain();
        await client.ReadAsync(static frame => frame.Type == RawFrame.GoAway);

        var goAway = RawHttp2Client.Frame(RawFrame.GoAway, 0, 0, new byte[8]);
        await client.SendBytesAsync(goAway, goAway, RawHttp2Client.Frame(RawFrame.Ping, 0, 0, new byte[8]));
        await client.ReadAsync(static frame => frame is { Type: RawFrame.Ping, Flags: RawFrame.Ack });
        release.SetResult();
        await client.ReadToEndAsync();

        await proxy.EventuallyAsync("http.in.downstream_cx_active", 0);
        Assert.Equal(1, proxy.Registry.Find("http.in.downstream_cx_drain_close"));
    }

    [Fact]
    public async Task A_request_under_a_connection_whose_client_breaks_the_protocol_is_logged_so()
    {
        await using var upstream = TestUpstream.Serving(static peer => peer.WaitForCloseAsync());
        var log = new RecordingLog();
        await using var proxy = Start(upstream, recipe => recipe.AccessLogs.Add(log));
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address);
        await client.SendBytesAsync(RawHttp2Client.Get(1));
        await proxy.EventuallyAsync("cluster.backend.upstream_rq_active", 1);

        await client.SendBytesAsync(RawHttp2Client.Frame(RawFrame.Data, 0, 3, "idle"u8));

        Assert.StartsWith("0 DPE ", await log.NextAsync());
        await proxy.EventuallyAsync("http.in.downstream_cx_protocol_error", 1);
        await proxy.EventuallyAsync("http.in.downstream_rq_active", 0);
    }

    [Fact]
    public async Task An_idle_connection_is_told_to_go_and_closed()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, static recipe => recipe.Timeouts = new() { Idle = TimeSpan.FromMilliseconds(50) });
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address);
        await client.SendBytesAsync(RawHttp2Client.Get(1));
        Assert.Equal("hello", await client.ReadContentAsync(1));

        var frames = await client.ReadToEndAsync();

        Assert.Equal(1, frames.Last(static frame => frame.Type == RawFrame.GoAway).LastStream);
        await proxy.EventuallyAsync("http.in.downstream_cx_idle_timeout", 1);
        await proxy.EventuallyAsync("http.in.downstream_cx_http2_active", 0);
    }

    [Fact]
    public async Task A_connection_ends_after_the_requests_that_it_may_carry()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, static recipe => recipe.Limits = new() { MaxRequestsPerConnection = 2 });
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address);

        await client.SendBytesAsync(RawHttp2Client.Get(1));
        Assert.Equal("hello", await client.ReadContentAsync(1));
        await client.SendBytesAsync(RawHttp2Client.Get(3));

        var frames = await client.ReadToEndAsync();
        Assert.Contains(frames, static frame => frame is { EndsStream: true, Stream: 3 });
        Assert.Contains(frames, static frame => frame.Type == RawFrame.GoAway);
    }

    [Fact]
    public async Task A_peer_that_answers_no_ping_is_closed()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, static recipe => recipe.Http2 = Http2Options.Default with { KeepAlive = new Http2KeepAlive(20, 50) });
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address);

        var frames = await client.ReadToEndAsync();

        Assert.Contains(frames, static frame => frame is { Type: RawFrame.Ping, Flags: 0 });
        await proxy.EventuallyAsync("http2.keepalive_timeout", 1);
    }

    [Fact]
    public async Task A_client_that_resets_its_streams_at_once_is_closed_and_others_are_served()
    {
        await using var upstream = TestUpstream.Serving(static peer => peer.WaitForCloseAsync());
        await using var healthy = TestUpstream.Answering();
        await using var proxy = Start(upstream, recipe =>
        {
            recipe.Cluster("healthy", healthy.Address);
            recipe.Routes = """
                name: test
                virtual_hosts:
                - name: all
                  domains: ["*"]
                  routes:
                  - match: {prefix: "/well"}
                    route: {cluster: healthy}
                  - match: {prefix: "/"}
                    route: {cluster: backend}
                """;
        });
        using var attacker = await RawHttp2Client.ConnectAsync(proxy.Address);

        var reading = attacker.ReadToEndAsync();
        try
        {
            for (var stream = 1; stream < 100_000; stream += 2)
            {
                await attacker.SendBytesAsync(RawHttp2Client.Get(stream), RawHttp2Client.Frame(RawFrame.Reset, 0, stream, [0, 0, 0, 8]));
            }
        }
        catch (System.Net.Sockets.SocketException)
        {
            // That is the point.
        }

        var goAway = (await reading).LastOrDefault(static frame => frame.Type == RawFrame.GoAway);
        if (goAway is not null) Assert.Equal(EnhanceYourCalm, goAway.Error);
        await proxy.EventuallyAsync("http2.rapid_reset_flood", 1);
        await proxy.EventuallyAsync("http.in.downstream_cx_http2_active", 0);
        await proxy.EventuallyAsync("http.in.downstream_rq_active", 0);
        Assert.True(proxy.Registry.Find("http.in.downstream_rq_total") < 1000);
        Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, "GET /well HTTP/1.1\r\nHost: a\r\n\r\n")).Status);
        Assert.InRange(await proxy.Engine.Reactors[0].InvokeAsync(() => proxy.Engine.Reactors[0].Buffers.ReservedBytes), 0, 16 * 1024 * 1024);
    }

    [Fact]
    public async Task A_client_that_does_not_read_holds_up_itself_and_nobody_else()
    {
        var body = new string('x', 10_000_000);
        await using var upstream = TestUpstream.Answering($"HTTP/1.1 200 OK\r\ncontent-length: {body.Length}\r\n\r\n{body}");
        await using var proxy = Start(upstream);
        // It opens its windows as far as they go and then does not read.
        using var slow = await RawHttp2Client.ConnectAsync(proxy.Address, (4, int.MaxValue));
        await slow.SendBytesAsync(RawHttp2Client.Frame(RawFrame.WindowUpdate, 0, 0, [0x7F, 0xFE, 0, 0]), RawHttp2Client.Get(1), RawHttp2Client.Get(3));
        await proxy.EventuallyAsync("http.in.downstream_rq_active", 2);
        await proxy.SettleAsync();

        using var other = await RawHttp2Client.ConnectAsync(proxy.Address, (4, int.MaxValue));
        await other.SendBytesAsync(RawHttp2Client.Frame(RawFrame.WindowUpdate, 0, 0, [0x7F, 0xFE, 0, 0]), RawHttp2Client.Get(1));
        Assert.Equal(body.Length, (await other.ReadContentAsync(1)).Length);

        // What is not read waits at the server, not here.
        var reserved = await proxy.Engine.Reactors[0].InvokeAsync(() => proxy.Engine.Reactors[0].Buffers.RentedBytes);
        Assert.InRange(reserved, 0, 1024 * 1024);
        Assert.Equal(2, proxy.Registry.Find("http.in.downstream_rq_active"));
        Assert.Equal(body.Length, (await slow.ReadContentAsync(1)).Length);
    }

    [Fact]
    public async Task A_small_window_passes_a_large_response_piece_by_piece()
    {
        var body = new string('x', 50_000);
        await using var upstream = TestUpstream.Answering($"HTTP/1.1 200 OK\r\ncontent-length: {body.Length}\r\n\r\n{body}");
        await using var proxy = Start(upstream);
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address, (4, 1000));
        await client.SendBytesAsync(RawHttp2Client.Get(1));

        var received = 0;
        while (received < body.Length)
        {
            var frame = await client.ReadAsync(static one => one is { Type: RawFrame.Data, Stream: 1 });
            Assert.InRange(frame.Payload.Length, 1, 1000);
            received += frame.Payload.Length;
            await client.SendAsync(RawFrame.WindowUpdate, 0, 1, [0, 0, (byte)(frame.Payload.Length >> 8), (byte)frame.Payload.Length]);
        }
    }

    [Fact]
    public async Task Random_bytes_after_the_preface_cost_the_connection_and_nothing_else()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream);
        for (var seed = 0; seed < 50; seed++)
        {
            using var client = await RawHttp2Client.ConnectAsync(proxy.Address);
            var junk = new byte[4096];
            new Random(seed).NextBytes(junk);
            try
            {
                await client.SendBytesAsync(RawHttp2Client.Get(1), junk);
                await client.ReadToEndAsync();
            }
            catch (System.Net.Sockets.SocketException)
            {
                // Closed while we were sending.
            }
        }

        await proxy.EventuallyAsync("http.in.downstream_cx_http2_active", 0);
        await proxy.EventuallyAsync("http.in.downstream_rq_active", 0);
        Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).Status);
    }

    /// <summary>Keeps each request until then.</summary>
    private static TestUpstream AnsweringAfter(Task release) => TestUpstream.Serving(async peer =>
    {
        while (await peer.ReadRequestAsync() is not null)
        {
            await release;
            await peer.SendAsync(TestUpstream.Hello);
        }
    });

    private static EngineUnderTest Start(TestUpstream upstream, Action<EngineRecipe>? configure = null) => EngineUnderTest.Start(recipe =>
    {
        recipe.Cluster("backend", upstream.Address);
        configure?.Invoke(recipe);
    });
}
