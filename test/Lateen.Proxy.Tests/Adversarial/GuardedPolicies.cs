namespace Lateen.Proxy.Tests.Adversarial;

/// <summary>One fact of a request as one server reads it.</summary>
internal readonly record struct Sight(string Method, BackendReader.HostName Host, string Path, string? Role)
{
    /// <summary>The host is so, in one of the forms of its name.</summary>
    public bool IsHost(Func<string, bool> test) => test(Host.Plain) || test(Host.Written);
}

/// <summary>
/// Policies that people write to guard something, each beside the plain words of what it means: whether a request, read in one way, may pass.
/// A request may pass if it may in every way in which some server reads it.
/// </summary>
internal static class GuardedPolicies
{
    private const string Anyone = "principals: [{any: true}]";

    public static readonly (string Yaml, Func<Sight, bool> MayPass, char Reads)[] All =
    [
        (Deny("{url_path: {path: {prefix: /admin}}}"), static one => !one.Path.StartsWith("/admin", StringComparison.Ordinal), 'p'),
        (Deny("{url_path: {path: {exact: /admin}}}"), static one => one.Path != "/admin", 'p'),
        (Deny("{url_path: {path: {contains: admin}}}"), static one => !one.Path.Contains("admin", StringComparison.Ordinal), 'p'),
        (Deny("{not_rule: {url_path: {path: {prefix: /public}}}}"), static one => one.Path.StartsWith("/public", StringComparison.Ordinal), 'p'),
        (Allow("{url_path: {path: {prefix: /public}}}"), static one => one.Path.StartsWith("/public", StringComparison.Ordinal), 'p'),
        (Allow("{url_path: {path: {suffix: /items}}}"), static one => one.Path.EndsWith("/items", StringComparison.Ordinal), 'p'),
        (Allow("{not_rule: {url_path: {path: {prefix: /admin}}}}"), static one => !one.Path.StartsWith("/admin", StringComparison.Ordinal), 'p'),
        (Allow("""{uri_template: {name: t, typed_config: {"@type": type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig, path_template: "/api/*/items"}}}"""),
            static one => one.Path.Split('/') is ["", "api", { Length: > 0 }, "items"], 'p'),
        (Deny("{header: {name: ':authority', string_match: {exact: admin.example, ignore_case: true}}}"), static one => !one.IsHost(static host => host == "admin.example"), 'h'),
        (Deny("{header: {name: ':authority', string_match: {prefix: 'admin.example:', ignore_case: true}}}"), static one => !one.IsHost(static host => host.StartsWith("admin.example:", StringComparison.Ordinal)), 'h'),
        (Allow("{header: {name: ':authority', string_match: {exact: shop.example}}}"), static one => one.IsHost(static host => host == "shop.example"), 'h'),
        (Allow("{not_rule: {header: {name: ':authority', string_match: {exact: 'admin.example:80'}}}}"), static one => !one.IsHost(static host => host == "admin.example:80"), 'h'),
        (Deny("{header: {name: ':method', string_match: {exact: DELETE}}}"), static one => one.Method != "DELETE", 'm'),
        (Deny("{not_rule: {header: {name: ':method', string_match: {exact: GET}}}}"), static one => one.Method == "GET", 'm'),
        (Allow("{header: {name: ':method', string_match: {exact: GET}}}"), static one => one.Method == "GET", 'm'),
        (Deny("{header: {name: x-role, string_match: {exact: admin}}}"), static one => one.Role != "admin", 'r'),
        (Deny("{header: {name: x-role, string_match: {prefix: adm}}}"), static one => one.Role?.StartsWith("adm", StringComparison.Ordinal) != true, 'r'),
        (Deny("{header: {name: x-role, present_match: true}}"), static one => one.Role is null, 'r'),
        (Allow("{header: {name: x-role, string_match: {exact: user}}}"), static one => one.Role == "user", 'r'),
        (Allow("{header: {name: x-role, string_match: {prefix: user}}}"), static one => one.Role?.StartsWith("user", StringComparison.Ordinal) == true, 'r'),
        (Allow("{not_rule: {header: {name: x-role, string_match: {exact: admin}}}}"), static one => one.Role != "admin", 'r'),
    ];

