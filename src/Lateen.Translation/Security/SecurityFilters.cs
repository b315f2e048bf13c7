using System.Collections.Immutable;
using Envoy.Config.Rbac.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Type.Matcher.V3;
using Lateen.Model;
using Lateen.Model.Security;
using HttpRbac = Envoy.Extensions.Filters.Http.Rbac.V3.RBAC;
using NetworkFilter = Envoy.Config.Listener.V3.Filter;
using NetworkRbac = Envoy.Extensions.Filters.Network.Rbac.V3.RBAC;
using RbacAction = Envoy.Config.Rbac.V3.RBAC.Types.Action;

namespace Lateen.Translation.Security;

/// <summary>
/// The filters that enforce the policies of one workload, in Istio's order: CUSTOM (a shadow rule, then the authorizer for what it matched), tokens, then
/// AUDIT, DENY and ALLOW.
/// </summary>
internal static class SecurityFilters
{
    public const string TcpStatPrefix = "tcp.";

    private const string HttpRbacName = "envoy.filters.http.rbac";
    private const string NetworkRbacName = "envoy.filters.network.rbac";

    /// <summary>Istio's prefixes of the shadow rules' statistics and metadata.</summary>
    private const string CustomPrefix = "istio_ext_authz_";
    private const string DryRunAllowPrefix = "istio_dry_run_allow_";
    private const string DryRunDenyPrefix = "istio_dry_run_deny_";

    /// <summary>Begins the name of each rule of a CUSTOM policy, by which the authorizer's filter knows that one matched.</summary>
    private const string CustomRule = "istio-ext-authz";

    /// <summary>Ends the name of a CUSTOM rule that has nobody to ask.</summary>
    private const string BadCustomRule = "deny-due-to-bad-CUSTOM-action";

    /// <summary>What the shadow rules leave in the metadata: the name of the rule that matched.</summary>
    private const string EffectivePolicyKey = "shadow_effective_policy_id";

    public static WorkloadSecurity Of(
        MeshSnapshot snapshot, string proxyNamespace, ImmutableArray<Resource<AuthorizationPolicy>> authorization,
        ImmutableArray<Resource<RequestAuthentication>> authentication, FetchedKeySets keys)
    {
        var domains = new TrustDomains(snapshot.Mesh);
        var requests = ImmutableArray.CreateBuilder<HttpFilter>();
        var connections = ImmutableArray.CreateBuilder<NetworkFilter>();
        var authorizers = ImmutableArray.CreateBuilder<ExternalAuthorizer>();
        var notices = ImmutableArray.CreateBuilder<string>();
        var custom = authorization.Where(policy => policy.Spec.Action == AuthorizationAction.Custom).GroupBy(policy => policy.Spec.Provider!).ToList();
        foreach (var group in custom)
        {
            var authorizer = ExternalAuthorizers.Find(snapshot, group.Key, proxyNamespace, out string? reason);
            if (authorizer is not null) authorizers.Add(authorizer);
            else notices.Add($"{reason}: what {string.Join(", ", group.Select(policy => policy.Key))} matches is denied");
            var marks = new CustomMarks([.. group], custom.Count == 1 ? "" : group.Key, domains);
            requests.AddRange(marks.ForRequests(authorizer));
            connections.AddRange(marks.ForConnections(authorizer));
        }

        if (JwtAuthentications.Of(authentication, keys) is { } tokens)
            requests.Add(new HttpFilter { Name = "envoy.filters.http.jwt_authn", TypedConfig = Messages.Pack(tokens) });
        Add(AuthorizationAction.Audit, RbacAction.Log, "");
        Add(AuthorizationAction.Deny, RbacAction.Deny, DryRunDenyPrefix);
        Add(AuthorizationAction.Allow, RbacAction.Allow, DryRunAllowPrefix);
        var selecting = authorization.Where(policy => policy.Spec.Scope.Selector.Count > 0).Select(policy => policy.Key)
            .Concat(authentication.Where(policy => policy.Spec.Scope.Selector.Count > 0).Select(policy => policy.Key));
        return new WorkloadSecurity(
            requests.ToImmutable(), connections.ToImmutable(), authorizers.ToImmutable(), string.Join(", ", selecting), notices.ToImmutable());

        void Add(AuthorizationAction action, RbacAction rbacAction, string dryRunPrefix)
        {
            var enforced = authorization.Where(policy => policy.Spec.Action == action && !policy.Spec.IsDryRun).ToList();
            var dryRun = authorization.Where(policy => policy.Spec.Action == action && policy.Spec.IsDryRun).ToList();
            if (enforced.Count == 0 && dryRun.Count == 0) return;
            requests.Add(Filter(Rules(enforced, GuardedTraffic.Requests), Rules(dryRun, GuardedTraffic.Requests), dryRun.Count > 0 ? dryRunPrefix : ""));
            connections.Add(NetworkFilter(Rules(enforced, GuardedTraffic.Connections), Rules(dryRun, GuardedTraffic.Connections), dryRun.Count > 0 ? dryRunPrefix : ""));

            RBAC? Rules(List<Resource<AuthorizationPolicy>> policies, GuardedTraffic traffic) => RbacRules.Of(policies, rbacAction, traffic, domains);
        }
    }

