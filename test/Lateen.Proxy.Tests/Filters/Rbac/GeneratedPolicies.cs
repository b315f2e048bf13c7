using System.Collections.Immutable;
using System.Text;
using Lateen.Model;
using Lateen.Model.Security;

namespace Lateen.Proxy.Tests.Filters.Rbac;

/// <summary>
/// AuthorizationPolicies and requests out of a number: the same number gives the same ones. Values come from few words, so that rules match often, and among the
/// requests are those that servers read in different ways.
/// </summary>
internal sealed class GeneratedPolicies(int seed)
{
    private static readonly string[] Paths =
    [
        "/", "/admin", "/admin/", "/admin/users", "/public/..%2Fadmin", "/public/%2e%2e/admin", "/admin;x=1", "//admin", "/%61dmin", "/admin%00", "/a%zz", "/orders/1/items",
        "/orders//items", "/orders/1%2F2/items", "/static/", "/static", "/static/x/y.jpg", "/admin?x=1", "/x\\admin", "/public%5c..%5cadmin", "/admin/.", "/%C0%AFadmin", "/.git/config",
        "/.x/..%2Fadmin", "/public/;p/x", "/public/%3b/x", "/%E0%80%AF", "/%e2%82%ac", "/a/%2e", "/public/a/..;/..;/admin", "/public/x%2f", "/%2e%2e/admin", "/admin%3Fx", "/public//x?y=//", "/admin%23x", "/admin%0A", "/x%7f/admin",
    ];

    private static readonly string[] PathValues =
    [
        "/admin", "/admin/*", "/admin*", "*/admin", "*.jpg", "*", "/", "/*", "/public/*", "/static", "/static/{**}", "/orders/{*}/items", "/{**}/admin", "/{*}", "/.*", "/public/.*",
        "/public/x", "/admin;x=1", "/public/..%2Fadmin", "*%2Fadmin", "/x/admin", "//admin", "/a/{*}", "/%61dmin", "/public/a/../b", "*/../admin", "/%E2%82%AC",
    ];

    private static readonly string[] Hosts = ["shop.example", "SHOP.example.", "shop.example:8080", "shop.example:08080", "shop.example:", "shop.example..:080", "evil.example", "[::1]:80", "[::1]", "sh%6fp.example", "10.0.0.1"];
    private static readonly string[] HostValues = ["shop.example", "Shop.Example:8080", "*.example", "*example", "shop.*", "shop.example:*", "*", "[::1]", "evil.example", "*:8080", "shop.example.", "10.0.0.1"];
    private static readonly string[] Methods = ["GET", "POST", "delete", "get", "DELETE", "PURGE", "Patch"];
    private static readonly string[] MethodValues = ["GET", "DELETE", "delete", "P*", "*E", "*", "get", "*tch"];
    private static readonly string[] Fields = ["admin", "user", "", "admin,user", "adm", "superadmin"];
    private static readonly string[] FieldValues = ["admin", "adm*", "*min", "*", "user", "admin,user", "*,user", "user,*"];
    private static readonly string[] Principals = ["spiffe://td.example/ns/shop/sa/web", "spiffe://old.example/ns/shop/sa/web", "spiffe://td.example/ns/dev/sa/web", "spiffe://other/ns/shop/sa/cart", "spiffe://td.example/odd", "spiffe://td.example", "CN=web/ns/shop/sa/web", "https://td.example/ns/shop/sa/web", "spiffe://td.example/x/ns/shop/sa/web"];
    private static readonly string[] PrincipalValues = ["td.example/ns/shop/sa/web", "cluster.local/ns/shop/sa/web", "spiffe://td.example/ns/shop/sa/web", "*/ns/shop/*", "*/sa/web", "*", "td.example/*", "old.example/ns/*", "*.example/ns/shop/sa/web", "spiffe://*"];
    private static readonly string[] Addresses = ["10.1.2.3", "10.9.9.9", "192.168.0.1", "::ffff:10.1.2.3", "fd00::1"];
    private static readonly string[] Blocks = ["10.1.2.3", "10.0.0.0/8", "10.1.2.3/20", "0.0.0.0/0", "::/0", "fd00::/8", "::ffff:10.0.0.0/104", "::ffff:10.1.2.3", "::ffff:0:0/90", "192.168.0.0/16"];
    private static readonly string[] Names = ["shop.example", "SHOP.example", "shop.example.", "other"];
    private static readonly string[] NameValues = ["shop.example", "*.example", "Shop.*", "*", "other"];
    private static readonly string[] Issuers = ["https://i.example", "i", ""];
    private static readonly string[] Subjects = ["alice", "a/b", ""];
    private static readonly string[] RequestPrincipalValues = ["https://i.example/alice", "i/a/b", "*", "https://i*", "*/b", "i/*", "*/alice", "i/a/*", "*/a/b", "i", "*i/a/b", "https:*"];
    private static readonly string[] ClaimValues = ["web", "shop*", "*min", "*", "admin"];
    private static readonly string[] Claims = ["web", "shop-2", "admin", ""];

