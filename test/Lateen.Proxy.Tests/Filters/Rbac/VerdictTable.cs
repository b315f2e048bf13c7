namespace Lateen.Proxy.Tests.Filters.Rbac;

/// <summary>
/// Tests of rules, each with subjects that it fits and subjects that it does not. Every line is tried as the one policy of rules that
/// allow, deny and log, and turned round by <c>not</c>, so that each makes six cases.
/// </summary>
internal static class VerdictTable
{
    private const string Get = "GET / HTTP/1.1";

    /// <summary>Permissions; the principal is <c>any</c>.</summary>
    public static readonly (string Rule, string[] Fits, string[] FitsNot)[] Permissions =
    [
        ("{any: true}", [Get, "DELETE /x HTTP/1.1"], []),

        // url_path: the path without its query, after normalisation.
        ("{url_path: {path: {exact: /admin}}}",
            ["GET /admin HTTP/1.1", "GET /admin?x=/public HTTP/1.1", "GET /a/../admin HTTP/1.1", "GET /%61dmin HTTP/1.1", "GET http://shop/admin HTTP/1.1"],
            ["GET /admin/ HTTP/1.1", "GET /Admin HTTP/1.1", "GET / HTTP/1.1", "GET /?/admin HTTP/1.1", "GET /adminx HTTP/1.1"]),
        ("{url_path: {path: {exact: /ADMIN, ignore_case: true}}}", ["GET /admin HTTP/1.1", "GET /aDmIn HTTP/1.1"], ["GET /admins HTTP/1.1"]),
        ("{url_path: {path: {prefix: /admin}}}",
            ["GET /admin HTTP/1.1", "GET /admin/x HTTP/1.1", "GET /administrator HTTP/1.1", "GET /./admin HTTP/1.1"], ["GET /x/admin HTTP/1.1", "GET / HTTP/1.1"]),
        ("{url_path: {path: {suffix: .jpg}}}", ["GET /a/b.jpg HTTP/1.1", "GET /b.jpg?x HTTP/1.1"], ["GET /b.jpg.exe HTTP/1.1", "GET /b?x.jpg HTTP/1.1"]),
        ("{url_path: {path: {contains: secret}}}", ["GET /a/secret/b HTTP/1.1"], ["GET /a?secret HTTP/1.1", "GET /a/Secret HTTP/1.1"]),
        ("{url_path: {path: {safe_regex: {regex: '/v[0-9]+/.*'}}}}", ["GET /v1/x HTTP/1.1", "GET /v22/ HTTP/1.1"], ["GET /v/x HTTP/1.1", "GET /x/v1/ HTTP/1.1", "GET /v1 HTTP/1.1"]),
        ("{url_path: {path: {safe_regex: {regex: '/files/.+'}}}}", ["GET /files/a HTTP/1.1"], ["GET /files/ HTTP/1.1"]),

        // uri_template
        (Template("/foo/*"), ["GET /foo/bar HTTP/1.1", "GET /foo/bar?x HTTP/1.1", "GET /foo/a.b-c~d HTTP/1.1"], ["GET /foo/ HTTP/1.1", "GET /foo/bar/baz HTTP/1.1", "GET /foo HTTP/1.1", "GET /fooo/x HTTP/1.1"]),
        (Template("/foo/*/baz"), ["GET /foo/x/baz HTTP/1.1"], ["GET /foo/baz HTTP/1.1", "GET /foo/x/y/baz HTTP/1.1", "GET /foo/x/baz/ HTTP/1.1"]),
        (Template("/foo/**"), ["GET /foo/ HTTP/1.1", "GET /foo/a/b/c HTTP/1.1"], ["GET /foo HTTP/1.1", "GET /bar/foo/ HTTP/1.1"]),
        (Template("/*/baz/**"), ["GET /x/baz/ HTTP/1.1", "GET /x/baz/y/z HTTP/1.1"], ["GET /baz/x HTTP/1.1", "GET /x/y/baz/z HTTP/1.1"]),
        (Template("/a/**/z"), ["GET /a/b/z HTTP/1.1", "GET /a/b/c/z HTTP/1.1"], ["GET /a/b/z/y HTTP/1.1", "GET /a/z HTTP/1.1"]),
        (Template("/{org}/{repo=*}/x"), ["GET /o/r/x HTTP/1.1"], ["GET /o/x HTTP/1.1"]),
        (Template("/v1/{rest=**}"), ["GET /v1/a/b HTTP/1.1"], ["GET /v2/a HTTP/1.1"]),
        (Template("/plain"), ["GET /plain HTTP/1.1"], ["GET /plain/ HTTP/1.1", "GET /plai HTTP/1.1"]),

        // header: pseudo-headers
        ("{header: {name: ':method', string_match: {exact: GET}}}", [Get], ["POST / HTTP/1.1", "HEAD / HTTP/1.1", "GETX / HTTP/1.1"]),
        ("{header: {name: ':method', safe_regex_match: {regex: 'GET|HEAD'}}}", [Get, "HEAD / HTTP/1.1"], ["PUT / HTTP/1.1"]),
        ("{header: {name: ':method', string_match: {prefix: P}}}", ["PUT / HTTP/1.1", "POST / HTTP/1.1", "PATCH / HTTP/1.1"], [Get]),
        ("{header: {name: ':authority', string_match: {exact: shop.example}}}",
            ["GET / HTTP/1.1 | Host: shop.example", "GET / HTTP/1.1 | Host: SHOP.Example", "GET / HTTP/1.1 | Host: shop.example.", "GET http://shop.example/ HTTP/1.1 | Host: other", "GET / HTTP/1.1 | Host: shop.example:"],
            ["GET / HTTP/1.1 | Host: shop.example:8080", "GET / HTTP/1.1 | Host: xshop.example", "GET http://other/ HTTP/1.1 | Host: shop.example", "GET / HTTP/1.1 | Host: shop.example.org"]),
        ("{header: {name: ':authority', string_match: {prefix: 'shop.example:', ignore_case: true}}}",
            ["GET / HTTP/1.1 | Host: shop.example:8080", "GET / HTTP/1.1 | Host: SHOP.EXAMPLE:1", "GET / HTTP/1.1 | Host: shop.example.:80"], ["GET / HTTP/1.1 | Host: shop.example", "GET / HTTP/1.1 | Host: shop.example.org:80"]),
        ("{header: {name: ':authority', string_match: {exact: 'shop.example:80'}}}",
            ["GET / HTTP/1.1 | Host: shop.example:80", "GET / HTTP/1.1 | Host: shop.example:080", "GET / HTTP/1.1 | Host: shop.example.:00080"], ["GET / HTTP/1.1 | Host: shop.example:8"]),
        ("{header: {name: ':authority', string_match: {suffix: .example, ignore_case: true}}}", ["GET / HTTP/1.1 | Host: a.EXAMPLE", "GET / HTTP/1.1 | Host: a.b.example."], ["GET / HTTP/1.1 | Host: example"]),
        ("{header: {name: ':authority', safe_regex_match: {regex: '(?i)shop\\.example(:.*)?'}}}",
            ["GET / HTTP/1.1 | Host: Shop.Example:1", "GET / HTTP/1.1 | Host: shop.example", "GET / HTTP/1.1 | Host: shop.example.:2"], ["GET / HTTP/1.1 | Host: shopXexample"]),
        ("{header: {name: host, string_match: {exact: shop}}}", [Get, "GET / HTTP/1.1 | Host: SHOP"], ["GET / HTTP/1.1 | Host: other"]),
        ("{header: {name: ':authority', present_match: true}}", [Get], []),
        ("{header: {name: ':scheme', string_match: {exact: http}}}", [Get], []),
        ("{header: {name: ':scheme', string_match: {exact: https}}}", [], [Get]),
        ("{header: {name: ':path', string_match: {exact: '/a?b'}}}", ["GET /a?b HTTP/1.1"], ["GET /a HTTP/1.1", "GET /a?c HTTP/1.1"]),
        ("{header: {name: ':path', string_match: {prefix: '/a'}}}", ["GET /a?b HTTP/1.1", "GET /a/%62 HTTP/1.1"], ["GET /b?/a HTTP/1.1"]),

        // header: fields
        ("{header: {name: x-role, string_match: {exact: admin}}}", ["GET / HTTP/1.1 | X-Role: admin", "GET / HTTP/1.1 | x-role:  admin "], [Get, "GET / HTTP/1.1 | X-Role: Admin", "GET / HTTP/1.1 | X-Role: admins", "GET / HTTP/1.1 | X_Role: admin"]),
        ("{header: {name: x-role, exact_match: admin}}", ["GET / HTTP/1.1 | X-Role: admin"], ["GET / HTTP/1.1 | X-Role: user"]),
        ("{header: {name: x-role, string_match: {exact: ADMIN, ignore_case: true}}}", ["GET / HTTP/1.1 | X-Role: admin"], ["GET / HTTP/1.1 | X-Role: user"]),
        ("{header: {name: x-role, prefix_match: adm}}", ["GET / HTTP/1.1 | X-Role: admin"], ["GET / HTTP/1.1 | X-Role: radm"]),
        ("{header: {name: x-role, suffix_match: min}}", ["GET / HTTP/1.1 | X-Role: admin"], ["GET / HTTP/1.1 | X-Role: minor"]),
        ("{header: {name: x-role, contains_match: dmi}}", ["GET / HTTP/1.1 | X-Role: admin"], ["GET / HTTP/1.1 | X-Role: d mi"]),
        ("{header: {name: x-role, safe_regex_match: {regex: 'a.*n'}}}", ["GET / HTTP/1.1 | X-Role: admin"], ["GET / HTTP/1.1 | X-Role: admins"]),
        ("{header: {name: x-level, range_match: {start: 5, end: 10}}}", ["GET / HTTP/1.1 | X-Level: 5", "GET / HTTP/1.1 | X-Level: 9"], ["GET / HTTP/1.1 | X-Level: 10", "GET / HTTP/1.1 | X-Level: 4", "GET / HTTP/1.1 | X-Level: 5x", Get]),
        ("{header: {name: x-role, present_match: true}}", ["GET / HTTP/1.1 | X-Role: a", "GET / HTTP/1.1 | X-Role:"], [Get, "GET / HTTP/1.1 | Connection: x-role | X-Role: a"]),
        ("{header: {name: x-role, present_match: false}}", [Get], ["GET / HTTP/1.1 | X-Role: a"]),
        ("{header: {name: x-role}}", ["GET / HTTP/1.1 | X-Role: a"], [Get]),
        ("{header: {name: x-role, present_match: true, invert_match: true}}", [Get], ["GET / HTTP/1.1 | X-Role: a"]),
        ("{header: {name: x-role, string_match: {exact: admin}, invert_match: true}}", ["GET / HTTP/1.1 | X-Role: user"], ["GET / HTTP/1.1 | X-Role: admin", Get]),
        ("{header: {name: x-role, string_match: {exact: ''}, treat_missing_header_as_empty: true}}", [Get, "GET / HTTP/1.1 | X-Role:"], ["GET / HTTP/1.1 | X-Role: a"]),
        ("{header: {name: x-role, string_match: {exact: admin}, invert_match: true, treat_missing_header_as_empty: true}}", [Get, "GET / HTTP/1.1 | X-Role: user"], ["GET / HTTP/1.1 | X-Role: admin"]),

        // Where the connection goes to.
        ("{destination_ip: {address_prefix: 10.0.0.0, prefix_len: 8}}", [Get, $"{Get} @ local=10.255.0.1:80", $"{Get} @ local=[::ffff:10.0.0.1]:80"], [$"{Get} @ local=11.0.0.1:80", $"{Get} @ local=[::1]:80"]),
        ("{destination_ip: {address_prefix: 10.0.0.1, prefix_len: 32}}", [Get], [$"{Get} @ local=10.0.0.2:80"]),
        ("{destination_ip: {address_prefix: 10.0.0.1, prefix_len: 0}}", [Get, $"{Get} @ local=1.1.1.1:80"], [$"{Get} @ local=[fd00::1]:80"]),
        ("{destination_ip: {address_prefix: 'fd00::', prefix_len: 8}}", [$"{Get} @ local=[fd12::1]:80"], [Get, $"{Get} @ local=[fe80::1]:80"]),
        ("{destination_ip: {address_prefix: '::ffff:10.0.0.0', prefix_len: 104}}", [Get], [$"{Get} @ local=11.0.0.1:80"]),
        ("{destination_port: 80}", [Get], [$"{Get} @ local=10.0.0.1:8080"]),
        ("{destination_port_range: {start: 80, end: 90}}", [Get, $"{Get} @ local=10.0.0.1:89"], [$"{Get} @ local=10.0.0.1:90", $"{Get} @ local=10.0.0.1:79"]),
        ("{destination_port_range: {start: 0, end: 65536}}", [Get, $"{Get} @ local=10.0.0.1:65535"], []),
        ("{requested_server_name: {exact: shop.example}}", [$"{Get} @ sni=shop.example", $"{Get} @ sni=SHOP.example", $"{Get} @ sni=shop.example."], [Get, $"{Get} @ sni=x.shop.example"]),
        ("{requested_server_name: {suffix: .EXAMPLE}}", [$"{Get} @ sni=shop.example"], [$"{Get} @ sni=example", Get]),
        ("{requested_server_name: {safe_regex: {regex: 'outbound_\\.80_\\._\\..*'}}}", [$"{Get} @ sni=outbound_.80_._.web.shop.svc.cluster.local"], [$"{Get} @ sni=outbound_.81_._.web"]),

        // Metadata: claims of a token, verdicts of other filters.
        (Claim("iss", "{string_match: {exact: me}}"), [$"{Get} @ claim.iss=me"], [Get, $"{Get} @ claim.iss=you", $"{Get} @ claim.iss=[me]", $"{Get} @ claim.iss=~"]),
        (Claim("iss", "{string_match: {prefix: m}}"), [$"{Get} @ claim.iss=me"], [$"{Get} @ claim.iss=you"]),
        (Claim("groups", "{list_match: {one_of: {string_match: {exact: dev}}}}"), [$"{Get} @ claim.groups=[ops,dev]", $"{Get} @ claim.groups=[dev]"], [$"{Get} @ claim.groups=[ops]", $"{Get} @ claim.groups=dev", Get]),
        (Claim("aud", "{or_match: {value_matchers: [{string_match: {exact: a}}, {list_match: {one_of: {string_match: {exact: a}}}}]}}"), [$"{Get} @ claim.aud=a", $"{Get} @ claim.aud=[b,a]"], [$"{Get} @ claim.aud=b", Get]),
        (Claim("level", "{double_match: {range: {start: 1, end: 2}}}"), [$"{Get} @ claim.level=#1", $"{Get} @ claim.level=#1.9"], [$"{Get} @ claim.level=#2", $"{Get} @ claim.level=1", Get]),
        (Claim("level", "{double_match: {exact: 2.5}}"), [$"{Get} @ claim.level=#2.5"], [$"{Get} @ claim.level=#2"]),
        (Claim("staff", "{bool_match: true}"), [$"{Get} @ claim.staff=!true"], [$"{Get} @ claim.staff=!false", $"{Get} @ claim.staff=true", Get]),
        (Claim("staff", "{bool_match: false}"), [$"{Get} @ claim.staff=!false"], [$"{Get} @ claim.staff=!true", Get]),
        (Claim("nick", "{null_match: {}}"), [$"{Get} @ claim.nick=~"], [Get, $"{Get} @ claim.nick=x"]),
        (Claim("sub", "{present_match: true}"), [$"{Get} @ claim.sub=x", $"{Get} @ claim.sub=~"], [Get, $"{Get} @ claim.iss=x"]),
        (Claim("sub", "{present_match: false}"), [], [Get, $"{Get} @ claim.sub=x"]),
        (Claim("address/city", "{string_match: {exact: Kiel}}"), [$"{Get} @ claim.address/city=Kiel"], [$"{Get} @ claim.address=Kiel", $"{Get} @ claim.city=Kiel"]),
        ("{metadata: {filter: envoy.filters.http.jwt_authn, path: [{key: payload}, {key: iss}], value: {string_match: {exact: me}}, invert: true}}", [Get, $"{Get} @ claim.iss=you"], [$"{Get} @ claim.iss=me"]),
        ("{sourced_metadata: {metadata_matcher: {filter: envoy.filters.http.jwt_authn, path: [{key: payload}, {key: iss}], value: {string_match: {exact: me}}}}}", [$"{Get} @ claim.iss=me"], [Get]),

        // Together.
        ("{and_rules: {rules: [{url_path: {path: {prefix: /a}}}, {header: {name: ':method', string_match: {exact: GET}}}]}}", ["GET /a HTTP/1.1"], ["POST /a HTTP/1.1", "GET /b HTTP/1.1"]),
        ("{or_rules: {rules: [{url_path: {path: {prefix: /a}}}, {header: {name: ':method', string_match: {exact: GET}}}]}}", ["GET /b HTTP/1.1", "POST /a HTTP/1.1"], ["POST /b HTTP/1.1"]),
        ("{not_rule: {url_path: {path: {prefix: /a}}}}", ["GET /b HTTP/1.1"], ["GET /a HTTP/1.1"]),
        ("{not_rule: {not_rule: {url_path: {path: {prefix: /a}}}}}", ["GET /a HTTP/1.1"], ["GET /b HTTP/1.1"]),
        ("{and_rules: {rules: [{or_rules: {rules: [{destination_port: 80}, {destination_port: 81}]}}, {not_rule: {or_rules: {rules: [{url_path: {path: {exact: /x}}}, {url_path: {path: {exact: /y}}}]}}}]}}",
            ["GET /z HTTP/1.1", "GET /z HTTP/1.1 @ local=10.0.0.1:81"], ["GET /x HTTP/1.1", "GET /z HTTP/1.1 @ local=10.0.0.1:82"]),
        ("{or_rules: {rules: [{destination_port: 81}, {any: true}]}}", [Get], []),
    ];

