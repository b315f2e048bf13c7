using Lateen.Proxy.Configuration;
using Lateen.Proxy.Tests.Harness;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Proxy.Tests.Adversarial;

/// <summary>
/// Clients that hold on to what they were given: heads that are never complete, responses that are never taken. With timeouts, and without any, as Istio
/// configures its connection managers.
/// </summary>
public sealed class HoldingClientTests
{
    private const int EnhanceYourCalm = 11;
    private static readonly HttpTimeouts AsTranslated = new() { StreamIdle = null };

    private const string Untimed = """
        name: test
        virtual_hosts:
        - name: all
          domains: ["*"]
          routes:
          - match: {prefix: "/"}
            route: {cluster: backend, timeout: 0s}
        """;

    private readonly FakeTimeProvider _clock = new();

    [Theory(Timeout = 60_000)]
    [InlineData(2)] // request_headers_timeout
    [InlineData(0)] // None, as in translated configuration: a minute.
    public async Task A_field_block_that_does_not_come_in_time_is_408_and_the_end_of_the_connection(int seconds)
    {
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.TimeProvider = _clock;
            recipe.Timeouts = AsTranslated with { RequestHeaders = seconds > 0 ? TimeSpan.FromSeconds(seconds) : null };
        });
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address);
        await client.SendBytesAsync(RawHttp2Client.Frame(RawFrame.Settings, RawFrame.Ack, 0, []), RawHttp2Client.Frame(RawFrame.Headers, RawFrame.EndStream, 1, [0x82, 0x86]));
        await proxy.EventuallyAsync("http.in.downstream_cx_http2_active", 1);
        await proxy.SettleAsync();

        _clock.Advance(TimeSpan.FromSeconds(seconds > 0 ? seconds : 60) + TimeSpan.FromSeconds(1));
        var frames = await client.ReadToEndAsync();

        var answer = Assert.Single(frames, static frame => frame.Type == RawFrame.Headers);
        Assert.True(answer is { Stream: 1, EndsStream: true });
        Assert.Equal("408", System.Text.Encoding.ASCII.GetString(answer.Payload[^3..]));
        var goAway = Assert.Single(frames, static frame => frame.Type == RawFrame.GoAway);
        Assert.Equal((1, 0), (goAway.LastStream, goAway.Error));
        await proxy.EventuallyAsync("http.in.downstream_rq_header_timeout", 1);
        client.Dispose();
        await proxy.EventuallyAsync("http.in.downstream_cx_http2_active", 0);
        Assert.Equal(0, proxy.Registry.Find("http.in.downstream_cx_protocol_error") ?? 0);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_head_of_http1_that_does_not_come_is_408_after_a_minute_where_no_timeout_is_configured()
    {
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.TimeProvider = _clock;
            recipe.Timeouts = AsTranslated;
        });
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync("GET / HTTP/1.1\r\nHo");
        await proxy.EventuallyAsync("http.in.downstream_cx_active", 1);
        await proxy.SettleAsync();

        _clock.Advance(TimeSpan.FromSeconds(61));

        Assert.Equal(408, (await client.ReadResponseAsync()).Status);
        await proxy.EventuallyAsync("http.in.downstream_rq_header_timeout", 1);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(0)] // None: five minutes.
    [InlineData(30)] // stream_idle_timeout
    public async Task A_stream_whose_client_opens_no_window_is_reset_and_its_connection_goes_on(int seconds)
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.TimeProvider = _clock;
            recipe.Timeouts = AsTranslated with { StreamIdle = seconds > 0 ? TimeSpan.FromSeconds(seconds) : null };
            recipe.Cluster("backend", upstream.Address);
            recipe.Routes = Untimed;
        });
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address, (4, 0));
        await client.SendBytesAsync(RawHttp2Client.Frame(RawFrame.Settings, RawFrame.Ack, 0, []), RawHttp2Client.Get(1));
        await client.ReadAsync(static frame => frame.Type == RawFrame.Headers);
        await proxy.SettleAsync();

        _clock.Advance(TimeSpan.FromSeconds((seconds > 0 ? seconds : 300) - 1));
        await proxy.SettleAsync();
        Assert.Equal(1, proxy.Registry.Find("http.in.downstream_rq_active"));
        _clock.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(1, (await client.ReadAsync(static frame => frame.Type == RawFrame.Reset)).Stream);
        await proxy.EventuallyAsync("http2.tx_flush_timeout", 1);
        await proxy.EventuallyAsync("http.in.downstream_rq_idle_timeout", 1);
        await client.SendBytesAsync(RawHttp2Client.Get(3), RawHttp2Client.Frame(RawFrame.WindowUpdate, 0, 3, [0, 0, 0, 100]));
        Assert.Equal("hello", await client.ReadContentAsync(3));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_client_of_http1_that_takes_nothing_is_closed_where_no_timeout_is_configured()
    {
        var body = new string('x', 30_000_000);
        await using var upstream = TestUpstream.Answering($"HTTP/1.1 200 OK\r\ncontent-length: {body.Length}\r\n\r\n{body}");
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.TimeProvider = _clock;
            recipe.Timeouts = AsTranslated;
            recipe.Cluster("backend", upstream.Address);
            recipe.Routes = Untimed;
        });
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        await proxy.EventuallyAsync("http.in.downstream_rq_active", 1);

        // What the kernel takes is taken at its own pace, and each piece begins the time anew.
        for (var i = 0; proxy.Registry.Find("http.in.downstream_rq_idle_timeout") is null or 0; i++)
        {
            Assert.InRange(i, 0, 10_000);
            await proxy.SettleAsync();
            _clock.Advance(TimeSpan.FromSeconds(100));
        }

        await proxy.EventuallyAsync("http.in.downstream_cx_active", 0);
        Assert.Equal(0, proxy.Registry.Find("http2.tx_flush_timeout") ?? 0);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_client_that_lets_ten_streams_wait_for_windows_is_closed_at_the_edge()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, isEdge: true);
        using var client = await WaitOnAsync(proxy, streams: 10);

        _clock.Advance(TimeSpan.FromSeconds(21));
        var frames = await client.ReadToEndAsync();

        Assert.Equal(EnhanceYourCalm, frames.Last(static frame => frame.Type == RawFrame.GoAway).Error);
        await proxy.EventuallyAsync("http2.slow_reader_flood", 1);
        await proxy.EventuallyAsync("http.in.downstream_rq_active", 0);
        await proxy.EventuallyAsync("http.in.downstream_cx_active", 0);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(true, 9)]
    [InlineData(false, 10)] // A proxy before us carries the streams of many clients.
    public async Task Few_streams_and_those_of_a_proxy_may_wait_longer(bool isEdge, int streams)
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, isEdge);
        using var client = await WaitOnAsync(proxy, streams);

        _clock.Advance(TimeSpan.FromSeconds(250));
        await proxy.SettleAsync();

        Assert.Equal(streams, proxy.Registry.Find("http.in.downstream_rq_active"));
        await client.SendBytesAsync(RawHttp2Client.Frame(RawFrame.WindowUpdate, 0, 1, [0, 0, 0, 100]));
        Assert.Equal("hello", await client.ReadContentAsync(1));
    }

    private EngineUnderTest Start(TestUpstream upstream, bool isEdge) => EngineUnderTest.Start(recipe =>
    {
        recipe.TimeProvider = _clock;
        recipe.Timeouts = AsTranslated;
        recipe.Routes = Untimed;
        recipe.ClientAddress = new() { UseRemoteAddress = isEdge };
        recipe.Cluster("backend", upstream.Address);
    });

    /// <summary>A client whose streams have their heads and no window for the content.</summary>
    private static async Task<RawHttp2Client> WaitOnAsync(EngineUnderTest proxy, int streams)
    {
        var client = await RawHttp2Client.ConnectAsync(proxy.Address, (4, 0));
        await client.SendBytesAsync(RawHttp2Client.Frame(RawFrame.Settings, RawFrame.Ack, 0, []));
        await client.SendBytesAsync([.. Enumerable.Range(0, streams).Select(static i => RawHttp2Client.Get((2 * i) + 1))]);
        for (var i = 0; i < streams; i++) await client.ReadAsync(static frame => frame.Type == RawFrame.Headers);
        await proxy.SettleAsync();
        return client;
    }
}
