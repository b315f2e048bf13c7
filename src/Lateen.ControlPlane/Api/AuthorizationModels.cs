using System.Text.Json.Serialization;

namespace Lateen.ControlPlane.Api;

/// <summary>The body of <c>POST /api/v1/authz/check</c>: which policies concern a workload, and what they make of a request.</summary>
/// <param name="Workload">A connected proxy, WorkloadEntry or Service of the namespace, for its labels; null: <paramref name="Labels"/> says them.</param>
/// <param name="Request">Null asks for the policies only.</param>
public sealed record AuthorizationCheckRequest(
    string Namespace, string? Workload, IReadOnlyDictionary<string, string>? Labels, DescribedTraffic? Request);

/// <summary>A request or connection as the caller describes it. What is null is not there.</summary>
/// <param name="From">Who asks: <c>trust-domain/ns/namespace/sa/account</c>, or <c>namespace/account</c> of this mesh; null: a peer without a certificate.</param>
/// <param name="Tcp">True: a connection on a port that is not HTTP.</param>
public sealed record DescribedTraffic(
    string? From = null, string? SourceIp = null, string? RemoteIp = null, string? DestinationIp = null, int? Port = null, string? ServerName = null, bool Tcp = false,
    string? Method = null, string? Path = null, string? Host = null, IReadOnlyList<DescribedHeaderView>? Headers = null,
    IReadOnlyList<DescribedClaimView>? Claims = null);

/// <summary>A field of a request's head. One name may be there several times.</summary>
public sealed record DescribedHeaderView([property: JsonRequired] string Name, [property: JsonRequired] string Value);

/// <summary>A claim of a token that was found good: its steps from the outside in, and its values.</summary>
public sealed record DescribedClaimView([property: JsonRequired] IReadOnlyList<string> Path, [property: JsonRequired] IReadOnlyList<string> Values);

/// <summary>A policy that concerns the workload, in the order in which it is looked at.</summary>
/// <param name="Action">ALLOW, DENY, AUDIT or CUSTOM; for a RequestAuthentication the issuers that it knows.</param>
/// <param name="File">Where it is written; empty when it was applied without a file.</param>
public sealed record ConcerningPolicyView(string Kind, string Namespace, string Name, string Action, int Rules, bool DryRun, string File, int Line);

/// <summary>A rule that matched.</summary>
/// <param name="Name">Istio's name, as in dumps and logs: <c>ns[N]-policy[P]-rule[I]</c>.</param>
public sealed record MatchedRuleView(string Name, string Policy, string Namespace, int Rule, string Action, bool DryRun, string File, int Line);

/// <summary>What policy makes of the request.</summary>
/// <param name="Outcome">ALLOWED, DENIED, ASK (an external authorizer decides) or UNKNOWN (it depends on what another filter leaves).</param>
/// <param name="Reason">One sentence.</param>
/// <param name="Rule">The rule that decided; null where the absence of one did.</param>
public sealed record VerdictView(string Outcome, string Reason, MatchedRuleView? Rule, IReadOnlyList<MatchedRuleView> AlsoMatched);

/// <summary>The answer to <c>POST /api/v1/authz/check</c>.</summary>
public sealed record AuthorizationCheckResponse(
    long Revision, string Namespace, string? Workload, IReadOnlyDictionary<string, string> Labels, IReadOnlyList<ConcerningPolicyView> Policies, VerdictView? Verdict);