    private readonly List<string> _documents = [];
    private uint _state = (uint)seed * 2654435761u + 1;

    /// <summary>Mesh settings and policies of the namespace <c>shop</c>, as they would be written.</summary>
    public string Yaml { get; private set; } = "";

    /// <summary>The words of the policies, and a mesh of two trust domains and one known authorizer.</summary>
    public GeneratedPolicies Generate()
    {
        string level = Pick("DEFAULT", "DEFAULT", "NONE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES");
        _documents.Add(
            $$$"""
            apiVersion: mesh.istio.io/v1alpha1
            kind: MeshConfig
            trustDomain: td.example
            trustDomainAliases: [old.example]
            pathNormalization: {normalization: {{{level}}}}
            extensionProviders: [{name: authz, envoyExtAuthzGrpc: {service: authz.shop.svc.cluster.local, port: 9000}}, {name: byhttp, envoyExtAuthzHttp: {service: authz.shop.svc.cluster.local, port: 9000}}]
            """);
        int policies = 1 + Below(3);
        for (int i = 0; i < policies; i++) AddPolicy($"{Pick("b", "a", "c")}{i}");
        Yaml = string.Join("\n---\n", _documents);
        return this;
    }

    private void AddPolicy(string name)
    {
        string action = Pick("ALLOW", "ALLOW", "DENY", "DENY", "AUDIT", "CUSTOM");
        bool isCustom = action == "CUSTOM";
        bool isDryRun = action is "ALLOW" or "DENY" && Below(5) == 0;
        var text = new StringBuilder();
        text.Append($"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: {name}, namespace: {Pick("shop", "shop", "istio-system")}");
        if (isDryRun) text.Append(", annotations: {istio.io/dry-run: \"true\"}");
        text.Append($"}}\nspec:\n  action: {action}\n");
        if (isCustom) text.Append($"  provider: {{name: {Pick("authz", "byhttp", "unknown")}}}\n");
        int rules = action == "ALLOW" ? Below(3) : 1 + Below(3);
        text.Append(rules == 0 ? "  rules: []\n" : "  rules:\n");
        for (int i = 0; i < rules; i++) text.Append("  - ").Append(Rule(isCustom)).Append('\n');
        _documents.Add(text.ToString());
    }

    private string Rule(bool isCustom)
    {
        var parts = new List<string>();
        if (Below(2) == 0) parts.Add("from: [" + Several(2, () => $"{{source: {{{Source(isCustom)}}}}}") + "]");
        if (Below(3) > 0) parts.Add("to: [" + Several(2, () => $"{{operation: {{{Operation()}}}}}") + "]");
        if (Below(3) == 0) parts.Add("when: [" + Several(2, () => When(isCustom)) + "]");
        return "{" + string.Join(", ", parts) + "}";
    }

    private string Source(bool isCustom) => Fields2(isCustom
        ? [("ipBlocks", "notIpBlocks", Blocks), ("remoteIpBlocks", "notRemoteIpBlocks", Blocks)]
        :
        [
            ("principals", "notPrincipals", PrincipalValues), ("requestPrincipals", "notRequestPrincipals", RequestPrincipalValues), ("ipBlocks", "notIpBlocks", Blocks),
            ("remoteIpBlocks", "notRemoteIpBlocks", Blocks), ("trustDomains", "notTrustDomains", ["td.example", "cluster.local", "*.example", "o*r", "*"]),
            Below(2) == 0
                ? ("namespaces", "notNamespaces", ["shop", "d*", "*", "s*p"])
                : ("namespaces", "notNamespaces", ["dev", "*op"]),
        ]);

