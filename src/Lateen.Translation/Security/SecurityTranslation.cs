using System.Collections.Immutable;
using Lateen.Model;
using Lateen.Model.Security;
using Lateen.Translation.Outbound;

namespace Lateen.Translation.Security;

/// <summary>The security filters of workloads, remembered by the policies that concern them, and the clusters that those filters ask.</summary>
internal sealed class SecurityTranslation(OutboundMemos clusters)
{
    private readonly Memo<(string Namespace, StringMap<string> Labels), Inputs, WorkloadSecurity> _workloads = new();

    /// <summary>How many workloads' filters are remembered.</summary>
    public int Count => _workloads.Count;

    public WorkloadSecurity Of(MeshSnapshot snapshot, ProxyIdentity proxy, FetchedKeySets keys)
    {
        var authorization = snapshot.AuthorizationPolicies.For(proxy.Namespace, proxy.Labels);
        var authentication = snapshot.RequestAuthentications.For(proxy.Namespace, proxy.Labels);
        if (authorization.IsEmpty && authentication.IsEmpty) return WorkloadSecurity.None;
        // Services are an input only where an authorizer is one of them.
        var services = authorization.Any(policy => policy.Spec.Action == AuthorizationAction.Custom) ? snapshot.Services : null;
        return _workloads.Get(
            (proxy.Namespace, proxy.Labels), new Inputs(authorization, authentication, snapshot.Mesh, services, KeysOf(authentication, keys)), (snapshot, keys),
            static (was, now, _) => was.IsSame(now),
            static (slot, inputs, state) =>
                (inputs, SecurityFilters.Of(state.snapshot, slot.Namespace, inputs.Authorization, inputs.Authentication, state.keys)));
    }

    /// <summary>Adds what the filters ask and the proxy does not hold yet: a Sidecar may keep the authorizer out of what the workload itself can reach.</summary>
    public ProxyResources WithAuthorizers(MeshSnapshot snapshot, ProxyIdentity proxy, WorkloadSecurity security, ProxyResources resources)
    {
        if (!security.Notices.IsEmpty) resources = resources with { Notices = resources.Notices.AddRange(security.Notices) };
        foreach (var authorizer in security.Authorizers)
        {
            if (resources.Clusters.Any(cluster => cluster.Name == authorizer.Cluster)) continue;
            var service = authorizer.Service;
            var known = snapshot.EndpointsOf(service);
            var port = service.Port(authorizer.Provider.Port)!;
            var rule = snapshot.DestinationRules.For(service, proxy.Namespace, proxy.Labels);
            var made = clusters.Clusters(new ClusterSlot(service, port.Number, rule, proxy.HasIdentity), snapshot.Mesh, port, known);
            // The whole service is asked; its subsets are for routes.
            resources = resources with
            {
                Clusters = resources.Clusters.AddRange(made.Clusters.Where(cluster => cluster.Name == authorizer.Cluster)),
                Endpoints = resources.Endpoints.AddRange(
                    made.EndpointSlots.Where(slot => slot.Cluster == authorizer.Cluster).Select(slot => clusters.Endpoints(slot, known.ForPort(authorizer.Provider.Port)))),
            };
        }

        return resources;
    }

    public void EndRound() => _workloads.EndRound();

    /// <summary>The fetched keys that the rules ask for, in their order: other keys may come and go.</summary>
    private static ImmutableArray<JsonWebKeySet?> KeysOf(ImmutableArray<Resource<RequestAuthentication>> policies, FetchedKeySets keys)
    {
        var used = ImmutableArray.CreateBuilder<JsonWebKeySet?>();
        foreach (var policy in policies)
            foreach (var rule in policy.Spec.JwtRules)
                if (KeySource.Of(rule) is { } source) used.Add(keys.Find(source));
        return used.ToImmutable();
    }

    private sealed record Inputs(
        ImmutableArray<Resource<AuthorizationPolicy>> Authorization, ImmutableArray<Resource<RequestAuthentication>> Authentication, MeshConfig Mesh,
        ServiceIndex? Services, ImmutableArray<JsonWebKeySet?> Keys)
    {
        public bool IsSame(Inputs other) =>
            ReferenceEquals(Mesh, other.Mesh) && ReferenceEquals(Services, other.Services) && Authorization.AsSpan().SequenceEqual(other.Authorization.AsSpan())
            && Authentication.AsSpan().SequenceEqual(other.Authentication.AsSpan()) && Keys.AsSpan().SequenceEqual(other.Keys.AsSpan());
    }
}
