using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lateen.Proxy.Tests.Harness;

/// <summary>A server that we did not write: ASP.NET Core on a free port of loopback, in one version of HTTP.</summary>
internal sealed class KestrelUpstream : IAsyncDisposable
{
    private readonly WebApplication _application;

    private KestrelUpstream(WebApplication application, IPEndPoint address)
    {
        _application = application;
        Address = address;
    }

    public IPEndPoint Address { get; }

    /// <param name="protocol">HTTP/2 is by prior knowledge.</param>
    /// <param name="configure">Endpoints.</param>
    /// <param name="services">What they need.</param>
    /// <param name="limits">Kestrel's own bounds.</param>
    public static async Task<KestrelUpstream> StartAsync(
        HttpProtocols protocol, Action<WebApplication> configure, Action<IServiceCollection>? services = null, Action<KestrelServerLimits>? limits = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options =>
        {
            limits?.Invoke(options.Limits);
            options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = protocol);
        });
        services?.Invoke(builder.Services);
        var application = builder.Build();
        configure(application);
        await application.StartAsync(TestContext.Current.CancellationToken);
        var url = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return new KestrelUpstream(application, new IPEndPoint(IPAddress.Loopback, new Uri(url).Port));
    }

    /// <summary>Begins the server's own graceful end.</summary>
    public Task StopAsync() => _application.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync() => await _application.DisposeAsync();
}