    private string Operation() => Fields2(
    [
        ("paths", "notPaths", PathValues), ("paths", "notPaths", PathValues), ("methods", "notMethods", MethodValues), ("hosts", "notHosts", HostValues),
        ("ports", "notPorts", ["\"9080\"", "\"9100\"", "\"80\""]),
    ]);

    private string When(bool isCustom)
    {
        (string key, string[] values) = Below(isCustom ? 8 : 15) switch
        {
            0 or 1 => ("request.headers[X-Role]", FieldValues),
            2 => ("request.headers[:method]", MethodValues),
            3 => ("request.headers[:path]", ["/admin", "/admin?x=1", "/public*", "*admin", "*"]),
            4 => ("request.headers[Host]", ["shop.example", "SHOP.*", "*", "*:8080"]),
            5 => ("connection.sni", NameValues),
            6 => ("source.ip", Blocks),
            7 => ("destination.ip", ["127.0.0.1", "10.0.0.0/8"]),
            8 => ("request.auth.audiences", ClaimValues),
            9 => ("request.auth.presenter", ClaimValues),
            10 => ("request.auth.claims[realm][roles]", ClaimValues),
            11 => ("source.serviceAccount", ["web", "dev/web", "shop/cart"]),
            12 => ("source.namespace", ["shop", "*e*"]),
            13 => ("request.auth.principal", RequestPrincipalValues),
            _ => ("source.principal", PrincipalValues),
        };
        return $"{{key: \"{key}\", {Lists("values", "notValues", values)}}}";
    }

    private string Fields2((string Field, string NotField, string[] Values)[] fields)
    {
        var chosen = new Dictionary<string, string>();
        int count = 1 + Below(2);
        for (int i = 0; i < count; i++)
        {
            var (field, notField, values) = fields[Below(fields.Length)];
            chosen[field] = Lists(field, notField, values);
        }

        return string.Join(", ", chosen.Values);
    }

    private string Lists(string field, string notField, string[] values)
    {
        string List() => "[" + Several(2, () => values[Below(values.Length)] is var value && value[0] == '"' ? value : $"'{value}'") + "]";
        return Below(4) switch { 0 => $"{notField}: {List()}", 1 => $"{field}: {List()}, {notField}: {List()}", _ => $"{field}: {List()}" };
    }

    /// <summary>A request, or a connection, that the policies may be about.</summary>
    public DescribedRequest Request(bool isHttp)
    {
        var headers = new List<string>();
        int fields = Below(4);
        for (int i = 0; i < fields; i++) headers.Add(Pick(Fields));
        var request = new DescribedRequest
        {
            IsHttp = isHttp,
            Principal = Below(4) == 0 ? null : Pick(Principals),
            SourceIp = Pick(Addresses),
            RemoteIp = isHttp && Below(2) == 0 ? Pick(Addresses) : null,
            DestinationIp = "127.0.0.1",
            DestinationPort = isHttp ? 9080 : 9100,
            ServerName = Below(2) == 0 ? null : Pick(Names),
            Method = Pick(Methods),
            Path = Pick(Paths),
            Host = Pick(Hosts),
            Headers = headers.Count == 0 ? StringMap<ImmutableArray<string>>.Empty : StringMap.Create(KeyValuePair.Create("x-role", headers.ToImmutableArray())),
        };
        if (!isHttp || Below(3) == 0) return request;
        return request with
        {
            Claims =
            [
                new DescribedClaim(["iss"], Below(9) == 0 ? ["i", "j"] : [Pick(Issuers)]), new DescribedClaim(["sub"], [Pick(Subjects)]),
                new DescribedClaim(["aud"], Below(2) == 0 ? [Pick(Claims)] : ["web", Pick(Claims)]), new DescribedClaim(["azp"], [Pick(Claims)]),
                new DescribedClaim(["realm", "roles"], [Pick(Claims), Pick(Claims)]),
            ],
        };
    }

    private string Several(int most, Func<string> make) => string.Join(", ", Enumerable.Range(0, 1 + Below(most)).Select(_ => make()));

    private string Pick(params string[] words) => words[Below(words.Length)];

    private int Below(int end)
    {
        // xorshift32: no library's generator, so that a seed means the same for ever.
        _state ^= _state << 13;
        _state ^= _state >> 17;
        _state ^= _state << 5;
        return (int)(_state % (uint)end);
    }
}
