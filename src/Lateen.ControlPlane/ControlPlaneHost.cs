using System.Net;
using Lateen.ControlPlane.Api;
using Lateen.ControlPlane.Certificates;
using Lateen.ControlPlane.Debug;
using Lateen.ControlPlane.Metrics;
using Lateen.ControlPlane.Serving;
using Lateen.ControlPlane.Store;
using Lateen.Discovery.Jwks;
using Lateen.Identity;
using Lateen.Model;
using Lateen.Xds.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Lateen.ControlPlane;

/// <summary>
/// A whole control plane: store, sources, worker, xDS over h2c, API. The composition root of this project; whoever embeds one (the CLI, a test) starts
/// it here and disposes it.
/// </summary>
/// <remarks>Each port is a server of its own, so that the API is never reachable where only proxies should be.</remarks>
public sealed class ControlPlaneHost : IAsyncDisposable
{
    private readonly ResourceStore _store;
    private readonly MeshServer _server;
    private readonly IssuerKeys _keys;
    private readonly ConfigurationDirectory? _directory;
    private readonly MeshCertificates? _certificates;
    private readonly WebApplication? _xds;
    private readonly WebApplication? _secure;
    private readonly WebApplication _api;

    private ControlPlaneHost(
        ResourceStore store, MeshServer server, IssuerKeys keys, ConfigurationDirectory? directory, MeshCertificates? certificates, WebApplication? xds,
        WebApplication? secure, WebApplication api)
    {
        _certificates = certificates;
        _secure = secure;
        _store = store;
        _server = server;
        _keys = keys;
        _directory = directory;
        _xds = xds;
        _api = api;
    }

    /// <summary>Where proxies connect: <c>127.0.0.1:15010</c>, with the port that was taken when 0 was asked for; null when no such port was asked for.</summary>
    public string? XdsAddress => _xds is null ? null : AddressOf(_xds);

    /// <summary>Where proxies with identities connect, over mutual TLS: <c>127.0.0.1:15012</c>; null when no such port was asked for.</summary>
    public string? SecureAddress => _secure is null ? null : AddressOf(_secure);

    /// <summary>Where the API listens: <c>127.0.0.1:15014</c>, or <c>unix:/path</c>.</summary>
    public string ApiAddress => AddressOf(_api);

    /// <summary>The newest revision of the store.</summary>
    public long Revision => _store.Current.Number;

    /// <summary>Starts everything; when it returns, what the journal and the directory hold is stored and both addresses answer.</summary>
    /// <exception cref="IOException">An address is taken, a directory cannot be read or written, or the certificate authority's files are not good.</exception>
    public static async Task<ControlPlaneHost> StartAsync(ControlPlaneOptions options, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        var metrics = new ControlPlaneMetrics();
        var diagnostics = new SourceDiagnostics();
        var store = StoreRestoration.Open(options);
        ConfigurationDirectory? directory = null;
        MeshServer? server = null;
        MeshCertificates? certificates = null;
        var keys = new IssuerKeys(options.Jwks, options.Time, options.Log);
        WebApplication? xds = null;
        WebApplication? secure = null;
        WebApplication? api = null;
        try
        {
            // Order matters: configuration first, then the worker, then the doors. A proxy that reconnects after a restart must find all of the
            // mesh, not the empty store of the first millisecond.
            directory = await ConfigurationDirectory.StartAsync(options, store, diagnostics, metrics, cancellation);
            if (options.SecurePort is not null) certificates = MeshCertificates.Open(options, TrustDomainsOf(store), metrics.Certificates);
            var plaintext = new SecretExposure(isAllowed: certificates is null || options.SecretsOverPlaintext);
            server = new MeshServer(store, keys, metrics, options.Time, options.Log, plaintext, certificates);
            await server.FirstRound.WaitAsync(cancellation);
            certificates?.Run(store, server, options);
            if (options.XdsPort is { } xdsPort)
            {
                xds = BuildXds(new AggregatedDiscovery(server), kestrel =>
                    kestrel.Listen(IPAddress.Parse(options.XdsHost), xdsPort, listen => listen.Protocols = HttpProtocols.Http2));
                await xds.StartAsync(cancellation);
            }

            string? xdsAddress = xds is null ? null : AddressOf(xds);
            if (certificates is not null)
            {
                secure = BuildSecure(options, server, certificates);
                await secure.StartAsync(cancellation);
            }

            string? secureAddress = secure is null ? null : AddressOf(secure);
            if (xds is not null && secure is not null) options.Log(WarningOfPlaintext(xdsAddress!, options.SecretsOverPlaintext));
            var changes = new ConfigurationChanges(store, server, diagnostics, metrics, options.Time);
            var key = new ApiKey(options.PublishApiKey);
            api = BuildApi(options);
            new ApiEndpoints(store, changes, server, options, () => xdsAddress, () => secureAddress).Map(api);
            new CertificateEndpoints(certificates, options, key, () => secureAddress ?? "").Map(api);
            new DebugEndpoints(store, server, metrics, certificates?.Authority).Map(api);
            await api.StartAsync(cancellation);
            key.Publish(AddressOf(api));
            return new ControlPlaneHost(store, server, keys, directory, certificates, xds, secure, api);
        }
        catch
        {
            if (api is not null) await api.DisposeAsync();
            if (secure is not null) await secure.DisposeAsync();
            if (xds is not null) await xds.DisposeAsync();
            if (certificates is not null) await certificates.DisposeAsync();
            if (server is not null) await server.DisposeAsync();
            await keys.DisposeAsync();
            if (directory is not null) await directory.DisposeAsync();
            store.Dispose();
            throw;
        }
    }

