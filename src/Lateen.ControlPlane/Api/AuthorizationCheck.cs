using System.Collections.Immutable;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Model.Security;
using Lateen.Translation.Security;

namespace Lateen.ControlPlane.Api;

/// <summary>Answers which policies concern a workload and what they make of a described request, from a snapshot alone: the CLI asks it of files too.</summary>
public static class AuthorizationCheck
{
    /// <param name="labelsOfProxy">The labels of a connected proxy by namespace and name; null where there are no proxies.</param>
    /// <returns>Null, with a message and a hint, when the question cannot be answered.</returns>
    public static AuthorizationCheckResponse? Run(
        MeshSnapshot snapshot, AuthorizationCheckRequest question, Func<string, string, StringMap<string>?>? labelsOfProxy, out ProblemResponse? problem)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(question);
        if (Labels(snapshot, question, labelsOfProxy, out problem) is not { } labels) return null;
        var policies = snapshot.AuthorizationPolicies.For(question.Namespace, labels);
        var tokens = snapshot.RequestAuthentications.For(question.Namespace, labels);
        var verdict = question.Request is { } traffic ? View(AuthorizationDecision.Of(
            policies, snapshot.Mesh, Described(traffic, snapshot.Mesh), provider => ExternalAuthorizers.IsThere(snapshot, provider.Name, question.Namespace))) : null;
        return new AuthorizationCheckResponse(
            snapshot.Revision, question.Namespace, question.Workload, labels.ToDictionary(label => label.Key, label => label.Value),
            [.. policies.Select(View), .. tokens.Select(View)], verdict);
    }

    private static StringMap<string>? Labels(
        MeshSnapshot snapshot, AuthorizationCheckRequest question, Func<string, string, StringMap<string>?>? labelsOfProxy, out ProblemResponse? problem)
    {
        problem = null;
        if (question.Labels is { Count: > 0 } given) return given.ToStringMap();
        if (question.Workload is not { Length: > 0 } name) return StringMap<string>.Empty;
        if (labelsOfProxy?.Invoke(question.Namespace, name) is { } ofProxy) return ofProxy;
        if (snapshot.Find(new ResourceKey(ResourceKind.WorkloadEntry, question.Namespace, name)) is Resource<WorkloadEntry> entry) return entry.Spec.Labels;
        foreach (var service in snapshot.Services.All)
            if (service.Namespace == question.Namespace && service.Name == name && service.Selector is { Count: > 0 } selector) return selector;
        problem = new ProblemResponse(
            "unknown_workload", $"no proxy, WorkloadEntry or Service with a selector is called '{name}' in the namespace {question.Namespace}",
            "say the workload's labels: --labels app=reviews");
        return null;
    }

    private static DescribedRequest Described(DescribedTraffic traffic, MeshConfig mesh) => new()
    {
        IsHttp = !traffic.Tcp,
        Principal = Principal(traffic.From, mesh),
        SourceIp = traffic.SourceIp,
        RemoteIp = traffic.RemoteIp,
        DestinationIp = traffic.DestinationIp,
        DestinationPort = traffic.Port,
        ServerName = traffic.ServerName,
        Method = traffic.Method ?? "GET",
        Path = traffic.Path ?? "/",
        Host = traffic.Host ?? "",
        Headers = (traffic.Headers ?? []).GroupBy(header => header.Name.ToLowerInvariant())
            .Select(group => KeyValuePair.Create(group.Key, group.Select(header => header.Value).ToImmutableArray())).ToStringMap(),
        Claims = [.. (traffic.Claims ?? []).Select(claim => new DescribedClaim([.. claim.Path], [.. claim.Values]))],
    };

    /// <summary><c>namespace/account</c> is short for a workload of this mesh.</summary>
    private static string? Principal(string? from, MeshConfig mesh) =>
        from?.Split('/') is [{ Length: > 0 } ns, { Length: > 0 } account] && !from.Contains(':') ? $"{mesh.TrustDomain}/ns/{ns}/sa/{account}" : from;

    private static ConcerningPolicyView View(Resource<AuthorizationPolicy> policy) => new(
        policy.Key.Kind.Name, policy.Namespace, policy.Name, NameOf(policy.Spec.Action), policy.Spec.Rules.Length, policy.Spec.IsDryRun,
        policy.Metadata.Location?.File ?? "", policy.Metadata.Location?.Line ?? 0);

    private static ConcerningPolicyView View(Resource<RequestAuthentication> policy) => new(
        policy.Key.Kind.Name, policy.Namespace, policy.Name,
        policy.Spec.JwtRules.IsEmpty ? "-" : string.Join(",", policy.Spec.JwtRules.Select(rule => rule.Issuer ?? "*")),
        policy.Spec.JwtRules.Length, DryRun: false, policy.Metadata.Location?.File ?? "", policy.Metadata.Location?.Line ?? 0);

    private static VerdictView View(AuthorizationVerdict verdict)
    {
        string outcome = verdict.Outcome switch
        {
            AuthorizationOutcome.Allowed => "ALLOWED",
            AuthorizationOutcome.Denied => "DENIED",
            AuthorizationOutcome.Unknown => "UNKNOWN",
            _ => "ASK",
        };
        return new VerdictView(outcome, Sentence(verdict), verdict.Rule is { } rule ? View(rule) : null, [.. verdict.AlsoMatched.Select(View)]);
    }

    private static string Sentence(AuthorizationVerdict verdict) => verdict.Reason switch
    {
        AuthorizationReason.NoPolicy => "no policy concerns the workload",
        AuthorizationReason.NothingDenies => "no DENY rule matches, and there is no ALLOW policy",
        AuthorizationReason.AllowRule => $"{verdict.Rule!.Name} allows it",
        AuthorizationReason.DenyRule => $"{verdict.Rule!.Name} denies it",
        AuthorizationReason.NothingAllows => "there are ALLOW policies, and none of their rules matches",
        AuthorizationReason.UnknownProvider =>
            $"{verdict.Rule!.Name} leaves it to the authorizer '{verdict.Rule.Policy.Spec.Provider}', which the mesh settings do not declare or no service answers for",
        AuthorizationReason.NotAskedOfConnections =>
            $"{verdict.Rule!.Name} leaves it to the authorizer '{verdict.Rule.Policy.Spec.Provider}', which cannot be asked about a connection that is not HTTP",
        AuthorizationReason.OtherFilters =>
            $"it depends on {verdict.Rule!.Name}: it asks for what another filter leaves (experimental.envoy.filters.*), which a description cannot say",
        _ => $"{verdict.Rule!.Name} leaves it to the authorizer '{verdict.Rule.Policy.Spec.Provider}'; nothing else denies it",
    };

    private static MatchedRuleView View(MatchedRule rule) => new(
        rule.Name, rule.Policy.Name, rule.Policy.Namespace, rule.Rule, NameOf(rule.Policy.Spec.Action), rule.Policy.Spec.IsDryRun,
        rule.Location?.File ?? "", rule.Location?.Line ?? 0);

    private static string NameOf(AuthorizationAction action) => action.ToString().ToUpperInvariant();
}
