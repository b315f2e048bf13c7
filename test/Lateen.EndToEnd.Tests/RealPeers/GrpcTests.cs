using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Lateen.EndToEnd.Tests.RealPeers.Wire;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>
/// Grpc.Net.Client to Grpc.AspNetCore: routed by the ingress without TLS and with it, through a TCP port of the ingress, and through the callers' own sidecar,
/// whose port declares nothing. The server's port has no protocol in its name, so its sidecar finds out each time.
/// </summary>
[Collection(PeerTests.Name)]
public sealed class GrpcTests(PeerMesh mesh)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Ways => ["http", "https", "tcp-calls", "own-calls"];

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Ways))]
    public async Task A_unary_call_brings_message_and_trailers(string way)
    {
        using var channel = Channel(way);
        using var call = Client(channel).SayAsync(new Note { Text = "hello" }, Options(new Metadata { { "x-note", "kept" } }));
        var answer = await call;

        Assert.Equal("hello", answer.Text);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
        Assert.Equal("kept", call.GetTrailers().GetValue("x-note"));
    }

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Ways))]
    public async Task A_client_stream_is_gathered(string way)
    {
        using var channel = Channel(way);
        using var call = Client(channel).Gather(Options());
        for (var number = 0; number < 5; number++)
        {
            await call.RequestStream.WriteAsync(new Note { Text = $"{number}", Load = ByteString.CopyFrom(new byte[10_000]) }, Cancel);
        }

        await call.RequestStream.CompleteAsync();
        Assert.Equal("01234:50000", (await call).Text);
    }

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Ways))]
    public async Task A_server_stream_arrives_in_order(string way)
    {
        using var channel = Channel(way);
        using var call = Client(channel).Count(new CountRequest { Count = 200 }, Options());
        var seen = 0;
        await foreach (var note in call.ResponseStream.ReadAllAsync(Cancel))
        {
            Assert.Equal($"{seen}", note.Text);
            Assert.Equal(seen++, note.Load.Length);
        }

        Assert.Equal(200, seen);
    }

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Ways))]
    public async Task Both_directions_talk_in_turns(string way)
    {
        using var channel = Channel(way);
        using var call = Client(channel).Chat(Options());
        // Each message waits for the answer to the one before: a proxy that held back either direction would stop here.
        for (var turn = 0; turn < 20; turn++)
        {
            await call.RequestStream.WriteAsync(new Note { Text = $"{turn}" }, Cancel);
            Assert.True(await call.ResponseStream.MoveNext(Cancel));
            Assert.Equal($"{turn}", call.ResponseStream.Current.Text);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(Cancel));
    }

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Ways))]
    public async Task A_deadline_ends_the_call_at_both_ends(string way)
    {
        using var channel = Channel(way);
        var deadline = TimeProvider.System.GetUtcNow().UtcDateTime + TimeSpan.FromMilliseconds(300);
        var failure = await Assert.ThrowsAsync<RpcException>(() => Client(channel).WaitAsync(new Note(), new CallOptions(deadline: deadline)).ResponseAsync);

        Assert.Equal(StatusCode.DeadlineExceeded, failure.StatusCode);
        await mesh.Calls.Service.CallerGaveUpAsync(Cancel);
    }

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Ways))]
    public async Task A_cancelled_call_is_cancelled_at_the_server(string way)
    {
        using var channel = Channel(way);
        using var giveUp = new CancellationTokenSource();
        var call = Client(channel).WaitAsync(new Note(), Options().WithCancellationToken(giveUp.Token)).ResponseAsync;
        // The server is in the call once it answers another one on the same connection.
        await Client(channel).SayAsync(new Note(), Options());
        await giveUp.CancelAsync();

        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => call)).StatusCode);
        await mesh.Calls.Service.CallerGaveUpAsync(Cancel);
    }

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Ways))]
    public async Task An_error_of_trailers_alone_keeps_its_code_and_text(string way)
    {
        using var channel = Channel(way);
        var failure = await Assert.ThrowsAsync<RpcException>(
            () => Client(channel).FailAsync(new Failure { Code = (int)StatusCode.FailedPrecondition, Text = "not before four bells: ½" }, Options()).ResponseAsync);

        Assert.Equal(StatusCode.FailedPrecondition, failure.StatusCode);
        Assert.Equal("not before four bells: ½", failure.Status.Detail);
    }

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Ways))]
    public async Task Messages_of_4_MB_pass_both_ways(string way)
    {
        using var channel = Channel(way);
        var load = new byte[4 << 20];
        new Random(4).NextBytes(load);
        var answer = await Client(channel).SayAsync(new Note { Load = ByteString.CopyFrom(load) }, Options());

        Assert.True(answer.Load.Span.SequenceEqual(load));
    }

    [Theory(Timeout = 60_000)]
    [InlineData("http")]
    [InlineData("https")]
    public async Task A_call_that_the_proxy_cannot_pass_on_fails_with_a_status_of_gRPC(string way)
    {
        using var channel = Channel(way);
        var method = new Method<Note, Note>(MethodType.Unary, "peers.Nobody", "Call", Marshaller, Marshaller);
        var failure = await Assert.ThrowsAsync<RpcException>(
            () => channel.CreateCallInvoker().AsyncUnaryCall(method, null, Options(), new Note()).ResponseAsync);

        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
        Assert.Contains("upstream connect error", failure.Status.Detail, StringComparison.Ordinal);
    }

    private static Marshaller<Note> Marshaller { get; } = Marshallers.Create(note => note.ToByteArray(), Note.Parser.ParseFrom);

    private GrpcChannel Channel(string way) => GrpcChannel.ForAddress(
        way == "https" ? mesh.Https("/") : new Uri($"http://127.0.0.1:{mesh.Port(way)}/"),
        new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { UseProxy = false, SslOptions = mesh.Authority.Trusting },
            DisposeHttpClient = true,
            MaxReceiveMessageSize = null,
            MaxSendMessageSize = null,
            HttpVersion = HttpVersion.Version20,
        });

    private static Echo.EchoClient Client(GrpcChannel channel) => new(channel);

    private static CallOptions Options(Metadata? headers = null) =>
        new(headers, TimeProvider.System.GetUtcNow().UtcDateTime + Patience, Cancel);
}