    private static string WarningOfPlaintext(string address, bool withSecrets) =>
        $"warning: on the plaintext port {address} a proxy is who it says: any program that reaches it reads any proxy's configuration"
        + (withSecrets ? ", and on this machine private keys of Secrets with it" : ", without what Secrets hold")
        + "; close it with --xds-address none once every proxy has an identity";

    /// <summary>The mesh's own, of its settings as they stand at start: an authority is of one trust domain for as long as it lives.</summary>
    private static MeshTrustDomains TrustDomainsOf(ResourceStore store)
    {
        var mesh = MeshSnapshotBuilder.Build(null, store.Current.Resources.Values.Select(stored => stored.Resource), store.Current.Number).Mesh;
        return TrustDomain.TryParse(mesh.TrustDomain, out var domain, out string? reason)
            ? new MeshTrustDomains(domain, mesh.TrustDomainAliases)
            : throw new IOException($"the mesh's trustDomain '{mesh.TrustDomain}' is none: {reason}");
    }

    private static WebApplication BuildSecure(ControlPlaneOptions options, MeshServer server, MeshCertificates certificates)
    {
        var discovery = new AggregatedDiscovery(server, certificates.Port, options.Time);
        var app = BuildXds(discovery, kestrel => certificates.Port.Listen(kestrel, IPAddress.Parse(options.SecureHost), options.SecurePort!.Value), services =>
        {
            services.AddSingleton(certificates.Service);
            services.AddGrpc().AddServiceOptions<CertificateService>(grpc => grpc.MaxReceiveMessageSize = CertificateService.MaxMessageLength);
        });
        app.MapGrpcService<CertificateService>();
        return app;
    }

    private static WebApplication BuildXds(AggregatedDiscovery discovery, Action<KestrelServerOptions> listen, Action<IServiceCollection>? more = null)
    {
        var builder = Builder();
        builder.Services.AddGrpc(grpc =>
        {
            // A proxy's first request names everything that it holds; 2,000 clusters with versions are some 200 KiB, and 100,000 still fit.
            grpc.MaxReceiveMessageSize = 64 * 1024 * 1024;
            grpc.MaxSendMessageSize = null;
        });
        builder.Services.AddSingleton(discovery);
        more?.Invoke(builder.Services);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            // Streams live for days and are silent for hours: no data-rate floor, and a ping notices a dead peer.
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
            kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(10);
            listen(kestrel);
        });
        var app = builder.Build();
        app.MapGrpcService<AggregatedDiscovery>();
        return app;
    }

    private static WebApplication BuildApi(ControlPlaneOptions options)
    {
        var builder = Builder();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = 64 * 1024 * 1024;
            if (options.ApiSocketPath is { } path)
            {
                // A socket file outlives a killed process; bind would refuse it, connect would find nobody.
                File.Delete(path);
                kestrel.ListenUnixSocket(path, listen => listen.Protocols = HttpProtocols.Http1);
            }
            else kestrel.Listen(IPAddress.Parse(options.ApiHost), options.ApiPort, listen => listen.Protocols = HttpProtocols.Http1);
        });
        var app = builder.Build();
        app.Use(LocalCallers.RequireAsync);
        return app;
    }

    private static WebApplicationBuilder Builder()
    {
        // Empty: no configuration files, no environment, no console log; what this process does is decided by its options alone.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore();
        return builder;
    }

    private static string AddressOf(WebApplication app)
    {
        string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return address.StartsWith("http://unix:", StringComparison.Ordinal) ? address["http://".Length..] : new Uri(address).Authority;
    }

    /// <summary>Stops in the reverse order. Proxies keep what they have.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_directory is not null) await _directory.DisposeAsync();
        await _api.DisposeAsync();
        if (_certificates is not null) await _certificates.DisposeAsync();
        await _server.DisposeAsync();
        await _keys.DisposeAsync();
        if (_secure is not null) await _secure.DisposeAsync();
        if (_xds is not null) await _xds.DisposeAsync();
        _store.Dispose();
    }
}