    /// <summary>Principals; the permission is <c>any</c>.</summary>
    public static readonly (string Rule, string[] Fits, string[] FitsNot)[] Principals =
    [
        ("{any: true}", [Get], []),
        ("{authenticated: {}}", [$"{Get} @ uri=spiffe://td/ns/a/sa/b", $"{Get} @ subject=CN=x"], [Get]),
        ("{authenticated: {principal_name: {exact: 'spiffe://td/ns/a/sa/b'}}}",
            [$"{Get} @ uri=spiffe://td/ns/a/sa/b", $"{Get} @ uri=spiffe://other/x,spiffe://td/ns/a/sa/b"],
            [Get, $"{Get} @ uri=spiffe://td/ns/a/sa/bb", $"{Get} @ uri=spiffe://TD/ns/a/sa/b", "GET / HTTP/1.1 | x-forwarded-client-cert: URI=spiffe://td/ns/a/sa/b"]),
        ("{authenticated: {principal_name: {prefix: 'spiffe://td/ns/a/'}}}", [$"{Get} @ uri=spiffe://td/ns/a/sa/x"], [$"{Get} @ uri=spiffe://td/ns/aa/sa/x"]),
        ("{authenticated: {principal_name: {suffix: /sa/b}}}", [$"{Get} @ uri=spiffe://td/ns/z/sa/b"], [$"{Get} @ uri=spiffe://td/ns/z/sa/c"]),
        ("{authenticated: {principal_name: {safe_regex: {regex: '.*/ns/shop/.*'}}}}", [$"{Get} @ uri=spiffe://td/ns/shop/sa/b"], [$"{Get} @ uri=spiffe://td/ns/shop2/sa/b", Get]),
        ("{authenticated: {principal_name: {safe_regex: {regex: '.+'}}}}", [$"{Get} @ uri=spiffe://td/ns/shop/sa/b"], [Get]),
        ("{authenticated: {principal_name: {exact: web.example}}}", [$"{Get} @ dns=web.example", $"{Get} @ uri=spiffe://x dns=a,web.example"], [$"{Get} @ dns=a.web.example"]),
        ("{authenticated: {principal_name: {exact: 'CN=web'}}}", [$"{Get} @ subject=CN=web", $"{Get} @ uri=spiffe://x subject=CN=web"], [$"{Get} @ subject=CN=we"]),
        ("{filter_state: {key: io.istio.peer_principal, string_match: {exact: 'spiffe://td/ns/a/sa/b'}}}", [$"{Get} @ uri=spiffe://td/ns/a/sa/b"], [Get, $"{Get} @ subject=spiffe://td/ns/a/sa/b", $"{Get} @ uri=spiffe://td/ns/a/sa/c"]),
        ("{source_ip: {address_prefix: 10.0.0.0, prefix_len: 8}}", [Get, $"{Get} @ from=10.9.9.9:1 direct=1.1.1.1:1"], [$"{Get} @ from=1.1.1.1:1 direct=10.0.0.1:1", $"{Get} @ from=[fe80::1]:1"]),
        ("{direct_remote_ip: {address_prefix: 10.0.0.0, prefix_len: 8}}", [Get, $"{Get} @ from=1.1.1.1:1 direct=10.0.0.1:1"], [$"{Get} @ from=10.9.9.9:1 direct=1.1.1.1:1"]),
        ("{remote_ip: {address_prefix: 10.0.0.0, prefix_len: 8}}", [Get, $"{Get} @ told=10.1.1.1 direct=1.1.1.1:1", $"{Get} @ from=10.9.9.9:1 direct=1.1.1.1:1"], [$"{Get} @ told=1.1.1.1", $"{Get} @ direct=1.1.1.1:1"]),
        ("{remote_ip: {address_prefix: '2001:db8::', prefix_len: 32}}", [$"{Get} @ told=2001:db8::1"], [Get, $"{Get} @ told=2001:db9::1"]),
        ("{header: {name: x-user, string_match: {exact: jason}}}", ["GET / HTTP/1.1 | X-User: jason"], [Get]),
        ("{url_path: {path: {prefix: /a}}}", ["GET /a HTTP/1.1"], ["GET /b HTTP/1.1"]),
        ("{metadata: {filter: envoy.filters.http.jwt_authn, path: [{key: payload}, {key: sub}], value: {string_match: {exact: me}}}}", [$"{Get} @ claim.sub=me"], [Get]),
        ("{sourced_metadata: {metadata_matcher: {filter: envoy.filters.http.jwt_authn, path: [{key: payload}, {key: sub}], value: {string_match: {exact: me}}}, metadata_source: DYNAMIC}}", [$"{Get} @ claim.sub=me"], [Get]),
        ("{and_ids: {ids: [{metadata: {filter: envoy.filters.http.jwt_authn, path: [{key: payload}, {key: iss}], value: {string_match: {exact: i}}}}, {metadata: {filter: envoy.filters.http.jwt_authn, path: [{key: payload}, {key: sub}], value: {string_match: {exact: s}}}}]}}",
            [$"{Get} @ claim.iss=i claim.sub=s"], [$"{Get} @ claim.iss=i", $"{Get} @ claim.sub=s", $"{Get} @ claim.iss=s claim.sub=i"]),
        ("{or_ids: {ids: [{source_ip: {address_prefix: 1.1.1.1, prefix_len: 32}}, {authenticated: {}}]}}", [$"{Get} @ from=1.1.1.1:1", $"{Get} @ uri=spiffe://x"], [Get]),
        ("{not_id: {authenticated: {principal_name: {exact: 'spiffe://x'}}}}", [Get, $"{Get} @ uri=spiffe://y"], [$"{Get} @ uri=spiffe://x"]),
    ];

