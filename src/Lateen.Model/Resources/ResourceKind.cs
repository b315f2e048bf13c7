using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Lateen.Model;

/// <summary>
/// A kind that this release serves: its API group, its name as written in <c>kind:</c>, the versions accepted in <c>apiVersion:</c>, and the
/// names under which a person may ask for it. Instances are the static members and compare by reference.
/// </summary>
/// <remarks>A kind carries its group because Istio and the Kubernetes Gateway API both have a <c>Gateway</c>.</remarks>
public sealed class ResourceKind : IComparable<ResourceKind>
{
    private static readonly ImmutableArray<string> NetworkingVersions = ["v1", "v1beta1", "v1alpha3"];
    private static readonly ImmutableArray<string> SecurityVersions = ["v1", "v1beta1"];

    public static readonly ResourceKind VirtualService =
        new("networking.istio.io", "VirtualService", "virtualservices", ["vs"], NetworkingVersions);

    public static readonly ResourceKind DestinationRule =
        new("networking.istio.io", "DestinationRule", "destinationrules", ["dr"], NetworkingVersions);

    public static readonly ResourceKind Gateway =
        new("networking.istio.io", "Gateway", "gateways", ["gw"], NetworkingVersions);

    public static readonly ResourceKind ServiceEntry =
        new("networking.istio.io", "ServiceEntry", "serviceentries", ["se"], NetworkingVersions);

    public static readonly ResourceKind WorkloadEntry =
        new("networking.istio.io", "WorkloadEntry", "workloadentries", ["we"], NetworkingVersions);

    public static readonly ResourceKind Sidecar =
        new("networking.istio.io", "Sidecar", "sidecars", ["sc"], NetworkingVersions);

    public static readonly ResourceKind PeerAuthentication =
        new("security.istio.io", "PeerAuthentication", "peerauthentications", ["pa"], SecurityVersions);

    public static readonly ResourceKind RequestAuthentication =
        new("security.istio.io", "RequestAuthentication", "requestauthentications", ["ra"], SecurityVersions);

    public static readonly ResourceKind AuthorizationPolicy =
        new("security.istio.io", "AuthorizationPolicy", "authorizationpolicies", ["ap"], SecurityVersions);

    public static readonly ResourceKind Service = new("", "Service", "services", ["svc"], ["v1"]);

    /// <summary>Certificates, keys and roots; what it holds is shown to nobody.</summary>
    public static readonly ResourceKind Secret = new("", "Secret", "secrets", [], ["v1"]);

    public static readonly ResourceKind EndpointSlice = new("discovery.k8s.io", "EndpointSlice", "endpointslices", ["ep"], ["v1", "v1beta1"]);

    /// <summary>The mesh-wide settings. Read from a <c>kind: MeshConfig</c> document of <c>mesh.istio.io/v1alpha1</c> or from Istio's
    /// ConfigMap (key <c>mesh</c>); there is one per mesh, so its key is always <see cref="ResourceKey.Mesh"/>.</summary>
    public static readonly ResourceKind MeshConfig = new("mesh.istio.io", "MeshConfig", "meshconfigs", ["mesh"], ["v1alpha1"]);

    /// <summary>Every kind that this release serves, in the order in which lists show them.</summary>
    public static readonly ImmutableArray<ResourceKind> All =
    [
        VirtualService, DestinationRule, Gateway, ServiceEntry, WorkloadEntry, Sidecar, PeerAuthentication, RequestAuthentication, AuthorizationPolicy,
        Service, EndpointSlice, Secret, MeshConfig,
    ];

    private static readonly FrozenDictionary<string, ResourceKind> ByAnyName = All
        .SelectMany(kind => kind.ShortNames.Append(kind.Plural).Append(kind.Name.ToLowerInvariant()).Distinct().Select(name => (name, kind)))
        .ToFrozenDictionary(pair => pair.name, pair => pair.kind, StringComparer.OrdinalIgnoreCase);

    private ResourceKind(string group, string name, string plural, ImmutableArray<string> shortNames, ImmutableArray<string> versions)
    {
        Group = group;
        Name = name;
        Plural = plural;
        ShortNames = shortNames;
        Versions = versions;
    }

    /// <summary>API group; empty for the Kubernetes core group.</summary>
    public string Group { get; }

    /// <summary>The word in <c>kind:</c>.</summary>
    public string Name { get; }

    /// <summary>Lower-case plural, as in a Kubernetes URL.</summary>
    public string Plural { get; }

    public ImmutableArray<string> ShortNames { get; }

    /// <summary>Accepted versions, preferred first. All versions of a kind have the same fields.</summary>
    public ImmutableArray<string> Versions { get; }

    /// <summary>The <c>apiVersion:</c> that new documents should carry.</summary>
    public string ApiVersion => Group.Length == 0 ? Versions[0] : $"{Group}/{Versions[0]}";

    /// <summary>Finds a kind by name, plural or short name, whatever the case, as a person types it: <c>vs</c>, <c>VirtualService</c>.</summary>
    public static ResourceKind? Find(string name) => ByAnyName.GetValueOrDefault(name);

    /// <summary>Finds a kind by API group and <c>kind:</c>, both exact; null when this release does not serve it.</summary>
    public static ResourceKind? Find(string group, string name)
    {
        foreach (var kind in All)
            if (kind.Name == name && kind.Group == group) return kind;
        return null;
    }

    /// <summary>Orders by name, then group.</summary>
    public int CompareTo(ResourceKind? other)
    {
        if (other is null) return 1;
        var byName = string.CompareOrdinal(Name, other.Name);
        return byName != 0 ? byName : string.CompareOrdinal(Group, other.Group);
    }

    public override string ToString() => Name;
}
