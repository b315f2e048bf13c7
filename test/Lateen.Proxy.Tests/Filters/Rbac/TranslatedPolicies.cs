using System.Collections.Immutable;
using System.Net;
using System.Text;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Http;
using Lateen.Model;
using Lateen.Model.Security;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters.Metadata;
using Lateen.Proxy.Filters.Rbac;
using Lateen.Translation;
using HttpRbac = Envoy.Extensions.Filters.Http.Rbac.V3.RBAC;
using NetworkRbac = Envoy.Extensions.Filters.Network.Rbac.V3.RBAC;
using PathNormalization = Lateen.Http.PathNormalization;

namespace Lateen.Proxy.Tests.Filters.Rbac;

/// <summary>What becomes of a request, who said so, and which dry-run rules matched.</summary>
/// <param name="DryRun">Names parted by spaces; a question mark for what is denied, where later filters are not asked.</param>
/// <param name="Audited">The AUDIT rule that matched; a question mark as well.</param>
internal sealed record PolicyVerdict(bool IsDenied, bool IsAsked, string Decisive, string DryRun, string Audited)
{
    public override string ToString() => $"{(IsDenied ? "denied" : IsAsked ? "ask" : "allowed")} by '{Decisive}', dry-run '{DryRun}', audit '{Audited}'";
}

/// <summary>
/// AuthorizationPolicies of the namespace <c>shop</c> on their whole way: read, translated for a sidecar and compiled by the proxy; and beside it as <c>lateen authz check</c>
/// judges them. The two know nothing of each other.
/// </summary>
internal sealed class TranslatedPolicies
{
    private const string Workload =
        """

        ---
        apiVersion: networking.istio.io/v1
        kind: Sidecar
        metadata: {name: web, namespace: shop}
        spec:
          ingress:
          - {port: {number: 9080, name: http, protocol: HTTP}, captureMode: NONE}
          - {port: {number: 9100, name: tcp, protocol: TCP}, captureMode: NONE}
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {name: authz, namespace: shop}
        spec: {hosts: [authz.shop.svc.cluster.local], resolution: STATIC, ports: [{number: 9000, name: grpc, protocol: GRPC}], endpoints: [{address: 10.0.0.9}]}
        """;

    private static readonly ProxyIdentity Sidecar = new()
    {
        Type = ProxyType.Sidecar,
        Id = "sidecar~127.0.0.1~web.shop~shop.svc.cluster.local",
        Ip = "127.0.0.1",
        Name = "web",
        Namespace = "shop",
        WorkloadName = "web",
    };

    private readonly MeshSnapshot _snapshot;
    private readonly ImmutableArray<Resource<AuthorizationPolicy>> _policies;

    private TranslatedPolicies(MeshSnapshot snapshot)
    {
        _snapshot = snapshot;
        _policies = snapshot.AuthorizationPolicies.For("shop", StringMap<string>.Empty);
        var resources = new Translator().Translate(snapshot, Sidecar);
        Http = Filters(resources, "127.0.0.1_9080", isHttp: true);
        Tcp = Filters(resources, "127.0.0.1_9100", isHttp: false);
    }

    /// <summary>The rules of the RBAC filters in their order, for requests.</summary>
    public IReadOnlyList<(RbacRules? Enforced, RbacRules? Shadow)> Http { get; }

    /// <summary>The same for connections.</summary>
    public IReadOnlyList<(RbacRules? Enforced, RbacRules? Shadow)> Tcp { get; }

    /// <param name="yaml">Policies, and mesh settings if any.</param>
    /// <returns>Null for what the control plane refuses.</returns>
    public static TranslatedPolicies? Of(string yaml)
    {
        var read = ResourceReader.Read(yaml + Workload, "given.yaml");
        return read.Diagnostics.Any(static found => found.IsError) ? null : new TranslatedPolicies(MeshSnapshotBuilder.Build(null, [.. read.Resources], 1));
    }

