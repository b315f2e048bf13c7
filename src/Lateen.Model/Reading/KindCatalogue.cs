using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Lateen.Model.Reading;

/// <summary>What is known about kinds that Lateen does not serve (yet), so that a user's other YAML is a warning and a slip an error.</summary>
internal static class KindCatalogue
{
    private static readonly FrozenDictionary<string, ImmutableArray<string>> KindsByGroup = new Dictionary<string, ImmutableArray<string>>
    {
        ["networking.istio.io"] =
            ["VirtualService", "DestinationRule", "Gateway", "ServiceEntry", "WorkloadEntry", "WorkloadGroup", "Sidecar", "EnvoyFilter", "ProxyConfig"],
        ["security.istio.io"] = ["PeerAuthentication", "RequestAuthentication", "AuthorizationPolicy"],
        ["telemetry.istio.io"] = ["Telemetry"],
        ["extensions.istio.io"] = ["WasmPlugin", "TrafficExtension"],
        ["install.istio.io"] = ["IstioOperator"],
        ["mesh.istio.io"] = ["MeshConfig"],
        ["gateway.networking.k8s.io"] =
        [
            "Gateway", "GatewayClass", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute", "ReferenceGrant", "BackendTLSPolicy",
            "ListenerSet",
        ],
        [""] =
        [
            "Service", "Endpoints", "Pod", "ConfigMap", "Secret", "Namespace", "ServiceAccount", "Node", "PersistentVolume",
            "PersistentVolumeClaim", "ReplicationController", "LimitRange", "ResourceQuota", "Event", "PodTemplate", "List",
        ],
        ["apps"] = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ControllerRevision"],
        ["batch"] = ["Job", "CronJob"],
        ["autoscaling"] = ["HorizontalPodAutoscaler"],
        ["policy"] = ["PodDisruptionBudget"],
        ["discovery.k8s.io"] = ["EndpointSlice"],
        ["networking.k8s.io"] = ["Ingress", "IngressClass", "NetworkPolicy", "ServiceCIDR", "IPAddress"],
        ["rbac.authorization.k8s.io"] = ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"],
        ["apiextensions.k8s.io"] = ["CustomResourceDefinition"],
        ["admissionregistration.k8s.io"] =
            ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"],
        ["certificates.k8s.io"] = ["CertificateSigningRequest", "ClusterTrustBundle"],
        ["coordination.k8s.io"] = ["Lease"],
        ["storage.k8s.io"] = ["StorageClass", "CSIDriver", "VolumeAttachment"],
        ["scheduling.k8s.io"] = ["PriorityClass"],
    }.ToFrozenDictionary();

    private static readonly ImmutableArray<string> AllKinds = [.. KindsByGroup.Values.SelectMany(kinds => kinds).Distinct()];

    public static bool Knows(string group, string kind) => KindsByGroup.TryGetValue(group, out var kinds) && kinds.Contains(kind);

    /// <summary>True for a group of somebody else's: it has a dot, as every CRD group must, and is neither Istio's nor Kubernetes'.</summary>
    public static bool IsForeign(string group) =>
        group.Contains('.') && !group.EndsWith(".istio.io", StringComparison.Ordinal) && !group.EndsWith(".k8s.io", StringComparison.Ordinal);

    /// <summary>What was probably meant by a group and kind that do not exist together.</summary>
    public static string? Hint(string group, string kind)
    {
        if (KindsByGroup.TryGetValue(group, out var ofGroup) && DidYouMean.Nearest(kind, ofGroup) is { } near)
            return $"did you mean '{near}'?";
        foreach (var served in ResourceKind.All)
            if (served.Name == kind) return $"write apiVersion: {served.ApiVersion}";
        foreach (var (owner, kinds) in KindsByGroup.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            if (kinds.Contains(kind)) return $"{kind} belongs to {(owner.Length == 0 ? "the core group (apiVersion: v1)" : owner)}";
        return DidYouMean.Hint(kind, AllKinds);
    }
}
