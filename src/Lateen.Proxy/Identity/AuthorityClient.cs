using System.Net;
using Grpc.Core;
using Istio.V1.Auth;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.ControlPlane;

namespace Lateen.Proxy.Identity;

/// <summary>Asks Istio's <c>IstioCertificateService</c>, over the proxy's own HTTP/2 and TLS; each question is a connection of its own, some twice a day.</summary>
/// <remarks>One question at a time. A cluster of several addresses is asked in turn.</remarks>
internal sealed class AuthorityClient(WorkloadIdentityConfig config, ManagementReactor management) : IAuthority
{
    /// <summary>For a question as a whole, connecting included.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Octets of an answer. Hit: refused. A chain of 8 and 16 roots has some 40 KiB.</summary>
    private const int MaxAnswerBytes = 512 * 1024;

    /// <summary>Certificates in an answer. Count. Hit: refused.</summary>
    private const int MaxCertificates = 32;

    /// <summary>Characters of the authority's own words that are repeated in our log.</summary>
    private const int MaxDetail = 300;

    private int _next;

    public async Task<AuthorityAnswer> AskAsync(string request, AuthorityProof proof, CancellationToken cancellation)
    {
        var errors = new ConfigurationErrors();
        var tls = AuthorityTls.Make(config.AuthorityTls, proof, errors);
        if (tls is null) return AuthorityAnswer.Failed(errors.All[0].ToString());

        EndPoint server = config.Servers[(int)((uint)_next++ % (uint)config.Servers.Length)];
        var target = new GrpcTarget(
            server, management.Resolver, config.AuthorityCluster, tls, config.ConnectTimeout, MaxAnswerBytes, ManagementReactor.Http2(TimeSpan.Zero));
        using var channel = new ManagementChannel(management.Reactor, target, ManagementChannel.AuthorityOf(server));
        using var patience = new CancellationTokenSource(Patience, management.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellation);
        var message = new IstioCertificateRequest { Csr = request, ValidityDuration = Math.Max(1, (long)config.CertificateLifetime.TotalSeconds) };
        var headers = new Metadata();
        if (proof.Token is { } token) headers.Add("authorization", $"Bearer {token}");
        try
        {
            using var call = new IstioCertificateService.IstioCertificateServiceClient(channel).CreateCertificateAsync(message, headers, null, either.Token);
            var response = await call.ResponseAsync.ConfigureAwait(false);
            return Read(response, server);
        }
        catch (RpcException failure)
        {
            cancellation.ThrowIfCancellationRequested();
            if (patience.IsCancellationRequested) return AuthorityAnswer.Failed($"{server} gave no answer within {Patience.TotalSeconds:0} s");
            return AuthorityAnswer.Failed(
                $"{failure.StatusCode}: {Short(failure.Status.Detail)}", failure.StatusCode is StatusCode.Unauthenticated or StatusCode.PermissionDenied);
        }
    }

    private static AuthorityAnswer Read(IstioCertificateResponse response, EndPoint server) => response.CertChain.Count switch
    {
        0 => AuthorityAnswer.Failed($"{server} said OK and gave no certificate"),
        > MaxCertificates => AuthorityAnswer.Failed($"{server} gave {response.CertChain.Count} certificates, at most {MaxCertificates} are taken"),
        _ => new AuthorityAnswer([.. response.CertChain], string.Empty, false),
    };

    /// <summary>Another program's text, fit for one line of our log.</summary>
    private static string Short(string text)
    {
        var cut = text.Length <= MaxDetail ? text : text[..MaxDetail] + "...";
        return string.Create(cut.Length, cut, static (target, source) =>
        {
            for (var i = 0; i < source.Length; i++) target[i] = char.IsControl(source[i]) ? ' ' : source[i];
        });
    }
}