    /// <summary>What the check says.</summary>
    public PolicyVerdict Checked(DescribedRequest request) => Of(AuthorizationDecision.Of(_policies, _snapshot.Mesh, request));

    private static PolicyVerdict Of(AuthorizationVerdict verdict)
    {
        bool isDenied = verdict.Outcome == AuthorizationOutcome.Denied;
        var dryRun = verdict.AlsoMatched.Where(static rule => rule.Policy.Spec.IsDryRun).GroupBy(static rule => rule.Policy.Spec.Action).Select(static group => First(group));
        return new PolicyVerdict(
            isDenied, verdict.Outcome == AuthorizationOutcome.LeftToAuthorizer, verdict.Rule?.Name ?? "", isDenied ? "?" : string.Join(' ', dryRun.Order(StringComparer.Ordinal)),
            isDenied ? "?" : First(verdict.AlsoMatched.Where(static rule => rule.Policy.Spec.Action == AuthorizationAction.Audit)));

        static string First(IEnumerable<MatchedRule> rules) => rules.Select(static rule => rule.Name).Min(StringComparer.Ordinal) ?? "";
    }

    /// <summary>What the proxy's filters say; null for a request that it refuses before any rule is asked.</summary>
    public PolicyVerdict? Judged(DescribedRequest request)
    {
        if (Subject(request, _snapshot.Mesh) is not { } subject) return null;
        string allowing = "", asking = "", audited = "";
        var dryRun = new List<string>();
        foreach (var (enforced, shadow) in request.IsHttp ? Http : Tcp)
        {
            if (shadow is not null && shadow.Evaluate(subject) is { Policy: >= 0 } marked)
            {
                string name = shadow.Policies[marked.Policy].Name;
                if (!name.StartsWith("istio-ext-authz-", StringComparison.Ordinal)) dryRun.Add(name);
                else if (asking.Length == 0) asking = RuleOf(name);
            }

            if (enforced is null) continue;
            var verdict = enforced.Evaluate(subject);
            string rule = verdict.Policy < 0 ? "" : RuleOf(enforced.Policies[verdict.Policy].Name);
            // The filters behind are not asked; to see their shadow rules is not worth a second pass.
            if (!verdict.IsAllowed) return new PolicyVerdict(IsDenied: true, IsAsked: false, rule, "?", "?");
            if (enforced.Action == RbacAction.Allow) allowing = rule;
            else if (enforced.Action == RbacAction.Log) audited = rule;
        }

        return new PolicyVerdict(IsDenied: false, asking.Length > 0, asking.Length > 0 ? asking : allowing, string.Join(' ', dryRun.Order(StringComparer.Ordinal)), audited);
    }

    /// <summary>The rules of the RBAC filters of a chain in their order, compiled by the proxy.</summary>
    private static List<(RbacRules? Enforced, RbacRules? Shadow)> Filters(ProxyResources resources, string listenerName, bool isHttp)
    {
        var chain = resources.Listeners.Single(listener => listener.Name == listenerName).Parse(Listener.Parser).FilterChains.Last();
        IEnumerable<Any> configurations = isHttp
            ? chain.Filters[^1].TypedConfig.Unpack<HttpConnectionManager>().HttpFilters.Where(static filter => filter.TypedConfig.Is(HttpRbac.Descriptor)).Select(static filter => filter.TypedConfig)
            : chain.Filters.Where(static filter => filter.TypedConfig.Is(NetworkRbac.Descriptor)).Select(static filter => filter.TypedConfig);
        var filters = new List<(RbacRules?, RbacRules?)>();
        foreach (var configuration in configurations)
        {
            var (rules, shadow) = isHttp
                ? (configuration.Unpack<HttpRbac>().Rules, configuration.Unpack<HttpRbac>().ShadowRules)
                : (configuration.Unpack<NetworkRbac>().Rules, configuration.Unpack<NetworkRbac>().ShadowRules);
            filters.Add((Compile(rules), Compile(shadow)));
        }

        return filters;

        RbacRules? Compile(Envoy.Config.Rbac.V3.RBAC? rules)
        {
            if (rules is null) return null;
            var errors = new ConfigurationErrors();
            var compiled = RbacRules.Compile(rules, FieldPath.Root, errors, isConnection: !isHttp);
            Assert.Equal("", errors.ToString());
            return compiled;
        }
    }

