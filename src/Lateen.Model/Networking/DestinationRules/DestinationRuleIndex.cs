using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Lateen.Model.Networking;

/// <summary>
/// The DestinationRules of a snapshot, merged, and Istio's order of looking one up: the client's own namespace, the service's namespace,
/// the root namespace; in each the most specific host that the client may see.
/// </summary>
public sealed class DestinationRuleIndex
{
    internal static readonly DestinationRuleIndex Empty = new([], MeshConfig.Default, previous: null);

    private readonly string _rootNamespace;
    private readonly FrozenDictionary<string, NamespaceRules> _byNamespace;

    internal DestinationRuleIndex(
        ImmutableArray<Resource<DestinationRule>> oldestFirst, MeshConfig mesh, DestinationRuleIndex? previous)
    {
        _rootNamespace = mesh.RootNamespace;
        _byNamespace = oldestFirst.GroupBy(rule => rule.Namespace)
            .ToFrozenDictionary(group => group.Key, group => new NamespaceRules(group, mesh, previous?._byNamespace.GetValueOrDefault(group.Key)));
    }

    /// <summary>The rule that a client proxy applies to a service; null when none does.</summary>
    /// <param name="clientLabels">Labels of the client's workload: rules with a workload selector that matches go before those without.</param>
    public EffectiveDestinationRule? For(MeshService service, string clientNamespace, StringMap<string> clientLabels)
    {
        ArgumentNullException.ThrowIfNull(service);
        return For(service.Hostname, service.Namespace, clientNamespace, clientLabels);
    }

    /// <inheritdoc cref="For(MeshService, string, StringMap{string})"/>
    public EffectiveDestinationRule? For(string hostname, string serviceNamespace, string clientNamespace, StringMap<string> clientLabels)
    {
        // In the root namespace only rules private to it count as the client's own: a public one there is the mesh's default and must not
        // go before the service's own rule.
        var own = Find(clientNamespace, hostname, clientLabels, rule =>
            clientNamespace == _rootNamespace ? rule.ExportTo.IsPrivateTo(clientNamespace) : rule.ExportTo.IsVisibleTo(clientNamespace));
        return own
            ?? Find(serviceNamespace, hostname, clientLabels, rule => IsExportedTo(rule, serviceNamespace, clientNamespace))
            ?? Find(_rootNamespace, hostname, clientLabels, rule => IsExportedTo(rule, _rootNamespace, clientNamespace));
    }

    private static bool IsExportedTo(EffectiveDestinationRule rule, string owner, string clientNamespace) =>
        !rule.ExportTo.IsPrivateTo(owner) && rule.WorkloadSelector is null && rule.ExportTo.IsVisibleTo(clientNamespace);

    private EffectiveDestinationRule? Find(
        string owner, string hostname, StringMap<string> clientLabels, Func<EffectiveDestinationRule, bool> isVisible) =>
        _byNamespace.GetValueOrDefault(owner)?.Find(hostname, clientLabels, isVisible);

    /// <summary>The rules of one namespace by host. Wildcards are kept most specific first.</summary>
    private sealed class NamespaceRules
    {
        private readonly FrozenDictionary<string, ImmutableArray<EffectiveDestinationRule>> _byHost;
        private readonly ImmutableArray<string> _wildcards;

        public NamespaceRules(IEnumerable<Resource<DestinationRule>> oldestFirst, MeshConfig mesh, NamespaceRules? previous)
        {
            var groups = new Dictionary<string, List<(ExportScope Scope, StringMap<string>? Selector, List<Resource<DestinationRule>> Rules)>>();
            foreach (var rule in oldestFirst)
            {
                var host = HostName.Resolve(rule.Spec.Host, rule.Namespace, mesh.ClusterDomain).ToLowerInvariant();
                // A rule for chosen clients never leaves its namespace, whatever it wrote.
                var scope = ExportScope.Resolve(
                    rule.Spec.WorkloadSelector is null ? rule.Spec.ExportTo : ["."], mesh.DefaultDestinationRuleExportTo, rule.Namespace);
                if (!groups.TryGetValue(host, out var candidates)) groups.Add(host, candidates = []);
                var match = candidates.FindIndex(entry =>
                    entry.Scope.Equals(scope) && EqualityComparer<StringMap<string>>.Default.Equals(entry.Selector, rule.Spec.WorkloadSelector));
                if (match >= 0) candidates[match].Rules.Add(rule);
                else candidates.Add((scope, rule.Spec.WorkloadSelector, [rule]));
            }

            _byHost = groups.ToFrozenDictionary(pair => pair.Key, pair => pair.Value
                .Select(entry => Reuse(previous, pair.Key, entry.Scope, entry.Rules)
                    ?? new EffectiveDestinationRule(pair.Key, entry.Scope, entry.Selector, [.. entry.Rules]))
                .ToImmutableArray());
            _wildcards = [.. groups.Keys.Where(HostName.IsWildcard).Order(Comparer<string>.Create(HostName.CompareSpecificity))];
        }

        public EffectiveDestinationRule? Find(string hostname, StringMap<string> labels, Func<EffectiveDestinationRule, bool> isVisible)
        {
            if (_byHost.TryGetValue(hostname, out var exact) && Choose(exact, labels, isVisible) is { } rule) return rule;
            foreach (var wildcard in _wildcards)
                if (HostName.Contains(wildcard, hostname) && Choose(_byHost[wildcard], labels, isVisible) is { } match) return match;
            return null;
        }

        private static EffectiveDestinationRule? Choose(
            ImmutableArray<EffectiveDestinationRule> rules, StringMap<string> labels, Func<EffectiveDestinationRule, bool> isVisible)
        {
            EffectiveDestinationRule? forAll = null;
            foreach (var rule in rules)
            {
                if (!isVisible(rule)) continue;
                if (rule.WorkloadSelector is null) forAll ??= rule;
                else if (rule.WorkloadSelector.Selects(labels)) return rule;
            }

            return forAll;
        }

        /// <summary>The object of the snapshot before, when it was made of the very same resources.</summary>
        private static EffectiveDestinationRule? Reuse(
            NamespaceRules? previous, string host, ExportScope scope, List<Resource<DestinationRule>> rules)
        {
            if (previous is null || !previous._byHost.TryGetValue(host, out var candidates)) return null;
            foreach (var candidate in candidates)
                if (candidate.ExportTo.Equals(scope) && candidate.Sources.SequenceEqual(rules)) return candidate;
            return null;
        }
    }
}
