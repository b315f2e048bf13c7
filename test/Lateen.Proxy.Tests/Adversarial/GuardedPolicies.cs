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

    /// <summary>What must come of a request of which the server is sent this head.</summary>
    public static bool MayPass(int policy, string head)
    {
        BackendReader strict = BackendReader.Strict(head);
        BackendReader lenient = BackendReader.Lenient(head);
        (_, Func<Sight, bool> mayPass, char reads) = All[policy];
        if ((reads == 'p' && lenient.IsPathInDoubt) || (reads == 'h' && strict.IsHostInDoubt)) return false;
        string[] roles = strict.Values("x-role");
        string?[] readings = roles.Length == 0 ? [null] : [.. roles, string.Join(',', roles)];
        return readings.All(role =>
            mayPass(new Sight(strict.Method, strict.Host, strict.Path!, role)) && mayPass(new Sight(lenient.Method, lenient.Host, lenient.Path!, role)));
    }

    private static string Deny(string permission) => $"{{action: DENY, policies: {{p: {{permissions: [{permission}], {Anyone}}}}}}}";

    private static string Allow(string permission) => $"{{action: ALLOW, policies: {{p: {{permissions: [{permission}], {Anyone}}}}}}}";
}
