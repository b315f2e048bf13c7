using System.Buffers.Binary;
using System.Text;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Tests.Harness;

namespace Lateen.Proxy.Tests.Adversarial;

/// <summary>A server of HTTP/2 that floods the proxy, or ends its streams in one of the ways that RFC 9113 has for that.</summary>
public sealed class HostileHttp2UpstreamTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    private const int Continuation = 9;
    private const int Unknown = 0xbe;
    private static readonly byte[] Settings = RawHttp2Client.Frame(RawFrame.Settings, 0, 0, []);
    private static readonly byte[] Acknowledgement = RawHttp2Client.Frame(RawFrame.Settings, RawFrame.Ack, 0, []);

    public static TheoryData<string, byte[]> Floods => new()
    {
        { "settings_flood", Many(100, Settings, RawHttp2Client.Frame(Unknown, 0, 0, "x"u8)) },
        { "initial_window_flood", Many(20, InitialWindow(0), InitialWindow(65_535)) },
        { "ping_flood", Many(1100, RawHttp2Client.Frame(RawFrame.Ping, RawFrame.Ack, 0, new byte[8])) },
        { "unknown_frames_flood", Many(1100, RawHttp2Client.Frame(Unknown, 0, 0, "x"u8)) },
        { "inbound_window_update_frames_flood", Many(100, RawHttp2Client.Frame(RawFrame.WindowUpdate, 0, 0, [0, 0, 0, 1])) },
        { "goaway_flood", Many(11, RawHttp2Client.Frame(RawFrame.GoAway, 0, 0, [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])) },
        { "continuation_flood", [.. RawHttp2Client.Frame(RawFrame.Headers, 0, 1, [0x88]), .. Many(10, RawHttp2Client.Frame(Continuation, 0, 1, [0, 1, (byte)'a', 0]))] },
        { "inbound_empty_frames_flood", [.. RawHttp2Client.Frame(RawFrame.Headers, RawFrame.EndHeaders, 1, [0x88]), .. Many(10, RawHttp2Client.Frame(RawFrame.Data, 0, 1, []))] },
    };

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Floods))]
    public async Task A_server_that_floods_is_left_and_counted_and_the_next_request_is_served(string counter, byte[] flood)
    {
        await using var server = Serving(async (peer, stream) =>
        {
            if (peer.Number > 1) return Headers(stream);
            await peer.SendAsync(Encoding.Latin1.GetString(flood));
            return [];
        });
        await using var proxy = Start(server);

        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        var answer = await client.ReadToEndAsync();
        // One whose head had come is broken off, so that nobody takes it for a whole one, and not answered.
        var isBroken = counter == "inbound_empty_frames_flood" && !answer.EndsWith("0\r\n\r\n", StringComparison.Ordinal);
        Assert.True(isBroken || answer.StartsWith("HTTP/1.1 50", StringComparison.Ordinal), answer);
        await proxy.EventuallyAsync($"cluster.backend.http2.{counter}", 1);
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_protocol_error", 1);
        Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status);
        Assert.Equal(2, server.Connections);
    }

    [Fact(Timeout = 60_000)]
    public async Task Rfc9113_8_1_response_stands_when_the_server_wants_no_more_of_the_request()
    {
        await using var server = Serving(static (_, stream) => Task.FromResult<byte[]>(
        [
            .. RawHttp2Client.Frame(RawFrame.Headers, RawFrame.EndHeaders, stream, [0x88]), .. RawHttp2Client.Frame(RawFrame.Data, RawFrame.EndStream, stream, "enough"u8),
            .. RawHttp2Client.Frame(RawFrame.Reset, 0, stream, [0, 0, 0, 0]),
        ]));
        await using var proxy = Start(server);
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nthe beginning");
        var answer = await client.ReadResponseAsync();

        Assert.Equal((200, "enough"), (answer.Status, answer.Body));
    }

    [Theory(Timeout = 60_000)]
    [InlineData(7, 200)] // REFUSED_STREAM: not processed, so it may be repeated though a POST may not.
    [InlineData(8, 503)] // CANCEL: nobody knows.
    public async Task Rfc9113_8_7_request_is_repeated_only_when_the_server_has_not_processed_it(byte error, int status)
    {
        var streams = 0;
        await using var server = Serving((_, stream) => Task.FromResult(
            Interlocked.Increment(ref streams) > 1 ? Headers(stream) : RawHttp2Client.Frame(RawFrame.Reset, 0, stream, [0, 0, 0, error])));
        await using var proxy = Start(server, recipe => recipe.Routes = recipe.Routes.Replace(
            "{cluster: backend}", "{cluster: backend, retry_policy: {retry_on: refused-stream}}", StringComparison.Ordinal));

        var answer = await RawClient.ExchangeAsync(proxy.Address, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nonce");

        Assert.Equal(status, answer.Status);
        Assert.Equal(status == 200 ? 2 : 1, streams);
    }

    private static byte[] Headers(int stream) => RawHttp2Client.Frame(RawFrame.Headers, RawFrame.EndHeaders | RawFrame.EndStream, stream, [0x88]);

    private static byte[] InitialWindow(int octets)
    {
        byte[] entry = [0, 4, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(entry.AsSpan(2), octets);
        return RawHttp2Client.Frame(RawFrame.Settings, 0, 0, entry);
    }

    private static byte[] Many(int count, params byte[][] frames) => [.. Enumerable.Repeat(frames, count).SelectMany(static one => one).SelectMany(static frame => frame)];

    /// <summary>A server that reads requests and sends for each what the test says.</summary>
    private static TestUpstream Serving(Func<UpstreamPeer, int, Task<byte[]>> answer) => TestUpstream.Serving(async peer =>
    {
        await peer.ReadExactlyAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".Length);
        await peer.SendAsync(Encoding.Latin1.GetString([.. Settings, .. Acknowledgement]));
        while (true)
        {
            var head = Encoding.Latin1.GetBytes(await peer.ReadExactlyAsync(9));
            await peer.ReadExactlyAsync((head[0] << 16) | (head[1] << 8) | head[2]);
            if (head[3] != RawFrame.Headers) continue;
            await peer.SendAsync(Encoding.Latin1.GetString(await answer(peer, BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)))));
        }
    });

    private static EngineUnderTest Start(TestUpstream server, Action<EngineRecipe>? configure = null) => EngineUnderTest.Start(recipe =>
    {
        recipe.Cluster("backend", server.Address).Protocol = UpstreamProtocol.Http2;
        configure?.Invoke(recipe);
    });
}
