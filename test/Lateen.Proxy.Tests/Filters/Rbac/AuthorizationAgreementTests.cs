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

/// <summary>
/// What <c>lateen authz check</c> says of a request is what a proxy does with it: policies and requests are generated, the policies are judged as they are written,
/// and also translated, compiled by the proxy and asked as its filters ask them. The two know nothing of each other.
/// </summary>
public sealed class AuthorizationAgreementTests
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

    private static readonly ProxyIdentity Proxy = new()
    {
        Type = ProxyType.Sidecar,
        Id = "sidecar~127.0.0.1~web.shop~shop.svc.cluster.local",
        Ip = "127.0.0.1",
        Name = "web",
        Namespace = "shop",
        WorkloadName = "web",
    };

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void The_check_and_the_proxy_say_the_same_and_name_the_same_rule(int quarter)
    {
        const int perQuarter = 100;
        const int requests = 30;
        int compared = 0, decided = 0;
        for (int seed = quarter * perQuarter; seed < (quarter + 1) * perQuarter; seed++)
        {
            var generated = new GeneratedPolicies(seed).Generate();
            var read = ResourceReader.Read(generated.Yaml + Workload, "generated.yaml");
            // The generator writes what users may write; what a rule of the reader forbids is no case.
            if (read.Diagnostics.Any(static found => found.IsError)) continue;
            var snapshot = MeshSnapshotBuilder.Build(null, [.. read.Resources], 1);
            var policies = snapshot.AuthorizationPolicies.For("shop", StringMap<string>.Empty);
            var resources = new Translator().Translate(snapshot, Proxy);
            var http = Filters(resources, "127.0.0.1_9080", isHttp: true);
            var tcp = Filters(resources, "127.0.0.1_9100", isHttp: false);
            for (int i = 0; i < requests; i++)
            {
                var request = generated.Request(isHttp: i % 5 != 0);
                if (Judged(request, snapshot.Mesh, request.IsHttp ? http : tcp) is not { } actual) continue;
                var expected = Expected(AuthorizationDecision.Of(policies, snapshot.Mesh, request));
                Assert.True(expected == actual, $"seed {seed}, request {i}: the check says {expected}, the proxy {actual}\n{Line(request)}\n{generated.Yaml}");
                compared++;
                if (actual.Decisive.Length > 0) decided++;
            }
        }

        // A generator whose policies are refused or never match would agree about nothing.
        Assert.InRange(compared, perQuarter * requests / 3, int.MaxValue);
        Assert.InRange(decided, compared / 4, int.MaxValue);
    }

    private sealed record Verdict(bool IsDenied, bool IsAsked, string Decisive, string DryRun)
    {
        public override string ToString() => $"{(IsDenied ? "denied" : IsAsked ? "ask" : "allowed")} by '{Decisive}', dry-run '{DryRun}'";
    }

    private static Verdict Expected(AuthorizationVerdict verdict) => new(
        verdict.Outcome == AuthorizationOutcome.Denied, verdict.Outcome == AuthorizationOutcome.LeftToAuthorizer, verdict.Rule?.Name ?? "",
        verdict.Outcome == AuthorizationOutcome.Denied ? "?" : string.Join(
            ' ',
            verdict.AlsoMatched.Where(static rule => rule.Policy.Spec.IsDryRun).GroupBy(static rule => rule.Policy.Spec.Action).OrderBy(static group => group.Key)
                .Select(static group => group.Select(static rule => rule.Name).Min(StringComparer.Ordinal)).Order(StringComparer.Ordinal)));

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

    /// <summary>Null for a request that the proxy refuses before any rule is asked.</summary>
    private static Verdict? Judged(DescribedRequest request, MeshConfig mesh, List<(RbacRules? Enforced, RbacRules? Shadow)> filters)
    {
        if (Subject(request, mesh) is not { } subject) return null;
        string allowing = "", asking = "";
        var dryRun = new List<string>();
        foreach (var (enforced, shadow) in filters)
        {
            if (shadow is not null && shadow.Evaluate(subject) is { Policy: >= 0 } marked)
            {
                string name = shadow.Policies[marked.Policy].Name;
                if (!name.StartsWith("istio-ext-authz-", StringComparison.Ordinal)) dryRun.Add(name);
                else if (asking.Length == 0) asking = RuleOf(name);
            }

            if (enforced is null || enforced.Action == RbacAction.Log) continue;
            var verdict = enforced.Evaluate(subject);
            string rule = verdict.Policy < 0 ? "" : RuleOf(enforced.Policies[verdict.Policy].Name);
            // The filters behind are not asked; to see their shadow rules is not worth a second pass.
            if (!verdict.IsAllowed) return new Verdict(IsDenied: true, IsAsked: false, rule, "?");
            if (enforced.Action == RbacAction.Allow) allowing = rule;
        }

        return new Verdict(IsDenied: false, asking.Length > 0, asking.Length > 0 ? asking : allowing, string.Join(' ', dryRun.Order(StringComparer.Ordinal)));
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
            Peer = request.Principal is { } principal ? new PeerNames([Encoding.UTF8.GetBytes(principal)], [], default) : null,
            ServerName = request.ServerName,
            Metadata = metadata,
        };
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

    private static string Line(DescribedRequest request)
    {
        var text = new StringBuilder($"{request.Method} {request.Path} HTTP/1.1\r\nHost: {request.Host}\r\n");
        foreach (var (name, values) in request.Headers)
            foreach (string value in values) text.Append($"{name}: {value}\r\n");
        return text.Append("\r\n").ToString();
    }
}
