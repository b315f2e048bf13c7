using System.Collections.Immutable;
using Lateen.ControlPlane.Certificates;
using Lateen.Identity;
using Lateen.Identity.Joining;
using Lateen.Identity.Rotation;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Lateen.ControlPlane.Api;

/// <summary>The part of the API behind <c>lateen ca</c>. This machine may read; what changes something wants the key of this run.</summary>
/// <param name="certificates">Null when the control plane runs without an authority; every address then says so.</param>
internal sealed class CertificateEndpoints(MeshCertificates? certificates, ControlPlaneOptions options, ApiKey key, Func<string> secureAddress)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api/v1/ca");
        if (certificates is null)
        {
            api.MapFallback(() => ApiEndpoints.Problem(StatusCodes.Status404NotFound, "no_authority", "this control plane has no certificate authority",
                "start it with --secure-address"));
            return;
        }

        api.MapGet("", () => ApiEndpoints.Json(Status(certificates)));
        api.MapGet("/roots", () => ApiEndpoints.Json(new RootsResponse(certificates.Authority.Bundle.TrustDomains[0].Name, certificates.Server.Identity.Uri,
            certificates.Authority.Bundle.ToPem(), Roots(certificates.Authority.Bundle))));
        api.MapPost("/rotate", (Delegate)((HttpContext http) => RotateAsync(certificates, http))).AddEndpointFilter(key.RequireAsync);
        api.MapGet("/tokens", () => ApiEndpoints.Json(Tokens(certificates)));
        api.MapPost("/tokens", (Delegate)((HttpContext http) => IssueAsync(certificates, http))).AddEndpointFilter(key.RequireAsync);
        api.MapDelete("/tokens/{id}", (string id) => Remove(certificates, id)).AddEndpointFilter(key.RequireAsync);
        api.MapGet("/workloads", () => ApiEndpoints.Json(Grants(certificates)));
        api.MapDelete("/workloads/{space}/{account}", (string space, string account) => Forget(certificates, space, account)).AddEndpointFilter(key.RequireAsync);
    }

    private AuthorityStatusResponse Status(MeshCertificates held)
    {
        var state = (held.Authority as EmbeddedAuthority)?.State;
        var signer = held.Authority.SigningCertificate;
        var now = options.Time.GetUtcNow();
        ImmutableArray<string> pending = state is { Stage: RotationStage.Distributing } ? held.Worker.Pending : [];
        return new AuthorityStatusResponse(
            held.Authority.Bundle.TrustDomains[0].Name, held.Authority.Source, secureAddress(), signer.Subject, new DateTimeOffset(signer.NotAfter.ToUniversalTime()),
            state is null ? "external" : state.Stage.ToString().ToLowerInvariant(), state?.Since, pending,
            state is { Stage: RotationStage.Retiring } ? RootRotation.FinishesAt(state) : null, Roots(held.Authority.Bundle),
            held.Tokens.All.Count(token => token.ExpiresAt > now && token.UsesLeft > 0));
    }

    private static IReadOnlyList<RootView> Roots(TrustBundle bundle) =>
        [.. bundle.Roots.Select(root => new RootView(root.Certificate.Subject, root.Fingerprint, root.NotBefore, root.NotAfter))];

    private async Task<IResult> RotateAsync(MeshCertificates held, HttpContext http)
    {
        var (request, problem) = await ApiEndpoints.ReadAsync(http, ApiJson.Default.RotateRequest);
        if (request is null) return problem!;
        if (!request.Root)
        {
            return ApiEndpoints.Problem(StatusCodes.Status400BadRequest, "nothing_to_rotate", "say what to rotate: the root",
                "an intermediate is rotated by replacing its files; leaves renew themselves");
        }

        return held.Worker.Begin() is { } reason
            ? ApiEndpoints.Problem(StatusCodes.Status409Conflict, "not_rotated", reason, "`lateen ca status` shows where it stands")
            : ApiEndpoints.Json(Status(held));
    }

    private async Task<IResult> IssueAsync(MeshCertificates held, HttpContext http)
    {
        var (request, problem) = await ApiEndpoints.ReadAsync(http, ApiJson.Default.TokenRequest);
        if (request is null) return problem!;
        if (!request.AllowAny && (request.Namespace == JoinTokenRecord.Any || request.ServiceAccount == JoinTokenRecord.Any))
        {
            return ApiEndpoints.Problem(StatusCodes.Status400BadRequest, "any_not_allowed", "a token for any workload lets its holder be every workload of the mesh",
                "name namespace and service account, or say --allow-any");
        }

        if (request.IsGrant && GrantFault(held, request) is { } fault) return fault;
        var lifetime = double.IsFinite(request.LifetimeSeconds) ? TimeSpan.FromSeconds(Math.Clamp(request.LifetimeSeconds, 0, 1e9)) : TimeSpan.Zero;
        if (!held.Tokens.TryIssue(request.Namespace, request.ServiceAccount, lifetime, request.Uses, options.Time.GetUtcNow(), out string? token, out var record, out string? reason))
            return ApiEndpoints.Problem(StatusCodes.Status400BadRequest, "not_issued", reason, "`lateen ca tokens` lists what is out");
        options.Log($"ca: join token {record.Id} for {record.Namespace}/{record.ServiceAccount}, {record.UsesLeft} uses, until {record.ExpiresAt:u}");
        return ApiEndpoints.Json(new TokenResponse(record.Id, token, record.Namespace, record.ServiceAccount, record.ExpiresAt, record.UsesLeft));
    }

    /// <summary>Keeps what the operator says of the workload beside its account; why not, where it cannot be kept.</summary>
    private IResult? GrantFault(MeshCertificates held, TokenRequest request)
    {
        if (request.Namespace == JoinTokenRecord.Any || request.ServiceAccount == JoinTokenRecord.Any)
        {
            return ApiEndpoints.Problem(StatusCodes.Status400BadRequest, "any_not_allowed", "labels and --gateway are said of one service account, not of any",
                "name namespace and service account");
        }

        var grant = new NodeGrant(request.Namespace, request.ServiceAccount, request.Gateway, new SortedDictionary<string, string>(request.Labels ?? [], StringComparer.Ordinal));
        bool isNew = !held.Grants.Of(grant.Namespace, grant.ServiceAccount).Contains(grant);
        if (!held.Grants.TryAdd(grant, out string? reason))
            return ApiEndpoints.Problem(StatusCodes.Status400BadRequest, "not_granted", reason, "`lateen ca workloads` lists what was granted, `lateen ca forget-workload` takes it back");
        if (isNew) options.Log($"ca: proxies of {grant.Namespace}/{grant.ServiceAccount} may be {(grant.IsGateway ? "gateways" : "sidecars")} with {Words(grant.Labels)}");
        return null;
    }

    private static string Words(SortedDictionary<string, string> labels) =>
        labels.Count == 0 ? "no label" : $"the labels {string.Join(", ", labels.Select(label => $"{label.Key}={label.Value}"))}";

    private IResult Forget(MeshCertificates held, string space, string account)
    {
        if (!held.Grants.Remove(space, account))
            return ApiEndpoints.Problem(StatusCodes.Status404NotFound, "unknown_workload", $"nothing was granted to {space}/{account}", "`lateen ca workloads` lists what was granted");
        options.Log($"ca: what proxies of {space}/{account} may say of themselves was taken back");
        return ApiEndpoints.Json(Grants(held));
    }

    private static GrantListResponse Grants(MeshCertificates held) =>
        new([.. held.Grants.All.Select(grant => new GrantView(grant.Namespace, grant.ServiceAccount, grant.IsGateway, grant.Labels))]);

    private IResult Remove(MeshCertificates held, string id)
    {
        if (!held.Tokens.Remove(id))
            return ApiEndpoints.Problem(StatusCodes.Status404NotFound, "unknown_token", "there is no such join token", "`lateen ca tokens` lists what is out");
        options.Log($"ca: join token {id} was taken back");
        return ApiEndpoints.Json(Tokens(held));
    }

    private static TokenListResponse Tokens(MeshCertificates held) => new([.. held.Tokens.All
        .Select(token => new TokenView(token.Id, token.Namespace, token.ServiceAccount, token.CreatedAt, token.ExpiresAt, token.UsesLeft))]);
}
