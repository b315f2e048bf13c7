using System.Collections.Immutable;
using Lateen.Model.Reading;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Security;

/// <summary>Reads <c>selector</c>, <c>targetRef</c> and <c>targetRefs</c>, which the security kinds share.</summary>
internal static class PolicyScopeReader
{
    public static readonly MessageShape SelectorShape = new("WorkloadSelector", InEffect("matchLabels"));

    public static readonly MessageShape TargetShape = new(
        "PolicyTargetReference", InEffect("group"), InEffect("kind"), InEffect("name"), InEffect("namespace"));

    /// <summary>Istio's bound.</summary>
    private const int MaxTargets = 16;

    private static readonly ImmutableArray<(string Group, string Kind)> Targetable =
    [
        ("gateway.networking.k8s.io", "Gateway"), ("gateway.networking.k8s.io", "GatewayClass"), ("", "Service"), ("networking.istio.io", "ServiceEntry"),
    ];

    /// <summary>The fields, for the shape of a kind that has them.</summary>
    public static ImmutableArray<ShapeField> Fields { get; } =
    [
        InEffect("selector", SelectorShape),
        Pending("targetRef", TargetShape, "what it may name is not served; such a policy attaches to nothing"),
        Pending("targetRefs", TargetShape, "what they may name is not served; such a policy attaches to nothing"),
    ];

    public static PolicyScope Read(ObjectReader at)
    {
        at.AtMostOne("selector", "targetRef", "targetRefs");
        var selector = at.Nested("selector");
        var labels = selector?.Selector("matchLabels") ?? StringMap<string>.Empty;
        if (selector is not null && labels.Count == 0)
            at.Report(
                DiagnosticCodes.SelectsAll, "selector", "a selector without labels selects every workload that the policy reaches",
                "remove it, or name labels under matchLabels");
        var targets = at.Objects("targetRefs", ReadTarget);
        if (targets.Length > MaxTargets)
            at.Report(DiagnosticCodes.InvalidTarget, "targetRefs", $"{targets.Length} targets are written", $"at most {MaxTargets}");
        if (at.Object("targetRef", ReadTarget) is { } single) targets = [single];
        // A policy whose targets could not be read must not become one for everybody: the error refuses the resource.
        return new PolicyScope { Selector = labels, Targets = [.. targets.Select(target => target.Value)] };
    }

    private static Boxed? ReadTarget(ObjectReader at)
    {
        string group = at.String("group") ?? "";
        string? kind = at.RequiredString("kind");
        string? name = at.RequiredString("name");
        if (at.String("namespace") is { Length: > 0 } written && written != at.Context.Namespace)
            at.Report(DiagnosticCodes.InvalidTarget, "namespace", $"'{written}' is another namespace", "a policy targets what lies beside it; leave the field out");
        if (kind is not null && !Targetable.Contains((group, kind)))
            at.Report(
                DiagnosticCodes.InvalidTarget, "kind", $"a policy cannot target {kind} of {(group.Length == 0 ? "the core group" : group)}",
                "Gateway or GatewayClass of gateway.networking.k8s.io, Service of the core group, ServiceEntry of networking.istio.io");
        else if (kind is not null)
            ReportNotServed(at, kind);
        return kind is null || name is null ? null : new Boxed(new PolicyTargetReference(group, kind, name));
    }

    /// <summary>Istio attaches such a policy to the gateway or waypoint that serves the target. There is none of either here, and nothing else may take its place.</summary>
    private static void ReportNotServed(ObjectReader at, string kind)
    {
        bool isGateway = kind is "Gateway" or "GatewayClass";
        at.ReportHere(
            DiagnosticCodes.TargetNotServed,
            isGateway
                ? $"no {kind} of gateway.networking.k8s.io is served, so the policy is enforced nowhere"
                : $"a policy that targets a {kind} is enforced by its waypoint, and waypoints are not served, so it is enforced nowhere",
            isGateway
                ? "a selector in place of the target binds it to a gateway's proxy: selector: {matchLabels: {istio: ingressgateway}}"
                : "a selector in place of the target binds it to the workloads behind it: selector: {matchLabels: {app: ...}}");
    }

    /// <summary>Lists are read of reference types.</summary>
    private sealed record Boxed(PolicyTargetReference Value);
}
