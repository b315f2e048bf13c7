using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Envoy.Service.Discovery.V3;
using Grpc.Core;
using Istio.V1.Auth;
using Lateen.Proxy.Tests.Tls;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lateen.Proxy.Tests.Identity;

/// <summary>Istio's certificate service on loopback, by ASP.NET Core: not ours, mutual TLS that a client may leave one-sided.</summary>
internal sealed class AuthorityOverSockets : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TaskCompletionSource<(string Serial, string Error)> _rootsAcknowledged = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private AuthorityOverSockets(WebApplication app) => _app = app;

    public int Port => new Uri(_app.Urls.First()).Port;

    /// <summary>Each question's token, and the serial number of the certificate that its connection showed; empty: none.</summary>
    public ConcurrentQueue<(string Token, string Serial)> Asked { get; } = [];

    /// <summary>PEM of the roots that its xDS service sends as <c>ROOTCA</c>; it has nothing else to send.</summary>
    public string Roots { get; set; } = string.Empty;

    /// <summary>What the proxy said of the roots, and by which certificate it was known when it did.</summary>
    public Task<(string Serial, string Error)> RootsAcknowledged => _rootsAcknowledged.Task;

    /// <summary>What is answered; null: the request is signed for an hour.</summary>
    public Func<IstioCertificateRequest, IstioCertificateResponse>? Answer { get; set; }

    /// <summary>Nobody listens any more.</summary>
    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    public static async Task<AuthorityOverSockets> StartAsync(TestAuthority root, string[]? names = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        AuthorityOverSockets? authority = null;
        var certificate = root.Issue(names ?? ["istiod.istio-system.svc"]).ToX509();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(new HttpsConnectionAdapterOptions
            {
                ServerCertificate = certificate,
                ClientCertificateMode = ClientCertificateMode.AllowCertificate,
                ClientCertificateValidation = static (_, _, _) => true,
            });
        }));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(_ => new Service(authority!, root));
        builder.Services.AddSingleton(_ => new Discovery(authority!));
        var app = builder.Build();
        app.MapGrpcService<Service>();
        app.MapGrpcService<Discovery>();
        authority = new AuthorityOverSockets(app);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return authority;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private sealed class Service(AuthorityOverSockets authority, TestAuthority root) : IstioCertificateService.IstioCertificateServiceBase
    {
        public override async Task<IstioCertificateResponse> CreateCertificate(IstioCertificateRequest request, ServerCallContext context)
        {
            X509Certificate2? shown = await context.GetHttpContext().Connection.GetClientCertificateAsync(context.CancellationToken);
            authority.Asked.Enqueue((context.RequestHeaders.GetValue("authorization") ?? string.Empty, shown?.SerialNumber.ToLowerInvariant() ?? string.Empty));
            if (authority.Answer is { } answer) return answer(request);
            var now = TimeProvider.System.GetUtcNow();
            return new IstioCertificateResponse { CertChain = { root.Sign(request.Csr, [], now.AddMinutes(-1), now.AddSeconds(request.ValidityDuration)), root.Pem } };
        }
    }

    private sealed class Discovery(AuthorityOverSockets authority) : AggregatedDiscoveryService.AggregatedDiscoveryServiceBase
    {
        public override async Task DeltaAggregatedResources(
            IAsyncStreamReader<DeltaDiscoveryRequest> requests, IServerStreamWriter<DeltaDiscoveryResponse> responses, ServerCallContext context)
        {
            var shown = await context.GetHttpContext().Connection.GetClientCertificateAsync(context.CancellationToken);
            while (await requests.MoveNext(context.CancellationToken))
            {
                var request = requests.Current;
                if (request.ResponseNonce == "roots")
                {
                    authority._rootsAcknowledged.TrySetResult((shown?.SerialNumber.ToLowerInvariant() ?? string.Empty, request.ErrorDetail?.Message ?? string.Empty));
                }
                else if (request.ResponseNonce.Length == 0)
                {
                    var response = new DeltaDiscoveryResponse { TypeUrl = request.TypeUrl, Nonce = "nothing", SystemVersionInfo = "1" };
                    if (request.ResourceNamesSubscribe.Contains("ROOTCA"))
                    {
                        var resource = TlsYaml.RootsSecret("ROOTCA", authority.Roots);
                        response.Nonce = "roots";
                        response.Resources.Add(new Resource
                        {
                            Name = "ROOTCA",
                            Version = "1",
                            Resource_ = new Google.Protobuf.WellKnownTypes.Any { TypeUrl = request.TypeUrl, Value = resource.Body },
                        });
                    }

                    await responses.WriteAsync(response, context.CancellationToken);
                }
            }
        }
    }
}
