using System.Net;
using System.Threading.Channels;
using Google.Protobuf;
using Grpc.Core;
using Lateen.EndToEnd.Tests.RealPeers.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>A gRPC server that we did not write: Grpc.AspNetCore on Kestrel, HTTP/2 without TLS.</summary>
internal sealed class CallsServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private CallsServer(WebApplication app) => _app = app;

    public int Port => new Uri(_app.Urls.First()).Port;

    /// <summary>Calls of Wait whose caller gave up, as the server saw them.</summary>
    public EchoService Service { get; private init; } = new();

    public static async Task<CallsServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        var service = new EchoService();
        builder.Services.AddSingleton(service);
        builder.Services.AddGrpc(options =>
        {
            options.MaxReceiveMessageSize = null;
            options.MaxSendMessageSize = null;
        });
        var app = builder.Build();
        app.MapGrpcService<EchoService>();
        await app.StartAsync();
        return new CallsServer(app) { Service = service };
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}

/// <summary>The service of echo.proto.</summary>
internal sealed class EchoService : Echo.EchoBase
{
    private readonly Channel<bool> _givenUp = Channel.CreateBounded<bool>(100);

    /// <summary>Completes when one more caller of Wait has given up.</summary>
    public async Task CallerGaveUpAsync(CancellationToken cancel) => await _givenUp.Reader.ReadAsync(cancel);

    public override Task<Note> Say(Note request, ServerCallContext context)
    {
        if (context.RequestHeaders.GetValue("x-note") is { } note)
        {
            context.ResponseTrailers.Add("x-note", note);
        }

        return Task.FromResult(request);
    }

    public override async Task<Note> Gather(IAsyncStreamReader<Note> requestStream, ServerCallContext context)
    {
        var (text, bytes) = ("", 0);
        await foreach (var note in requestStream.ReadAllAsync(context.CancellationToken))
        {
            text += note.Text;
            bytes += note.Load.Length;
        }

        return new Note { Text = $"{text}:{bytes}" };
    }

    public override async Task Count(CountRequest request, IServerStreamWriter<Note> responseStream, ServerCallContext context)
    {
        for (var number = 0; number < request.Count; number++)
        {
            await responseStream.WriteAsync(new Note { Text = $"{number}", Load = ByteString.CopyFrom(new byte[number]) }, context.CancellationToken);
        }
    }

    public override async Task Chat(IAsyncStreamReader<Note> requestStream, IServerStreamWriter<Note> responseStream, ServerCallContext context)
    {
        await foreach (var note in requestStream.ReadAllAsync(context.CancellationToken))
        {
            await responseStream.WriteAsync(note, context.CancellationToken);
        }
    }

    public override Task<Note> Fail(Failure request, ServerCallContext context) => throw new RpcException(new Status((StatusCode)request.Code, request.Text));

    public override async Task<Note> Wait(Note request, ServerCallContext context)
    {
        var ended = new TaskCompletionSource();
        await using var registration = context.CancellationToken.Register(() => ended.TrySetResult());
        await ended.Task;
        _givenUp.Writer.TryWrite(true);
        return request;
    }
}
