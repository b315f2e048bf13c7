using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Lateen.Model.Security;

/// <summary>
/// The PeerAuthentications of a snapshot, and what they add up to for a workload: the mesh's policy (root namespace), the namespace's, the
/// workload's, each overriding the one before unless it is unset, the oldest where several claim one level; then the ports of the
/// workload's policy. A policy with a selector in the root namespace has no effect, not even on workloads there.
/// </summary>
/// <remarks>Immutable and free to share between threads.</remarks>
public sealed class PeerAuthenticationIndex
{
    internal static readonly PeerAuthenticationIndex Empty = new([], MeshConfig.Default);

    private readonly FrozenDictionary<string, NamespacePolicies> _byNamespace;
    private readonly WorkloadMutualTls _ofMesh;

    internal PeerAuthenticationIndex(ImmutableArray<Resource<PeerAuthentication>> oldestFirst, MeshConfig mesh)
    {
        All = oldestFirst;
        OfMesh = oldestFirst.FirstOrDefault(policy => policy.Namespace == mesh.RootNamespace && policy.Spec.Selector is null);
        _ofMesh = Override(WorkloadMutualTls.Default, OfMesh?.Spec);
        _byNamespace = oldestFirst.Where(policy => policy.Namespace != mesh.RootNamespace).GroupBy(policy => policy.Namespace)
            .ToFrozenDictionary(group => group.Key, group => new NamespacePolicies(group, _ofMesh));
    }

    /// <summary>Oldest first.</summary>
    public ImmutableArray<Resource<PeerAuthentication>> All { get; }

    /// <summary>The mesh's policy; null when there is none.</summary>
    public Resource<PeerAuthentication>? OfMesh { get; }

    /// <summary>The policy of a namespace as a whole, which is not the root namespace; null when it has none.</summary>
    public Resource<PeerAuthentication>? OfNamespace(string workloadNamespace) => _byNamespace.GetValueOrDefault(workloadNamespace)?.OfNamespace;

    /// <summary>The policy that names a workload by its labels; null when none does.</summary>
    public Resource<PeerAuthentication>? OfWorkload(string workloadNamespace, StringMap<string> labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        foreach (var own in _byNamespace.GetValueOrDefault(workloadNamespace)?.OfWorkloads ?? [])
            if (own.Policy.Spec.Selector!.Selects(labels)) return own.Policy;
        return null;
    }

    /// <summary>What a workload's ports take. The same object for workloads that the same policies concern.</summary>
    public WorkloadMutualTls For(string workloadNamespace, StringMap<string> labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        if (!_byNamespace.TryGetValue(workloadNamespace, out var policies)) return _ofMesh;
        foreach (var own in policies.OfWorkloads)
            if (own.Policy.Spec.Selector!.Selects(labels)) return own.Effect;
        return policies.Effect;
    }

    private static WorkloadMutualTls Override(WorkloadMutualTls above, PeerAuthentication? policy)
    {
        if (policy is null) return above;
        var mode = policy.Mode == MutualTlsMode.Unset ? above.Mode : policy.Mode;
        if (policy.Selector is null || policy.PortLevelMtls.IsEmpty) return mode == above.Mode ? above : new WorkloadMutualTls(mode, []);
        return new WorkloadMutualTls(
            mode, [.. policy.PortLevelMtls.Select(port => port with { Mode = port.Mode == MutualTlsMode.Unset ? mode : port.Mode })]);
    }

    private sealed class NamespacePolicies
    {
        public NamespacePolicies(IEnumerable<Resource<PeerAuthentication>> oldestFirst, WorkloadMutualTls ofMesh)
        {
            var own = ImmutableArray.CreateBuilder<Resource<PeerAuthentication>>();
            foreach (var policy in oldestFirst)
            {
                if (policy.Spec.Selector is not null) own.Add(policy);
                else OfNamespace ??= policy;
            }

            Effect = Override(ofMesh, OfNamespace?.Spec);
            OfWorkloads = [.. own.Select(policy => (policy, Override(Effect, policy.Spec)))];
        }

        public Resource<PeerAuthentication>? OfNamespace { get; }

        public WorkloadMutualTls Effect { get; }

        /// <summary>Oldest first.</summary>
        public ImmutableArray<(Resource<PeerAuthentication> Policy, WorkloadMutualTls Effect)> OfWorkloads { get; }
    }
}
