using System.Collections.Immutable;
using Grpc.Core;
using Istio.V1.Auth;
using Lateen.ControlPlane.Certificates.Callers;
using Lateen.ControlPlane.Metrics;
using Lateen.Identity;
using Lateen.Identity.Signing;

namespace Lateen.ControlPlane.Certificates;

/// <summary>
/// Istio's certificate service: who asks is told by the connection's certificate or a bearer token, never by the request; the request may name exactly the
/// caller's own identity or none. The caller hears one word when it is refused, the operator reads one line.
/// </summary>
/// <remarks>Safe from any thread. It holds an <see cref="ICertificateIssuer"/>: it cannot reach a key or a rotation.</remarks>
internal sealed class CertificateService(
    ICertificateIssuer issuer, ImmutableArray<ICallerProof> proofs, RefusalBudget budget, CertificateMetrics metrics, Action<string> log,
    Func<ServerCallContext, SpiffeId?> certificateOf) : IstioCertificateService.IstioCertificateServiceBase
{
    /// <summary>The longest message. Octets: the longest request, and room for metadata that is not read.</summary>
    public const int MaxMessageLength = 64 * 1024;

    private const string Bearer = "Bearer ";

    public override async Task<IstioCertificateResponse> CreateCertificate(IstioCertificateRequest request, ServerCallContext context)
    {
        metrics.Requested();
        string address = AddressOf(context.Peer);
        // Order matters: who asks comes first. A stranger's request is not parsed.
        var verdict = await JudgeAsync(new CallerCredentials(certificateOf(context), TokenOf(context)), budget.IsSpent(address), context.CancellationToken);
        if (verdict.Caller is not { } caller) throw Refuse(address, context, StatusCode.Unauthenticated, "unauthenticated", verdict.Reason!, metrics.Unauthenticated);
        // From here on the caller pays, not the address that it may share with others.
        string payer = $"{caller.Method} {caller.Identity}";
        if (budget.IsSpent(payer))
        {
            metrics.Limited();
            throw new RpcException(new Status(StatusCode.ResourceExhausted, "too many refused requests"));
        }

        if (!SigningRequest.TryRead(request.Csr, out var signing, out string? reason))
            throw Refuse(payer, context, StatusCode.InvalidArgument, "the request is not acceptable", $"{caller.Method}: {reason}", metrics.Malformed);
        if (!LeafLifetime.TryChoose(request.ValidityDuration, out var lifetime, out reason))
            throw Refuse(payer, context, StatusCode.InvalidArgument, "the lifetime is too long", $"{caller.Method}: {reason}", metrics.Malformed);
        if ((caller.Identity ?? signing.Identity) is not { } identity)
            throw Refuse(payer, context, StatusCode.InvalidArgument, "the request must name an identity", $"{caller.Method} admits several, and the request names none", metrics.Malformed);
        if (!caller.Admits(identity))
            throw Refuse(payer, context, StatusCode.PermissionDenied, "not allowed", $"{caller.Method} does not admit {identity}", metrics.Denied);
        if (signing.FaultFor(identity) is { } fault)
            throw Refuse(payer, context, StatusCode.PermissionDenied, "not allowed", $"{caller.Method}: the caller is {identity}, and {fault}", metrics.Denied);
        if (!caller.Redeem())
            throw Refuse(payer, context, StatusCode.Unauthenticated, "unauthenticated", $"{caller.Method}: it was used up meanwhile", metrics.Unauthenticated);
        if (!issuer.TryIssue(signing, identity, lifetime, out var certificate, out reason))
            throw Refuse(payer, context, StatusCode.Unavailable, "the authority cannot sign now", $"{identity}: {reason}", metrics.SigningFailed);

        metrics.Issued();
        log($"ca: issued {identity} to {context.Peer} by {caller.Method}, serial {certificate.SerialNumber}, until {certificate.NotAfter:u}");
        return Answer(certificate, issuer.Bundle);
    }

    private static IstioCertificateResponse Answer(WorkloadCertificate certificate, TrustBundle bundle)
    {
        var response = new IstioCertificateResponse();
        foreach (var one in certificate.Chain) response.CertChain.Add(one.ExportCertificatePem() + "\n");
        response.CertChain.Add(bundle.ToPem());
        return response;
    }

    private async ValueTask<CallerVerdict> JudgeAsync(CallerCredentials credentials, bool isSpent, CancellationToken cancellation)
    {
        CallerVerdict? refused = null;
        foreach (var proof in proofs)
        {
            if (proof.IsCostly && isSpent) continue;
            var verdict = await proof.JudgeAsync(credentials, cancellation);
            if (verdict is { Caller: not null }) return verdict;
            refused ??= verdict;
        }

        return refused ?? CallerVerdict.Refused(credentials.BearerToken is null
            ? "it shows neither a certificate nor a token"
            : "its token is neither a join token nor of an issuer that is known here");
    }

    /// <summary>One line for the operator, unless the same source has had so many that more of them would only hide the others; the counters count on.</summary>
    private RpcException Refuse(string payer, ServerCallContext context, StatusCode code, string told, string reason, Action count)
    {
        count();
        if (budget.IsSpent(payer)) metrics.Limited();
        else log($"ca: refused {context.Peer}: {reason}");
        budget.Spend(payer);
        return new RpcException(new Status(code, told));
    }

    private static string? TokenOf(ServerCallContext context)
    {
        string? value = context.RequestHeaders.GetValue("authorization");
        if (value is null || value.Length > Bearer.Length + CallerCredentials.MaxTokenLength || !value.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)) return null;
        return value[Bearer.Length..].Trim();
    }

    /// <summary>Without the port, which changes with every connection.</summary>
    private static string AddressOf(string peer)
    {
        int colon = peer.LastIndexOf(':');
        return colon < 0 ? peer : peer[..colon];
    }
}