    /// <summary>The same kind of thing as people write it: one rule of an AuthorizationPolicy, which goes through the control plane's reader and translation.</summary>
    public static readonly (string Action, string Rule, Func<Sight, bool> MayPass, char Reads)[] Written =
    [
        ("DENY", "to: [{operation: {paths: [/admin]}}]", static one => one.Path != "/admin", 'p'),
        ("DENY", "to: [{operation: {paths: [/admin*]}}]", static one => !one.Path.StartsWith("/admin", StringComparison.Ordinal), 'p'),
        ("DENY", "to: [{operation: {paths: ['*/items']}}]", static one => !one.Path.EndsWith("/items", StringComparison.Ordinal), 'p'),
        ("DENY", "to: [{operation: {notPaths: [/public*]}}]", static one => one.Path.StartsWith("/public", StringComparison.Ordinal), 'p'),
        ("DENY", "to: [{operation: {paths: ['/api/{*}/items']}}]", static one => one.Path.Split('/') is not ["", "api", { Length: > 0 }, "items"], 'p'),
        ("ALLOW", "to: [{operation: {paths: [/public*]}}]", static one => one.Path.StartsWith("/public", StringComparison.Ordinal), 'p'),
        ("ALLOW", "to: [{operation: {paths: ['*/items']}}]", static one => one.Path.EndsWith("/items", StringComparison.Ordinal), 'p'),
        ("ALLOW", "to: [{operation: {paths: ['/public/{**}']}}]", static one => one.Path.StartsWith("/public/", StringComparison.Ordinal), 'p'),
        ("ALLOW", "to: [{operation: {paths: ['*'], notPaths: [/admin*]}}]", static one => one.Path.Length > 0 && !one.Path.StartsWith("/admin", StringComparison.Ordinal), 'p'),
        ("DENY", "to: [{operation: {hosts: [admin.example]}}]", static one => !one.IsHost(static host => IsNamed(host, "admin.example")), 'h'),
        ("DENY", "to: [{operation: {hosts: ['admin.*']}}]", static one => !one.IsHost(static host => host.StartsWith("admin.", StringComparison.Ordinal)), 'h'),
        ("DENY", "to: [{operation: {hosts: ['admin.example:80']}}]", static one => !one.IsHost(static host => host == "admin.example:80"), 'h'),
        ("DENY", "to: [{operation: {notHosts: [shop.example]}}]", static one => one.IsHost(static host => IsNamed(host, "shop.example")), 'h'),
        ("ALLOW", "to: [{operation: {hosts: [shop.example]}}]", static one => one.IsHost(static host => IsNamed(host, "shop.example")), 'h'),
        ("ALLOW", "to: [{operation: {notHosts: [admin.example]}}]", static one => !one.IsHost(static host => IsNamed(host, "admin.example")), 'h'),
        ("DENY", "when: [{key: 'request.headers[Host]', values: [admin.example]}]", static one => !one.IsHost(static host => host == "admin.example"), 'h'),
        ("DENY", "to: [{operation: {methods: [DELETE]}}]", static one => one.Method != "DELETE", 'm'),
        ("DENY", "to: [{operation: {methods: ['*ETE']}}]", static one => !one.Method.EndsWith("ETE", StringComparison.Ordinal), 'm'),
        ("DENY", "to: [{operation: {notMethods: [GET]}}]", static one => one.Method == "GET", 'm'),
        ("ALLOW", "to: [{operation: {methods: [GET, 'P*']}}]", static one => one.Method == "GET" || one.Method.StartsWith('P'), 'm'),
        ("DENY", "when: [{key: 'request.headers[X-Role]', values: [admin]}]", static one => one.Role != "admin", 'r'),
        ("DENY", "when: [{key: 'request.headers[X-Role]', values: ['adm*', '*min']}]",
            static one => one.Role is null || (!one.Role.StartsWith("adm", StringComparison.Ordinal) && !one.Role.EndsWith("min", StringComparison.Ordinal)), 'r'),
        ("DENY", "when: [{key: 'request.headers[X-Role]', values: ['*']}]", static one => one.Role is null, 'r'),
        ("ALLOW", "when: [{key: 'request.headers[X-Role]', values: ['user*']}]", static one => one.Role?.StartsWith("user", StringComparison.Ordinal) == true, 'r'),
        ("ALLOW", "when: [{key: 'request.headers[X-Role]', notValues: [admin]}]", static one => one.Role != "admin", 'r'),
    ];

    /// <summary>What must come of a request of which the server is sent this head.</summary>
    public static bool MayPass(Func<Sight, bool> mayPass, char reads, string head)
    {
        var read = BackendReader.Read(head);
        if ((reads == 'p' && read.IsPathInDoubt) || (reads == 'h' && read.IsHostInDoubt)) return false;
        string upper = read.Method.ToUpperInvariant();
        if (read.Roles.Count == 0) return IsRead(null);
        foreach (string role in read.Roles)
        {
            if (!IsRead(role)) return false;
        }

        return read.Roles.Count == 1 || IsRead(string.Join(',', read.Roles));

        bool IsRead(string? role) => mayPass(new Sight(read.Method, read.Host, read.Path, role)) && mayPass(new Sight(upper, read.Host, read.LenientPath, role));
    }

    /// <summary>The host is this one, on whatever port.</summary>
    private static bool IsNamed(string host, string name) =>
        host == name || (host.StartsWith(name, StringComparison.Ordinal) && host.Length > name.Length + 1 && host[name.Length] == ':' && !host.AsSpan(name.Length + 1).ContainsAnyExceptInRange('0', '9'));

    private static string Deny(string permission) => $"{{action: DENY, policies: {{p: {{permissions: [{permission}], {Anyone}}}}}}}";

    private static string Allow(string permission) => $"{{action: ALLOW, policies: {{p: {{permissions: [{permission}], {Anyone}}}}}}}";
}