    /// <summary>Rules of connections, and connections without a request.</summary>
    public static readonly (string Permission, string Principal, string[] Fits, string[] FitsNot)[] Connections =
    [
        ("{any: true}", "{any: true}", [" @ local=1.1.1.1:1"], []),
        ("{destination_port: 80}", "{any: true}", [" @ local=10.0.0.1:80"], [" @ local=10.0.0.1:81"]),
        ("{destination_port_range: {start: 80, end: 82}}", "{any: true}", [" @ local=10.0.0.1:81"], [" @ local=10.0.0.1:82"]),
        ("{destination_ip: {address_prefix: 10.0.0.0, prefix_len: 8}}", "{any: true}", [" @ local=10.0.0.1:80"], [" @ local=11.0.0.1:81"]),
        ("{requested_server_name: {exact: a.test}}", "{any: true}", [" @ sni=a.test", " @ sni=A.TEST"], [" @ sni=b.test", " @ local=1.1.1.1:1"]),
        ("{not_rule: {requested_server_name: {exact: a.test}}}", "{any: true}", [" @ sni=b.test", " @ local=1.1.1.1:1"], [" @ sni=a.test"]),
        ("{any: true}", "{authenticated: {principal_name: {exact: 'spiffe://td/ns/a/sa/b'}}}", [" @ uri=spiffe://td/ns/a/sa/b"], [" @ uri=spiffe://td/ns/a/sa/c", " @ local=1.1.1.1:1"]),
        ("{any: true}", "{filter_state: {key: io.istio.peer_principal, string_match: {prefix: 'spiffe://td/'}}}", [" @ uri=spiffe://td/ns/a/sa/b"], [" @ uri=spiffe://te/x", " @ local=1.1.1.1:1"]),
        ("{any: true}", "{direct_remote_ip: {address_prefix: 10.0.0.0, prefix_len: 8}}", [" @ direct=10.0.0.9:1"], [" @ direct=9.0.0.9:1"]),
        ("{any: true}", "{source_ip: {address_prefix: 10.0.0.0, prefix_len: 8}}", [" @ from=10.0.0.9:1"], [" @ from=9.0.0.9:1"]),
        ("{any: true}", "{remote_ip: {address_prefix: 10.0.0.0, prefix_len: 8}}", [" @ from=10.0.0.9:1"], [" @ from=9.0.0.9:1"]),
        ("{destination_port: 80}", "{not_id: {direct_remote_ip: {address_prefix: 10.0.0.0, prefix_len: 8}}}", [" @ direct=9.0.0.9:1 local=1.1.1.1:80"], [" @ direct=10.0.0.9:1 local=1.1.1.1:80", " @ direct=9.0.0.9:1 local=1.1.1.1:81"]),
    ];

    private static string Template(string template) =>
        $$$$"""{uri_template: {name: t, typed_config: {"@type": type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig, path_template: "{{{{template}}}}"}}}""";

    private static string Claim(string path, string value) =>
        "{metadata: {filter: envoy.filters.http.jwt_authn, path: [{key: payload}, " + string.Join(", ", path.Split('/').Select(static key => $"{{key: {key}}}")) + $"], value: {value}}}}}";
}
