using System.Collections.Immutable;

namespace Lateen.Model.Security;

/// <summary>A resource that a policy names as its target: <c>targetRefs[]</c>. It lies in the policy's own namespace.</summary>
/// <param name="Group">API group; empty for the core group.</param>
public readonly record struct PolicyTargetReference(string Group, string Kind, string Name);

/// <summary>
/// Whom a security policy concerns. Without selector and targets every workload of the policy's namespace, or of the mesh when that is the root
/// namespace; with a selector those of them that carry its labels; with targets no workload but the proxies of what it names.
/// </summary>
public sealed record PolicyScope
{
    /// <summary>No selector, no targets.</summary>
    public static readonly PolicyScope Everyone = new();

    /// <summary>Labels of the workloads; empty: all.</summary>
    public StringMap<string> Selector { get; init; } = StringMap<string>.Empty;

    public ImmutableArray<PolicyTargetReference> Targets { get; init; } = [];

    /// <summary>True when a workload of a namespace that the policy reaches is concerned. A policy with targets never concerns one: Istio's rule.</summary>
    public bool Includes(StringMap<string> labels) => Targets.IsEmpty && Selector.Selects(labels);
}
