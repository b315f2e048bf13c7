using System.Collections.Immutable;
using System.Net.Http.Json;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Envoy.Config.Core.V3;
using Envoy.Service.Discovery.V3;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using Istio.V1.Auth;
using Lateen.ControlPlane.Api;
using Lateen.ControlPlane.Serving;
using Lateen.Identity;
using Lateen.Xds;

namespace Lateen.ControlPlane.Tests;

/// <summary>A workload at the port of mutual TLS: a real gRPC client with the certificate that it has, or none, which believes the control plane by a bundle.</summary>
internal sealed class SecureClient : IDisposable
{
    private readonly GrpcChannel _channel;

    private SecureClient(GrpcChannel channel) => _channel = channel;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Connects as a workload with a certificate, or as one that has none yet.</summary>
    public static SecureClient Connect(TestPlane plane, TrustBundle bundle, WorkloadKey? key = null, WorkloadCertificate? certificate = null, TimeProvider? time = null)
    {
        var tls = new SslClientAuthenticationOptions
        {
            TargetHost = "istiod.istio-system.svc",
            RemoteCertificateValidationCallback = (_, shown, chain, _) => Believes(bundle, shown, chain, time ?? TimeProvider.System),
        };
        if (certificate is not null)
        {
            tls.ClientCertificateContext = SslStreamCertificateContext.Create(key!.Attach(certificate.Leaf), [.. certificate.Chain.Skip(1)], offline: true);
        }

        var handler = new SocketsHttpHandler { SslOptions = tls, UseProxy = false };
        return new SecureClient(GrpcChannel.ForAddress($"https://{plane.Host.SecureAddress}", new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true }));
    }

    private static bool Believes(TrustBundle bundle, X509Certificate? shown, X509Chain? chain, TimeProvider time)
    {
        ImmutableArray<X509Certificate2> all = [.. new[] { (X509Certificate2)shown! }.Concat(chain!.ChainPolicy.ExtraStore).DistinctBy(one => one.Thumbprint)];
        return WorkloadCertificate.TryCreate(all, out var certificate, out _)
            && bundle.Verify(certificate, time.GetUtcNow()).Identity?.Uri == $"spiffe://{bundle.TrustDomains[0]}/ns/lateen-system/sa/lateen";
    }

    /// <summary>Asks for a certificate.</summary>
    public async Task<(WorkloadCertificate Certificate, TrustBundle Bundle)> SignAsync(string csr, string? token = null, long seconds = 0)
    {
        var headers = new Grpc.Core.Metadata();
        if (token is not null) headers.Add("authorization", $"Bearer {token}");
        var client = new IstioCertificateService.IstioCertificateServiceClient(_channel);
        var response = await client.CreateCertificateAsync(
            new IstioCertificateRequest { Csr = csr, ValidityDuration = seconds }, headers, DateTime.MaxValue, Cancellation);
        Assert.True(WorkloadCertificate.TryRead(string.Concat(response.CertChain.SkipLast(1)), out var certificate, out string? reason), reason);
        Assert.True(TrustBundle.TryRead(certificate.Identity.TrustDomain, response.CertChain[^1], out var bundle, out reason), reason);
        return (certificate, bundle);
    }

    /// <summary>The status with which the authority refuses.</summary>
    public async Task<Status> RefusalAsync(string csr, string? token = null, long seconds = 0) =>
        (await Assert.ThrowsAsync<RpcException>(() => SignAsync(csr, token, seconds))).Status;

    /// <summary>What the authority says to a request, without a look at the certificate; cheap enough to ask 100,000 times.</summary>
    public async Task<StatusCode> CodeAsync(string csr, string token)
    {
        using var call = new IstioCertificateService.IstioCertificateServiceClient(_channel).CreateCertificateAsync(
            new IstioCertificateRequest { Csr = csr }, new Grpc.Core.Metadata { { "authorization", $"Bearer {token}" } }, DateTime.MaxValue, Cancellation);
        await ((Task)call.ResponseAsync).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return call.GetStatus().StatusCode;
    }

    /// <summary>Opens a stream of xDS and asks for the roots.</summary>
    public AsyncDuplexStreamingCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> Stream() =>
        new AggregatedDiscoveryService.AggregatedDiscoveryServiceClient(_channel).DeltaAggregatedResources(cancellationToken: Cancellation);

    public static DeltaDiscoveryRequest RootsOf(string ns, string account) => SecretOf(TrustPublication.Name, ns, account);

    /// <summary>The first request of a proxy that says of itself what it is given, and asks for one secret.</summary>
    /// <param name="labels"><c>a=b,c=d</c>.</param>
    public static DeltaDiscoveryRequest SecretOf(string name, string ns, string account, string type = "sidecar", string labels = "")
    {
        var fields = labels.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(label => label.Split('=')).ToDictionary(pair => pair[0], pair => Value.ForString(pair[1]));
        return new DeltaDiscoveryRequest
        {
            Node = new Node
            {
                Id = $"{type}~127.0.0.1~web.{ns}~{ns}.svc.cluster.local",
                Metadata = new Struct
                {
                    Fields =
                    {
                        ["NAMESPACE"] = Value.ForString(ns), ["SERVICE_ACCOUNT"] = Value.ForString(account), ["LABELS"] = Value.ForStruct(new Struct { Fields = { fields } }),
                    },
                },
            },
            TypeUrl = XdsTypeUrls.Secret,
            ResourceNamesSubscribe = { name },
        };
    }

    /// <summary>Joins by a token and connects with the certificate.</summary>
    /// <param name="key">Held by the connection; the caller's to dispose of.</param>
    public static async Task<SecureClient> JoinAsync(TestPlane plane, TokenRequest request, WorkloadKey key)
    {
        var roots = await RootsAsync(plane);
        using var joining = Connect(plane, roots);
        var token = await TokenAsync(plane, request);
        var (certificate, _) = await joining.SignAsync(key.CreateRequest(SpiffeId.Create(TrustDomain.Default, request.Namespace, request.ServiceAccount)), token.Token);
        return Connect(plane, roots, key, certificate);
    }

    /// <summary>A join token, as <c>lateen ca issue-token</c> gets it.</summary>
    public static Task<TokenResponse> TokenAsync(TestPlane plane, string ns = "shop", string account = "web", int uses = 1, bool allowAny = false, double seconds = 3600) =>
        TokenAsync(plane, new TokenRequest(ns, account, seconds, uses, allowAny));

    public static async Task<TokenResponse> TokenAsync(TestPlane plane, TokenRequest request)
    {
        using var response = await plane.Http.PostAsJsonAsync("api/v1/ca/tokens", request, ApiJson.Default.TokenRequest, Cancellation);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Cancellation));
        return (await response.Content.ReadFromJsonAsync(ApiJson.Default.TokenResponse, Cancellation))!;
    }

    /// <summary>The roots, as <c>lateen ca root</c> gets them.</summary>
    public static async Task<TrustBundle> RootsAsync(TestPlane plane)
    {
        var roots = await plane.Http.GetFromJsonAsync("api/v1/ca/roots", ApiJson.Default.RootsResponse, Cancellation);
        Assert.True(TrustBundle.TryRead(TrustDomain.Parse(roots!.TrustDomain), roots.Pem, out var bundle, out string? reason), reason);
        return bundle;
    }

    public static async Task<AuthorityStatusResponse> StatusAsync(TestPlane plane) =>
        (await plane.Http.GetFromJsonAsync("api/v1/ca", ApiJson.Default.AuthorityStatusResponse, Cancellation))!;

    public void Dispose() => _channel.Dispose();
}