    /// <summary>What stands before and behind the name of a CUSTOM policy's rule says what becomes of it.</summary>
    private static string RuleOf(string name) => name.IndexOf("ns[", StringComparison.Ordinal) is >= 0 and var at
        ? name[at..].Replace("-deny-due-to-bad-CUSTOM-action", "", StringComparison.Ordinal)
        : name;

    private static AuthorizationSubject? Subject(DescribedRequest request, MeshConfig mesh)
    {
        HttpRequestHead? head = null;
        var paths = new PathReadings();
        var metadata = new DynamicMetadata();
        if (request.IsHttp)
        {
            head = new HttpRequestHead();
            var policy = PathPolicy.For(System.Enum.Parse<PathNormalization>(mesh.PathNormalization.ToString()));
            if (new Http1RequestParser(new Http1RequestOptions { Path = policy }).Parse(head, Encoding.UTF8.GetBytes(Line(request)), out _) != ParseStatus.Complete) return null;
            head.StripHopByHop();
            paths.Read(head);
            if (!request.Claims.IsEmpty) Leave(request.Claims, metadata.Open("envoy.filters.http.jwt_authn"u8).SetStruct("payload"u8));
        }

        return new AuthorizationSubject
        {
            Request = head,
            Paths = head is null ? null : paths,
            Local = new IPEndPoint(IPAddress.Parse(request.DestinationIp!), request.DestinationPort!.Value),
            DirectRemote = new IPEndPoint(IPAddress.Parse(request.SourceIp!), 40000),
            ConnectionRemote = new IPEndPoint(IPAddress.Parse(request.SourceIp!), 40000),
            ToldRemote = request.RemoteIp is { } told ? IPAddress.Parse(told) : null,
            Peer = request.Principal is { } principal ? PeerOf(principal) : null,
            ServerName = request.ServerName,
            Metadata = metadata,
        };
    }

    /// <summary>A certificate says who holds it by a URI, or by its subject alone.</summary>
    private static PeerNames PeerOf(string principal)
    {
        byte[] name = Encoding.UTF8.GetBytes(principal);
        if (principal.Contains("://", StringComparison.Ordinal)) return new PeerNames([name], [], default);
        return principal.Contains('=', StringComparison.Ordinal)
            ? new PeerNames([], ["shop.example"u8.ToArray()], name)
            : new PeerNames([Encoding.UTF8.GetBytes(TrustDomains.SpiffeScheme + principal)], [], default);
    }

    private static void Leave(ImmutableArray<DescribedClaim> claims, MetadataValue payload)
    {
        foreach (var claim in claims)
        {
            var place = payload;
            foreach (string step in claim.Path.AsSpan()[..^1]) place = place.SetStruct(Encoding.UTF8.GetBytes(step));
            byte[] key = Encoding.UTF8.GetBytes(claim.Path[^1]);
            if (claim.Values is [var only])
            {
                place.Set(key, Encoding.UTF8.GetBytes(only));
                continue;
            }

            var list = place.SetList(key);
            foreach (string value in claim.Values) list.Add(Encoding.UTF8.GetBytes(value));
        }
    }

    /// <summary>The request as a client writes it.</summary>
    public static string Line(DescribedRequest request)
    {
        var text = new StringBuilder($"{request.Method} {request.Path} HTTP/1.1\r\nHost: {request.Host}\r\n");
        foreach (var (name, values) in request.Headers)
            foreach (string value in values) text.Append($"{name}: {value}\r\n");
        return text.Append("\r\n").ToString();
    }
}
