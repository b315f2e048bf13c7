using Lateen.Xds.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lateen.Xds.Tests.Loopback;

/// <summary>Our discovery service in a real Kestrel on a unix socket, giving every proxy the same view.</summary>
internal sealed class LoopbackServer : IXdsStreamHost, IAsyncDisposable
{
    private readonly Condition _condition = new();
    private readonly List<IXdsStream> _streams = [];
    private readonly WebApplication _application;
    private ResourceView _view;

    private LoopbackServer(string socketPath, ResourceView view)
    {
        _view = view;
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(socketPath, static listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(new AggregatedDiscovery(this));
        _application = builder.Build();
        _application.MapGrpcService<AggregatedDiscovery>();
    }

    public XdsStreamStatus Status { get; private set; } = XdsStreamStatus.None;

    public IXdsStream? Stream => _streams.LastOrDefault();

    public int Opened { get; private set; }

    public int Closed { get; private set; }

    public static async Task<LoopbackServer> StartAsync(string socketPath, ResourceView view)
    {
        var server = new LoopbackServer(socketPath, view);
        await server._application.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    public void Push(ResourceView view)
    {
        _view = view;
        _streams.ForEach(stream => stream.Push(view));
    }

    public void OnOpened(IXdsStream stream) => _condition.Change(() =>
    {
        Opened++;
        _streams.Add(stream);
        stream.Push(_view);
    });

    public void OnStatus(IXdsStream stream, XdsStreamStatus status) => _condition.Change(() => Status = status);

    public void OnClosed(IXdsStream stream, string reason) => _condition.Change(() =>
    {
        Closed++;
        _streams.Remove(stream);
    });

    public Task Until(string what, Func<LoopbackServer, bool> isMet) =>
        _condition.Until(what, () => isMet(this), () => $"wanted {Status.WantedRevision}, {string.Join(", ", Status.Types)}");

    public async ValueTask DisposeAsync()
    {
        _streams.ToList().ForEach(static stream => stream.Close("the server stops"));
        await _application.DisposeAsync();
    }
}
