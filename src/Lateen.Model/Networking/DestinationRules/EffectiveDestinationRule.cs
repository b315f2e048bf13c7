using System.Collections.Immutable;

namespace Lateen.Model.Networking;

/// <summary>
/// What holds for a host: one DestinationRule, or several of the same namespace, host, visibility and selector merged. Subsets are
/// concatenated, the first of a name wins; the first top-level policy wins; oldest rule first.
/// </summary>
public sealed class EffectiveDestinationRule
{
    internal EffectiveDestinationRule(
        string host, ExportScope exportTo, StringMap<string>? workloadSelector, ImmutableArray<Resource<DestinationRule>> sources)
    {
        Host = host;
        ExportTo = exportTo;
        WorkloadSelector = workloadSelector;
        Sources = sources;
        foreach (var source in sources) TrafficPolicy ??= source.Spec.TrafficPolicy;
        Subsets = [.. sources.SelectMany(source => source.Spec.Subsets).DistinctBy(subset => subset.Name)];
    }

    /// <summary>Whole and lower case; may be a wildcard.</summary>
    public string Host { get; }

    public ExportScope ExportTo { get; }

    public StringMap<string>? WorkloadSelector { get; }

    /// <summary>Oldest first; never empty.</summary>
    public ImmutableArray<Resource<DestinationRule>> Sources { get; }

    public TrafficPolicy? TrafficPolicy { get; }

    public ImmutableArray<Subset> Subsets { get; }

    public Subset? Subset(string name)
    {
        foreach (var subset in Subsets)
            if (subset.Name == name) return subset;
        return null;
    }

    /// <summary>The policy for a port of the whole host (<paramref name="subset"/> null) or of a subset; see
    /// <see cref="TrafficPolicyInheritance"/>.</summary>
    public TrafficPolicy? PolicyFor(Subset? subset, int port) =>
        TrafficPolicyInheritance.For(TrafficPolicy, subset?.TrafficPolicy, port);
}
