using Lateen.Model.Networking;
using Lateen.Model.Security;

namespace Lateen.Model;

/// <summary>Checks of PeerAuthentications against one another, against the endpoints that they concern and against what clients are told to speak.</summary>
internal static class PeerAuthenticationChecks
{
    public static void EachLevelIsSaidOnce(MeshSnapshot snapshot, Findings report)
    {
        var winners = new Dictionary<(string Namespace, StringMap<string>? Selector), Resource<PeerAuthentication>>();
        foreach (var policy in snapshot.PeerAuthentications.All)
        {
            var key = (policy.Namespace, policy.Spec.Selector);
            if (policy.Spec.Selector is not null && policy.Namespace == snapshot.Mesh.RootNamespace)
                report.Add(
                    DiagnosticCodes.SelectorInRootNamespace, policy, "spec.selector",
                    $"'{policy.Namespace}' is the root namespace, where a policy with a selector has no effect, in Istio neither",
                    "put it into the namespace of the workload");
            else if (!winners.TryAdd(key, policy))
                report.Add(
                    DiagnosticCodes.SecondPeerAuthentication, policy, "spec",
                    $"{winners[key]} concerns the same workloads and is older; this one has no effect", "join the two");
        }
    }

    /// <summary>A port of a policy is the workload's, which is easily mistaken for the service's.</summary>
    public static void PortsAreThoseOfWorkloads(MeshSnapshot snapshot, Findings report)
    {
        foreach (var policy in snapshot.PeerAuthentications.All)
        {
            if (policy.Spec is not { Selector: { } selector, PortLevelMtls.IsEmpty: false } || policy.Namespace == snapshot.Mesh.RootNamespace) continue;
            var chosen = new SortedSet<int>();
            var asService = new Dictionary<int, int>();
            foreach (var (_, port, endpoint) in Endpoints(snapshot, policy.Namespace))
            {
                if (!selector.Selects(endpoint.Labels)) continue;
                chosen.Add(endpoint.Port);
                asService.TryAdd(port.Number, endpoint.Port);
            }

            foreach (var (port, _) in policy.Spec.PortLevelMtls)
                if (chosen.Count > 0 && !chosen.Contains(port))
                    report.Add(
                        DiagnosticCodes.UnknownWorkloadPort, policy, $"spec.portLevelMtls[\"{port}\"]",
                        $"none of the endpoints with these labels has the port {port}",
                        asService.TryGetValue(port, out var own)
                            ? $"{port} is the service's port; the workload's is {own}"
                            : $"they have {string.Join(", ", chosen)}");
        }
    }

    /// <summary>Clients speak plaintext to an endpoint that is not labelled, and a STRICT one refuses that.</summary>
    public static void StrictEndpointsHaveAnIdentity(MeshSnapshot snapshot, Findings report)
    {
        if (snapshot.PeerAuthentications.All.IsEmpty) return;
        var reported = new HashSet<(Resource, string)>();
        foreach (var (service, _, endpoint) in Endpoints(snapshot, inNamespace: null))
        {
            if (endpoint is not { MutualTls: MutualTlsMode.Strict, HasIdentity: false }) continue;
            if (Responsible(snapshot, endpoint) is not { } policy || !reported.Add((policy, service.Hostname))) continue;
            report.Add(
                DiagnosticCodes.StrictWithoutIdentity, policy, "spec",
                $"endpoints of {service.Hostname} are STRICT, but nothing says that they have an identity: clients send plaintext, which a STRICT port refuses",
                $"label them {EndpointBinding.TlsModeLabel}: istio when their proxies have one, or make the port PERMISSIVE");
        }
    }

    /// <summary>What a DestinationRule makes clients speak is what the endpoints take.</summary>
    public static void ClientsSpeakWhatServersTake(MeshSnapshot snapshot, Findings report)
    {
        foreach (var rule in snapshot.Resources(ResourceKind.DestinationRule).Cast<Resource<DestinationRule>>())
        {
            if (!SpeaksOfTls(rule.Spec)) continue;
            var host = HostName.Resolve(rule.Spec.Host, rule.Namespace, snapshot.Mesh.ClusterDomain).ToLowerInvariant();
            // Thousands of rules by thousands of services would be compared in vain.
            var services = HostName.IsWildcard(host) ? snapshot.Services.All.Where(service => HostName.Contains(host, service.Hostname)) : snapshot.Services.ByHost(host);
            foreach (var service in services)
            {
                if (service.IsExternal) continue;
                foreach (var port in service.Ports)
                {
                    Compare(snapshot, rule, service, port, null, report);
                    foreach (var subset in rule.Spec.Subsets) Compare(snapshot, rule, service, port, subset, report);
                }
            }
        }
    }

