using System.Globalization;
using System.Net;
using System.Text;
using BenchmarkDotNet.Attributes;
using Envoy.Config.Rbac.V3;
using Envoy.Config.Route.V3;
using Envoy.Type.Matcher.V3;
using Lateen.Http;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters.Metadata;
using Lateen.Proxy.Filters.Rbac;

namespace Lateen.Bench.Micro;

/// <summary>
/// Verdicts of access rules on a parsed request: a hundred policies of which the last fits, or none, as a busy service of a strict mesh has
/// them, and one that asks for claims of a token.
/// </summary>
[MemoryDiagnoser]
public class RbacBenchmarks
{
    private const int Policies = 100;

    private static readonly IPEndPoint Local = IPEndPoint.Parse("10.0.0.1:8080");
    private static readonly IPEndPoint Remote = IPEndPoint.Parse("10.0.0.2:40000");

    private readonly HttpRequestHead _request = new();
    private readonly HttpRequestHead _ambiguous = new();
    private readonly PathReadings _paths = new();
    private readonly DynamicMetadata _metadata = new();
    private readonly PeerNames _peer = new(["spiffe://cluster.local/ns/shop/sa/client-99"u8.ToArray()], [], default);
    private RbacRules _denied = null!;
    private RbacRules _workloads = null!;
    private RbacRules _claims = null!;

    [GlobalSetup]
    public void Setup()
    {
        var denied = new RBAC { Action = RBAC.Types.Action.Deny };
        var workloads = new RBAC { Action = RBAC.Types.Action.Allow };
        for (var i = 0; i < Policies; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"ns[shop]-policy[p]-rule[{i:D3}]");
            denied.Policies.Add(name, Policy(Path(string.Create(CultureInfo.InvariantCulture, $"/internal/{i}")), new Principal { Any = true }));
            workloads.Policies.Add(name, Policy(
                new Permission { AndRules = new Permission.Types.Set { Rules = { Path("/products/1"), Method("GET") } } },
                new Principal { Authenticated = new Principal.Types.Authenticated { PrincipalName = new StringMatcher { Exact = $"spiffe://cluster.local/ns/shop/sa/client-{i}" } } }));
        }

        var claims = new RBAC { Policies = { ["jwt"] = Policy(Path("/products/1"), new Principal { AndIds = new Principal.Types.Set { Ids = { Claim("iss", "issuer"), Claim("sub", "me") } } }) } };
        (_denied, _workloads, _claims) = (Compile(denied), Compile(workloads), Compile(claims));
        Read(_request, "GET /products/1?x=y HTTP/1.1\r\nHost: products\r\nAccept: */*\r\nX-Request-Id: 1\r\n\r\n");
        Read(_ambiguous, "GET /products/a%2Fb;c HTTP/1.1\r\nHost: products\r\nAccept: */*\r\nX-Request-Id: 1\r\n\r\n");
        MetadataValue payload = _metadata.Open("envoy.filters.http.jwt_authn"u8).SetStruct("payload"u8);
        foreach (var claim in new[] { "aud", "exp", "iat", "jti", "azp", "scope" }) payload.Set(Encoding.ASCII.GetBytes(claim), "some value"u8);
        payload.Set("iss"u8, "issuer"u8);
        payload.Set("sub"u8, "me"u8);
        if (!Deny_list_of_100_paths() || !Allow_list_of_100_workloads() || !Claims_of_a_token() || !Path_with_two_readings())
            throw new InvalidOperationException("the rules do not judge as this benchmark means them to");
    }

    [Benchmark]
    public bool Deny_list_of_100_paths() => Evaluate(_denied, _request);

    [Benchmark]
    public bool Allow_list_of_100_workloads() => Evaluate(_workloads, _request);

    [Benchmark]
    public bool Claims_of_a_token() => Evaluate(_claims, _request);

    [Benchmark]
    public bool Path_with_two_readings() => Evaluate(_denied, _ambiguous);

    private bool Evaluate(RbacRules rules, HttpRequestHead request)
    {
        _paths.Read(request);
        return rules.Evaluate(new AuthorizationSubject
        {
            Request = request,
            Paths = _paths,
            Local = Local,
            DirectRemote = Remote,
            ConnectionRemote = Remote,
            Peer = _peer,
            Metadata = _metadata,
        }).IsAllowed;
    }

    private static Policy Policy(Permission permission, Principal principal) => new() { Permissions = { permission }, Principals = { principal } };

    private static Permission Path(string exact) => new() { UrlPath = new PathMatcher { Path = new StringMatcher { Exact = exact } } };

    private static Permission Method(string exact) => new() { Header = new HeaderMatcher { Name = ":method", StringMatch = new StringMatcher { Exact = exact } } };

    private static Principal Claim(string claim, string value) => new()
    {
        Metadata = new MetadataMatcher
        {
            Filter = "envoy.filters.http.jwt_authn",
            Path = { new MetadataMatcher.Types.PathSegment { Key = "payload" }, new MetadataMatcher.Types.PathSegment { Key = claim } },
            Value = new ValueMatcher { StringMatch = new StringMatcher { Exact = value } },
        },
    };

    private static RbacRules Compile(RBAC rules)
    {
        var errors = new ConfigurationErrors();
        return RbacRules.Compile(rules, FieldPath.Root, errors, isConnection: false) ?? throw new InvalidOperationException(errors.ToString());
    }

    private static void Read(HttpRequestHead head, string message)
    {
        if (new Http1RequestParser(new Http1RequestOptions { Path = PathPolicy.For(PathNormalization.Base) }).Parse(head, Encoding.ASCII.GetBytes(message), out _) != ParseStatus.Complete)
            throw new InvalidOperationException(head.Rejection.ToString());
    }
}
