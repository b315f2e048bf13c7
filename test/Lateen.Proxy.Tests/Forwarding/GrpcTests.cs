using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Grpc.Core;
using Grpc.Net.Client;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Filters.Grpc;
using Lateen.Proxy.Tests.Harness;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lateen.Proxy.Tests.Forwarding;

public sealed class GrpcTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(20_000)]
    [InlineData(4 * 1024 * 1024)]
    public async Task A_unary_call_passes_with_its_trailers_whatever_its_size(int size)
    {
        await using var mesh = await Mesh.StartAsync();
        var message = new byte[size];
        new Random(size).NextBytes(message);
        if (size > 0) message[0] = (byte)'m';

        using var call = mesh.Invoker.AsyncUnaryCall(BytesService.Unary, null, new CallOptions(), message);

        Assert.Equal(message, await call.ResponseAsync);
        Assert.Equal("trailer", call.GetTrailers().GetValue("x-own"));
    }

    [Fact]
    public async Task Client_streaming_server_streaming_and_both_at_once_pass()
    {
        await using var mesh = await Mesh.StartAsync();

        using (var collect = mesh.Invoker.AsyncClientStreamingCall(BytesService.Collect, null, new CallOptions()))
        {
            for (byte i = 0; i < 10; i++) await collect.RequestStream.WriteAsync([i], TestContext.Current.CancellationToken);
            await collect.RequestStream.CompleteAsync();
            Assert.Equal(new byte[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 }, await collect.ResponseAsync);
        }

        using (var repeat = mesh.Invoker.AsyncServerStreamingCall(BytesService.Repeat, null, new CallOptions(), "x"u8.ToArray()))
        {
            var count = 0;
            await foreach (var message in repeat.ResponseStream.ReadAllAsync(TestContext.Current.CancellationToken)) Assert.Equal(new byte[] { (byte)count++, (byte)'x' }, message);
            Assert.Equal(10, count);
        }

        // The next message is sent only after the answer to the last one: nothing may be held back.
        using var echo = mesh.Invoker.AsyncDuplexStreamingCall(BytesService.Echo, null, new CallOptions());
        for (byte i = 0; i < 20; i++)
        {
            await echo.RequestStream.WriteAsync([i, i], TestContext.Current.CancellationToken);
            Assert.True(await echo.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
            Assert.Equal(new[] { i, i }, echo.ResponseStream.Current);
        }

        await echo.RequestStream.CompleteAsync();
        Assert.False(await echo.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_status_of_the_server_passes_with_its_message_and_is_logged()
    {
        var log = new RecordingLog { Format = static exchange => $"{exchange.Record.ResponseStatus} {exchange.Record.GrpcStatus}" };
        await using var mesh = await Mesh.StartAsync(recipe => recipe.AccessLogs.Add(log));

        var failure = await Assert.ThrowsAsync<RpcException>(() => mesh.UnaryAsync("7"));

        Assert.Equal((StatusCode.PermissionDenied, "as asked: 100% ü"), (failure.StatusCode, failure.Status.Detail));
        Assert.Equal("200 7", await log.NextAsync());
    }

    [Fact]
    public async Task What_the_proxy_says_itself_is_a_grpc_status()
    {
        await using var mesh = await Mesh.StartAsync(recipe => recipe.Routes = """
            name: test
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: "/test.Bytes/Unary"}
                direct_response: {status: 429, body: {inline_string: "slow\ndown"}}
            """);

        var limited = await Assert.ThrowsAsync<RpcException>(() => mesh.UnaryAsync("m"));
        Assert.Equal((StatusCode.Unavailable, "slow\ndown"), (limited.StatusCode, limited.Status.Detail));
        using var lost = mesh.Invoker.AsyncServerStreamingCall(BytesService.Repeat, null, new CallOptions(), []);
        var noRoute = await Assert.ThrowsAsync<RpcException>(() => lost.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        Assert.Equal(StatusCode.Unimplemented, noRoute.StatusCode);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_unavailable()
    {
        await using var mesh = await Mesh.StartAsync(recipe =>
        {
            recipe.Clusters.Clear();
            recipe.Cluster("backend", TestUpstream.NobodyThere()).Protocol = UpstreamProtocol.Http2;
        });

        var failure = await Assert.ThrowsAsync<RpcException>(() => mesh.UnaryAsync("m"));

        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
        Assert.Contains("Connection refused", failure.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_deadline_reaches_the_server_and_ends_the_call_there()
    {
        await using var mesh = await Mesh.StartAsync();

        var failure = await Assert.ThrowsAsync<RpcException>(() => mesh.UnaryAsync("w", new CallOptions(deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddMilliseconds(300))));

        Assert.Equal(StatusCode.DeadlineExceeded, failure.StatusCode);
        await mesh.Service.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.NotEqual(DateTime.MaxValue, mesh.Service.Deadline);
    }

    [Fact]
    public async Task The_proxy_keeps_a_deadline_for_a_client_that_does_not()
    {
        await using var mesh = await Mesh.StartAsync(recipe => recipe.Routes = recipe.Routes.Replace(
            "{cluster: backend}", "{cluster: backend, timeout: 0s, max_stream_duration: {grpc_timeout_header_max: 0.2s}}", StringComparison.Ordinal));

        // Sent by hand: Grpc.Net would end the call itself.
        using var request = mesh.Request("/test.Bytes/Unary", "application/grpc", Frame("w"u8));
        request.Headers.Add("grpc-timeout", "1H");
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        using var response = await mesh.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("4", response.Headers.GetValues("grpc-status").Single());
        await mesh.Service.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_cancelled_call_is_cancelled_at_the_server()
    {
        var log = new RecordingLog();
        await using var mesh = await Mesh.StartAsync(recipe => recipe.AccessLogs.Add(log));
        using var cancellation = new CancellationTokenSource();
        var call = mesh.UnaryAsync("w", new CallOptions(cancellationToken: cancellation.Token));
        await mesh.Service.Waiting.Task.WaitAsync(TestContext.Current.CancellationToken);

        await cancellation.CancelAsync();

        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => call)).StatusCode);
        await mesh.Service.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal("0 DR http2.remote_reset", await log.NextAsync());
    }

    [Fact]
    public async Task Retries_follow_the_grpc_status()
    {
        await using var mesh = await Mesh.StartAsync(recipe => recipe.Routes = recipe.Routes.Replace(
            "{cluster: backend}",
            "{cluster: backend, retry_policy: {retry_on: unavailable, num_retries: 3, retry_back_off: {base_interval: 0.001s}}}", StringComparison.Ordinal));
        mesh.Service.Failures = 3;

        Assert.Equal("m", await mesh.UnaryAsync("m"));

        mesh.Service.Failures = 4;
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => mesh.UnaryAsync("m"))).StatusCode);
        Assert.Equal(6, mesh.Proxy.Registry.Find("cluster.backend.upstream_rq_retry"));
    }

    [Fact]
    public async Task Messages_are_counted_both_ways()
    {
        var log = new RecordingLog { Format = static exchange => $"{exchange.Record.RequestMessages} {exchange.Record.ResponseMessages}" };
        await using var mesh = await Mesh.StartAsync(recipe =>
        {
            recipe.Filters.Add(new GrpcStatsFilter("stats", ""));
            recipe.AccessLogs.Add(log);
        });
        using (var repeat = mesh.Invoker.AsyncServerStreamingCall(BytesService.Repeat, null, new CallOptions(), new byte[100_000]))
        {
            await foreach (var _ in repeat.ResponseStream.ReadAllAsync(TestContext.Current.CancellationToken))
            {
            }
        }

        Assert.Equal("1 10", await log.NextAsync());
        await mesh.Proxy.EventuallyAsync("cluster.backend.grpc.response_message_count", 10);
        Assert.Equal(1, mesh.Proxy.Registry.Find("cluster.backend.grpc.success"));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(false, 2)]
    [InlineData(true, 1)]
    [InlineData(true, 2)]
    public async Task A_grpc_web_call_is_answered_as_grpc_web(bool isText, int version)
    {
        await using var mesh = await Mesh.StartAsync(recipe => recipe.Filters.Add(new GrpcWebFilter("web", "")));
        var message = Encoding.ASCII.GetBytes(new string('m', 10_001));
        var sent = Frame(message);
        var type = isText ? "application/grpc-web-text" : "application/grpc-web+proto";
        // Each message may be padded for itself.
        using var request = mesh.Request("/test.Bytes/Unary", type, isText ? Encoding.ASCII.GetBytes(Convert.ToBase64String(sent[..7]) + Convert.ToBase64String(sent[7..])) : sent);
        request.Version = version == 1 ? HttpVersion.Version11 : HttpVersion.Version20;
        request.Headers.TryAddWithoutValidation("accept", type);

        using var response = await mesh.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(isText ? "application/grpc-web-text+proto" : "application/grpc-web+proto", response.Content.Headers.ContentType!.MediaType);
        var content = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        if (isText) content = Convert.FromBase64String(Encoding.ASCII.GetString(content));
        Assert.Equal(sent, content[..sent.Length]);
        var trailers = content.AsSpan(sent.Length);
        Assert.Equal(0x80, trailers[0]);
        Assert.Equal(trailers.Length - 5, BinaryPrimitives.ReadInt32BigEndian(trailers[1..]));
        Assert.Contains("grpc-status:0\r\n", Encoding.ASCII.GetString(trailers[5..]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Grpc_web_text_that_is_no_base64_is_refused()
    {
        await using var mesh = await Mesh.StartAsync(recipe => recipe.Filters.Add(new GrpcWebFilter("web", "")));
        using var request = mesh.Request("/test.Bytes/Unary", "application/grpc-web-text", "!!!!"u8.ToArray());

        using var response = await mesh.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal("application/grpc-web+proto", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("13", response.Headers.GetValues("grpc-status").Single());
    }

    private static byte[] Frame(ReadOnlySpan<byte> message)
    {
        var frame = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame.AsSpan(5));
        return frame;
    }

    private sealed class Mesh : IAsyncDisposable
    {
        private readonly KestrelUpstream _upstream;
        private readonly GrpcChannel _channel;

        private Mesh(KestrelUpstream upstream, EngineUnderTest proxy, BytesService service)
        {
            _upstream = upstream;
            Proxy = proxy;
            Service = service;
            _channel = GrpcChannel.ForAddress($"http://{proxy.Address}", new GrpcChannelOptions { MaxReceiveMessageSize = null });
            Invoker = _channel.CreateCallInvoker();
        }

        public EngineUnderTest Proxy { get; }

        public BytesService Service { get; }

        public CallInvoker Invoker { get; }

        public HttpClient Http { get; } = new();

        public static async Task<Mesh> StartAsync(Action<EngineRecipe>? configure = null)
        {
            var service = new BytesService();
            var upstream = await KestrelUpstream.StartAsync(HttpProtocols.Http2, BytesService.MapIn, service.AddTo);
            var proxy = EngineUnderTest.Start(recipe =>
            {
                recipe.Cluster("backend", upstream.Address).Protocol = UpstreamProtocol.Http2;
                configure?.Invoke(recipe);
            });
            return new Mesh(upstream, proxy, service);
        }

        public async Task<string> UnaryAsync(string message, CallOptions options = default)
        {
            using var call = Invoker.AsyncUnaryCall(BytesService.Unary, null, options, Encoding.UTF8.GetBytes(message));
            return Encoding.UTF8.GetString(await call.ResponseAsync);
        }

        public HttpRequestMessage Request(string path, string type, byte[] content)
        {
            var request = new HttpRequestMessage(HttpMethod.Post, $"http://{Proxy.Address}{path}")
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = new ByteArrayContent(content),
            };
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
            return request;
        }

        public async ValueTask DisposeAsync()
        {
            _channel.Dispose();
            Http.Dispose();
            await Proxy.DisposeAsync();
            await _upstream.DisposeAsync();
        }
    }
}
