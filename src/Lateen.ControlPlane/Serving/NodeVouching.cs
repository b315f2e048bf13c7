using System.Collections.Immutable;
using Lateen.Identity.Joining;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation;

namespace Lateen.ControlPlane.Serving;

/// <summary>
/// Namespace and service account are proven by a certificate; node type and labels are the proxy's word, and by them Gateways, and with those private keys, are
/// chosen. So the word has to be vouched for: by what the operator granted the account when it issued a join token, or by a WorkloadEntry or an endpoint of a
/// ServiceEntry that names the account. A gateway that nobody vouches for is denied; a proxy with labels that nobody vouches for gets its configuration and no
/// content of Secrets (ADR 0035).
/// </summary>
/// <remarks>
/// Used by the worker alone. Who is granted what it claims, and who needs no Secret, costs a lookup; the entries are indexed when somebody else comes, once for
/// each change of theirs.
/// </remarks>
internal sealed class NodeVouching(NodeGrantTable grants)
{
    private ImmutableArray<Resource> _workloads = [], _services = [];
    private ILookup<(string Namespace, string Account), StringMap<string>> _entries = Array.Empty<int>().ToLookup(static _ => ("", ""), static _ => StringMap<string>.Empty);

    /// <param name="needsSecrets">The proxy's configuration names the content of Secrets; without that, labels are not looked at.</param>
    public NodeStanding Judge(ProxyIdentity node, string serviceAccount, MeshSnapshot snapshot, bool needsSecrets)
    {
        bool isGateway = node.Type == ProxyType.Router;
        var granted = grants.Of(node.Namespace, serviceAccount).Where(grant => grant.IsGateway || !isGateway).ToArray();
        if (Array.Exists(granted, grant => Covers(grant, node.Labels))) return NodeStanding.Full;
        if (!isGateway && (!needsSecrets || node.Labels.Count == 0)) return NodeStanding.Full;

        var entries = Entries(snapshot)[(node.Namespace, serviceAccount)].Where(labels => !isGateway || IsOfGateway(snapshot, labels)).ToArray();
        if (Array.Exists(entries, labels => node.Labels.Selects(labels))) return NodeStanding.Full;
        if (isGateway && granted.Length == 0 && entries.Length == 0)
        {
            return new NodeStanding(
                $"it says that it is a gateway, and nobody vouches that {node.Namespace}/{serviceAccount} is one: join it with a token of `lateen bootstrap gateway --identity` "
                + "or `lateen ca issue-token --gateway`, or name the account in a WorkloadEntry that a Gateway selects", null);
        }

        if (!needsSecrets) return NodeStanding.Full;
        return new NodeStanding(null,
            $"nobody vouches that {node.Namespace}/{serviceAccount} has the labels of this proxy, so it is given no content of Secrets: connections that need it are refused; "
            + "join it with a token that says them (`lateen bootstrap --identity`, `lateen ca issue-token --label`), or name account and labels in a WorkloadEntry");
    }

    private static bool Covers(NodeGrant grant, StringMap<string> claimed) =>
        claimed.All(label => grant.Labels.TryGetValue(label.Key, out string? value) && value == label.Value);

    /// <summary>A Gateway without a selector is every gateway's: it makes none of a workload.</summary>
    private static bool IsOfGateway(MeshSnapshot snapshot, StringMap<string> labels) =>
        snapshot.Gateways.All.Any(gateway => gateway.Spec.Selector.Count > 0 && gateway.Spec.Selector.Selects(labels));

    private ILookup<(string Namespace, string Account), StringMap<string>> Entries(MeshSnapshot snapshot)
    {
        var workloads = snapshot.Resources(ResourceKind.WorkloadEntry);
        var services = snapshot.Resources(ResourceKind.ServiceEntry);
        // A kind that did not change is the same array.
        if (_workloads == workloads && _services == services) return _entries;
        _entries = workloads.Cast<Resource<WorkloadEntry>>()
            .Select(entry => (entry.Namespace, entry.Spec.ServiceAccount, Labels: EndpointBinding.LabelsOf(entry)))
            .Concat(services.Cast<Resource<ServiceEntry>>().SelectMany(entry => entry.Spec.Endpoints, (entry, endpoint) => (entry.Namespace, endpoint.ServiceAccount, endpoint.Labels)))
            .Where(static entry => entry.ServiceAccount is { Length: > 0 })
            .ToLookup(static entry => (entry.Namespace, entry.ServiceAccount!), static entry => entry.Labels);
        (_workloads, _services) = (workloads, services);
        return _entries;
    }
}