    private static bool SpeaksOfTls(DestinationRule rule) =>
        SpeaksOfTls(rule.TrafficPolicy) || rule.Subsets.Any(subset => SpeaksOfTls(subset.TrafficPolicy));

    private static bool SpeaksOfTls(TrafficPolicy? policy) =>
        policy is not null && (policy.Tls is not null || policy.PortLevelSettings.Any(port => port.Tls is not null));

    private static void Compare(
        MeshSnapshot snapshot, Resource<DestinationRule> rule, MeshService service, MeshServicePort port, Subset? subset, Findings report)
    {
        // A subset that says nothing of TLS was reported with the rule as a whole.
        if (subset is not null && subset.TrafficPolicy is not ({ Tls: not null } or { PortLevelSettings.IsEmpty: false })) return;
        if (TrafficPolicyInheritance.For(rule.Spec.TrafficPolicy, subset?.TrafficPolicy, port.Number)?.Tls is not { } tls) return;
        var path = subset is null ? "spec.trafficPolicy.tls" : $"spec.subsets[{rule.Spec.Subsets.IndexOf(subset)}].trafficPolicy.tls";
        var whom = $"{service.Hostname}:{port.Number}";
        foreach (var endpoint in snapshot.EndpointsOf(service).ForPort(port.Number))
        {
            if (subset is not null && !subset.Labels.Selects(endpoint.Labels)) continue;
            if (tls.Mode == ClientTlsMode.IstioMutual && !endpoint.TakesMutualTls)
            {
                report.Add(
                    DiagnosticCodes.MutualTlsNotTaken, rule, path,
                    endpoint.HasIdentity
                        ? $"clients speak ISTIO_MUTUAL to {whom}, but {Responsible(snapshot, endpoint)} disables it there"
                        : $"clients speak ISTIO_MUTUAL to {whom}, but nothing says that its endpoint {endpoint.Address}:{endpoint.Port} has an identity",
                    endpoint.HasIdentity ? "remove tls: clients then speak what the server takes" : $"label it {EndpointBinding.TlsModeLabel}: istio, or remove tls");
                return;
            }

            if (tls.Mode == ClientTlsMode.IstioMutual || endpoint is not { MutualTls: MutualTlsMode.Strict, HasIdentity: true }) continue;
            report.Add(
                DiagnosticCodes.PlaintextToStrict, rule, path,
                $"{Responsible(snapshot, endpoint)} lets only mutual TLS of the mesh into {whom}, and this rule makes clients speak "
                    + (tls.Mode == ClientTlsMode.Disable ? "plaintext" : "TLS of another kind"),
                "remove tls: clients then speak what the server takes");
            return;
        }
    }

    /// <summary>The policy that speaks last of an endpoint; null when none does.</summary>
    private static Resource<PeerAuthentication>? Responsible(MeshSnapshot snapshot, MeshEndpoint endpoint)
    {
        var policies = snapshot.PeerAuthentications;
        var own = policies.OfWorkload(endpoint.Namespace, endpoint.Labels);
        if (own is not null && (own.Spec.Mode != MutualTlsMode.Unset || own.Spec.PortLevelMtls.Any(port => port.Port == endpoint.Port))) return own;
        var ofNamespace = policies.OfNamespace(endpoint.Namespace);
        return ofNamespace is { Spec.Mode: not MutualTlsMode.Unset } ? ofNamespace : policies.OfMesh;
    }

    private static IEnumerable<(MeshService Service, MeshServicePort Port, MeshEndpoint Endpoint)> Endpoints(MeshSnapshot snapshot, string? inNamespace)
    {
        foreach (var service in snapshot.Services.All)
        {
            if (service.IsExternal || (inNamespace is not null && service.Namespace != inNamespace)) continue;
            foreach (var port in service.Ports)
                foreach (var endpoint in snapshot.EndpointsOf(service).ForPort(port.Number)) yield return (service, port, endpoint);
        }
    }
}