    private static HttpFilter Filter(RBAC? rules, RBAC? shadow, string shadowPrefix) => new()
    {
        Name = HttpRbacName,
        TypedConfig = Messages.Pack(new HttpRbac { Rules = rules, ShadowRules = shadow, ShadowRulesStatPrefix = shadowPrefix, TrackPerRuleStats = true }),
    };

    private static NetworkFilter NetworkFilter(RBAC? rules, RBAC? shadow, string shadowPrefix) => new()
    {
        Name = NetworkRbacName,
        TypedConfig = Messages.Pack(new NetworkRbac { Rules = rules, ShadowRules = shadow, ShadowRulesStatPrefix = shadowPrefix, StatPrefix = TcpStatPrefix }),
    };

    /// <summary>The CUSTOM policies of one provider: rules that mark what they match, and the authorizer that is asked about what is marked.</summary>
    /// <param name="mark">Tells the marks of one provider from another's; empty, as in Istio, where a workload has only one.</param>
    private sealed class CustomMarks(List<Resource<AuthorizationPolicy>> policies, string mark, TrustDomains domains)
    {
        private readonly string _prefix = mark.Length == 0 ? CustomPrefix : $"{CustomPrefix}{mark}_";
        private readonly string _rule = mark.Length == 0 ? CustomRule : $"{CustomRule}-{mark}";

        public ImmutableArray<HttpFilter> ForRequests(ExternalAuthorizer? authorizer)
        {
            if (authorizer is null) return [Filter(Denied(GuardedTraffic.Requests), null, "")];
            var ask = ExternalAuthorizers.ForRequests(authorizer, Matched(HttpRbacName));
            return
            [
                Filter(null, Marked(GuardedTraffic.Requests), _prefix),
                new HttpFilter { Name = "envoy.filters.http.ext_authz", TypedConfig = Messages.Pack(ask) },
            ];
        }

        /// <summary>
        /// Only an authorizer of gRPC can be asked about a connection. A question that is not asked is not answered with yes: where there is none to ask, what the
        /// policies match is denied; Istio lets it through.
        /// </summary>
        public ImmutableArray<NetworkFilter> ForConnections(ExternalAuthorizer? authorizer)
        {
            if (authorizer is not { Provider.Protocol: AuthorizerProtocol.Grpc }) return [NetworkFilter(Denied(GuardedTraffic.Connections), null, "")];
            var ask = ExternalAuthorizers.ForConnections(authorizer, Matched(NetworkRbacName));
            return
            [
                NetworkFilter(null, Marked(GuardedTraffic.Connections), _prefix),
                new NetworkFilter { Name = "envoy.filters.network.ext_authz", TypedConfig = Messages.Pack(ask) },
            ];
        }

        private RBAC Marked(GuardedTraffic traffic) => RbacRules.Of(policies, RbacAction.Deny, traffic, domains, name => $"{_rule}-{name}")!;

        private RBAC Denied(GuardedTraffic traffic) => RbacRules.Of(policies, RbacAction.Deny, traffic, domains, name => $"{_rule}-{name}-{BadCustomRule}")!;

        private MetadataMatcher Matched(string filter) => new()
        {
            Filter = filter,
            Path = { new MetadataMatcher.Types.PathSegment { Key = _prefix + EffectivePolicyKey } },
            Value = new ValueMatcher { StringMatch = new StringMatcher { Prefix = _rule } },
        };
    }
}
