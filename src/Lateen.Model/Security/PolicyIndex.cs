using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Lateen.Model.Security;

/// <summary>
/// The policies of one kind and which of them concern a workload: those of the root namespace, then those of its own, each oldest first (then by name),
/// as Istio orders them.
/// </summary>
/// <remarks>Immutable. Answers list the same objects in the same order as long as nothing about them changed, so a list compares item by item.</remarks>
public sealed class PolicyIndex<TSpec>
    where TSpec : class
{
    internal static readonly PolicyIndex<TSpec> Empty = new([], _ => PolicyScope.Everyone, MeshConfig.Default);

    private readonly FrozenDictionary<string, ImmutableArray<Resource<TSpec>>> _byNamespace;
    private readonly Func<TSpec, PolicyScope> _scopeOf;
    private readonly ImmutableArray<Resource<TSpec>> _ofRoot;
    private readonly string _rootNamespace;

    internal PolicyIndex(ImmutableArray<Resource<TSpec>> oldestFirst, Func<TSpec, PolicyScope> scopeOf, MeshConfig mesh)
    {
        All = oldestFirst;
        _scopeOf = scopeOf;
        _rootNamespace = mesh.RootNamespace;
        _byNamespace = oldestFirst.GroupBy(policy => policy.Namespace).ToFrozenDictionary(group => group.Key, group => group.ToImmutableArray());
        _ofRoot = _byNamespace.GetValueOrDefault(_rootNamespace, []);
    }

    /// <summary>Oldest first.</summary>
    public ImmutableArray<Resource<TSpec>> All { get; }

    /// <summary>The policies that concern a workload, a gateway's proxy included.</summary>
    public ImmutableArray<Resource<TSpec>> For(string workloadNamespace, StringMap<string> labels)
    {
        ArgumentNullException.ThrowIfNull(workloadNamespace);
        ArgumentNullException.ThrowIfNull(labels);
        var own = workloadNamespace == _rootNamespace ? [] : _byNamespace.GetValueOrDefault(workloadNamespace, []);
        if (_ofRoot.IsEmpty && own.IsEmpty) return [];
        var concerned = ImmutableArray.CreateBuilder<Resource<TSpec>>(_ofRoot.Length + own.Length);
        foreach (var policy in _ofRoot)
            if (_scopeOf(policy.Spec).Includes(labels)) concerned.Add(policy);
        foreach (var policy in own)
            if (_scopeOf(policy.Spec).Includes(labels)) concerned.Add(policy);
        return concerned.ToImmutable();
    }
}
