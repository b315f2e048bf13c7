using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Lateen.Model.Networking;

/// <summary>The Sidecars of a snapshot, and which one a workload takes.</summary>
public sealed class SidecarIndex
{
    internal static readonly SidecarIndex Empty = new([], MeshConfig.Default);

    private readonly FrozenDictionary<string, ImmutableArray<Resource<Sidecar>>> _byNamespace;
    private readonly string _rootNamespace;

    internal SidecarIndex(ImmutableArray<Resource<Sidecar>> oldestFirst, MeshConfig mesh)
    {
        All = oldestFirst;
        _rootNamespace = mesh.RootNamespace;
        _byNamespace = oldestFirst.GroupBy(sidecar => sidecar.Namespace).ToFrozenDictionary(group => group.Key, group => group.ToImmutableArray());
    }

    /// <summary>Oldest first.</summary>
    public ImmutableArray<Resource<Sidecar>> All { get; }

    /// <summary>
    /// The Sidecar of a workload: one of its namespace whose selector matches, else the namespace's default, else the root namespace's
    /// default; the oldest where several qualify; null: everything that is exported to the namespace is imported. A Sidecar with a
    /// selector in the root namespace concerns that namespace alone. Gateways take none.
    /// </summary>
    public Resource<Sidecar>? For(string workloadNamespace, StringMap<string> labels)
    {
        Resource<Sidecar>? ofNamespace = null;
        foreach (var sidecar in _byNamespace.GetValueOrDefault(workloadNamespace, []))
        {
            if (sidecar.Spec.WorkloadSelector is not { } selector) ofNamespace ??= sidecar;
            else if (selector.Selects(labels)) return sidecar;
        }

        return ofNamespace
            ?? _byNamespace.GetValueOrDefault(_rootNamespace, []).FirstOrDefault(sidecar => sidecar.Spec.WorkloadSelector is null);
    }
}
