using Envoy.Config.Rbac.V3;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters.Rbac;
using Lateen.Xds;

namespace Lateen.Proxy.Tests.Filters.Rbac;

/// <summary>The verdicts of rules over every field that they may have, and what the actions make of a policy that fits.</summary>
public sealed class VerdictTests
{
    public static TheoryData<string, string, string, bool> Requests()
    {
        var cases = new TheoryData<string, string, string, bool>();
        foreach ((string rule, string[] fits, string[] fitsNot) in VerdictTable.Permissions)
        {
            foreach (string subject in fits) cases.Add(rule, "{any: true}", subject, true);
            foreach (string subject in fitsNot) cases.Add(rule, "{any: true}", subject, false);
        }

        foreach ((string rule, string[] fits, string[] fitsNot) in VerdictTable.Principals)
        {
            foreach (string subject in fits) cases.Add("{any: true}", rule, subject, true);
            foreach (string subject in fitsNot) cases.Add("{any: true}", rule, subject, false);
        }

        return cases;
    }

    public static TheoryData<string, string, string, bool> Connections()
    {
        var cases = new TheoryData<string, string, string, bool>();
        foreach ((string permission, string principal, string[] fits, string[] fitsNot) in VerdictTable.Connections)
        {
            foreach (string subject in fits) cases.Add(permission, principal, subject, true);
            foreach (string subject in fitsNot) cases.Add(permission, principal, subject, false);
        }

        return cases;
    }

    [Fact]
    public void The_table_has_more_than_three_hundred_cases() => Assert.InRange(6 * (Requests().Count + Connections().Count), 1200, int.MaxValue);

    [Theory]
    [MemberData(nameof(Requests))]
    public void A_request_that_a_policy_fits_is_allowed_denied_or_logged_by_it_and_any_other_is_not(string permission, string principal, string subject, bool fits) =>
        Check(permission, principal, subject, fits, isConnection: false);

    [Theory]
    [MemberData(nameof(Connections))]
    public void A_connection_that_a_policy_fits_is_allowed_denied_or_logged_by_it_and_any_other_is_not(string permission, string principal, string subject, bool fits) =>
        Check(permission, principal, subject, fits, isConnection: true);

    [Fact]
    public void Without_policies_everything_is_denied_by_an_allow_list_and_allowed_by_the_others()
    {
        AuthorizationSubject subject = Access.Subject("GET / HTTP/1.1");

        Assert.Equal(new RbacVerdict(false, -1), Access.Compile("{action: ALLOW}").Evaluate(subject));
        Assert.Equal(new RbacVerdict(true, -1), Access.Compile("{action: DENY}").Evaluate(subject));
        Assert.Equal(new RbacVerdict(true, -1), Access.Compile("{action: LOG}").Evaluate(subject));
    }

    [Fact]
    public void Of_several_policies_that_fit_the_first_by_name_is_the_effective_one()
    {
        RbacRules rules = Access.Compile("""
            action: DENY
            policies:
              c: {permissions: [{any: true}], principals: [{any: true}]}
              a: {permissions: [{destination_port: 81}], principals: [{any: true}]}
              b: {permissions: [{any: true}], principals: [{any: true}]}
            """);

        RbacVerdict verdict = rules.Evaluate(Access.Subject("GET / HTTP/1.1"));

        Assert.False(verdict.IsAllowed);
        Assert.Equal("b", rules.Policies[verdict.Policy].Name);
    }

    [Fact]
    public void A_policy_wants_one_of_its_permissions_and_one_of_its_principals()
    {
        RbacRules rules = Access.Compile("""
            policies:
              p:
                permissions: [{url_path: {path: {exact: /a}}}, {url_path: {path: {exact: /b}}}]
                principals: [{authenticated: {principal_name: {exact: 'spiffe://x'}}}, {direct_remote_ip: {address_prefix: 9.9.9.9, prefix_len: 32}}]
            """);

        Assert.True(rules.Evaluate(Access.Subject("GET /a HTTP/1.1 @ uri=spiffe://x")).IsAllowed);
        Assert.True(rules.Evaluate(Access.Subject("GET /b HTTP/1.1 @ direct=9.9.9.9:1")).IsAllowed);
        Assert.False(rules.Evaluate(Access.Subject("GET /c HTTP/1.1 @ uri=spiffe://x")).IsAllowed);
        Assert.False(rules.Evaluate(Access.Subject("GET /a HTTP/1.1 @ uri=spiffe://y")).IsAllowed);
    }

    [Theory]
    [InlineData("{policies: {p: {principals: [{any: true}]}}}", "rules.policies[\"p\"].permissions: at least one is required")]
    [InlineData("{policies: {p: {permissions: [{any: true}]}}}", "rules.policies[\"p\"].principals: at least one is required")]
    [InlineData("{policies: {p: {permissions: [{}], principals: [{any: true}]}}}", "rules.policies[\"p\"].permissions[0]: needs a rule")]
    [InlineData("{policies: {p: {permissions: [{any: true}], principals: [{}]}}}", "rules.policies[\"p\"].principals[0]: needs an identifier")]
    [InlineData("{policies: {p: {permissions: [{any: false}], principals: [{any: true}]}}}", "rules.policies[\"p\"].permissions[0].any: must be true")]
    [InlineData("{policies: {p: {permissions: [{and_rules: {}}], principals: [{any: true}]}}}", "rules.policies[\"p\"].permissions[0].and_rules.rules: at least one is required")]
    [InlineData("{policies: {p: {permissions: [{destination_port: 65536}], principals: [{any: true}]}}}", "rules.policies[\"p\"].permissions[0].destination_port: a port is at most 65535")]
    [InlineData("{policies: {p: {permissions: [{destination_port_range: {start: 5, end: 5}}], principals: [{any: true}]}}}", "rules.policies[\"p\"].permissions[0].destination_port_range: needs 0 <= start (inclusive) < end (exclusive) <= 65536")]
    [InlineData("{policies: {p: {permissions: [{destination_ip: {address_prefix: 10.0.0.0, prefix_len: 33}}], principals: [{any: true}]}}}", "rules.policies[\"p\"].permissions[0].destination_ip.prefix_len: 33 is too long for 10.0.0.0")]
    [InlineData("{policies: {p: {permissions: [{destination_ip: {address_prefix: ten}}], principals: [{any: true}]}}}", "rules.policies[\"p\"].permissions[0].destination_ip.address_prefix: 'ten' is not an IP address")]
    [InlineData("{policies: {p: {permissions: [{destination_ip: {address_prefix: '010.0.0.0'}}], principals: [{any: true}]}}}", "rules.policies[\"p\"].permissions[0].destination_ip.address_prefix: '010.0.0.0' is not an IP address")]
    [InlineData("{policies: {p: {permissions: [{matcher: {name: m}}], principals: [{any: true}]}}}", "rules.policies[\"p\"].permissions[0].matcher: the matcher 'm' is not supported")]
    [InlineData("{policies: {p: {permissions: [{any: true}], principals: [{custom: {name: c}}]}}}", "rules.policies[\"p\"].principals[0].custom: the principal 'c' is not supported")]
    [InlineData("{policies: {p: {permissions: [{sourced_metadata: {metadata_source: ROUTE}}], principals: [{any: true}]}}}", "rules.policies[\"p\"].permissions[0].sourced_metadata.metadata_source: only DYNAMIC is supported: routes have no metadata here")]
    [InlineData("{policies: {p: {permissions: [{metadata: {filter: f, path: [{key: k}]}}], principals: [{any: true}]}}}", "rules.policies[\"p\"].permissions[0].metadata.value: needs a test: null_match, double_match, string_match, bool_match, present_match, list_match or or_match")]
    [InlineData("{policies: {p: {permissions: [{any: true}], principals: [{filter_state: {key: k, string_match: {exact: x}}}]}}}", "rules.policies[\"p\"].principals[0].filter_state.key: 'k' is not supported (supported: io.istio.peer_principal)")]
    [InlineData("{policies: {p: {permissions: [{url_path: {}}], principals: [{any: true}]}}}", "rules.policies[\"p\"].permissions[0].url_path.path: is required")]
    [InlineData("{policies: {p: {permissions: [{header: {name: 'a b'}}], principals: [{any: true}]}}}", "rules.policies[\"p\"].permissions[0].header.name: 'a b' is not a header name")]
    [InlineData("{policies: {p: {permissions: [{url_path: {path: {safe_regex: {regex: '('}}}}], principals: [{any: true}]}}}", "rules.policies[\"p\"].permissions[0].url_path.path.safe_regex.regex: ")]
    [InlineData("{policies: {p: {permissions: [{uri_template: {name: t, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig, path_template: '/a*/b'}}}], principals: [{any: true}]}}}", "rules.policies[\"p\"].permissions[0].uri_template.typed_config.path_template: 'a*' must be text")]
    [InlineData("{policies: {p: {permissions: [{uri_template: {name: t, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig, path_template: '/**/*'}}}], principals: [{any: true}]}}}", "rules.policies[\"p\"].permissions[0].uri_template.typed_config.path_template: nothing but text may follow '**'")]
    public void What_is_wrong_or_not_supported_is_refused_with_its_path(string yaml, string error) => Assert.StartsWith(error, Access.ErrorsOf(yaml), StringComparison.Ordinal);

    [Theory]
    [InlineData("{header: {name: x}}", "{any: true}", "permissions[0].header")]
    [InlineData("{url_path: {path: {exact: /}}}", "{any: true}", "permissions[0].url_path")]
    [InlineData("{any: true}", "{header: {name: x}}", "principals[0].header")]
    [InlineData("{any: true}", "{url_path: {path: {exact: /}}}", "principals[0].url_path")]
    public void Rules_of_connections_have_nothing_of_requests(string permission, string principal, string path) => Assert.Equal(
        $"rules.policies[\"p\"].{path}: is of HTTP requests and cannot stand in a network filter, which sees connections",
        Access.ErrorsOf($$$$"""{policies: {p: {permissions: [{{{{permission}}}}], principals: [{{{{principal}}}}]}}}""", isConnection: true));

    /// <summary>What a prefix ends with goes on: read as a path of its own, <c>/.</c> would be the root, and every path would begin with it.</summary>
    [Theory]
    [InlineData("{url_path: {path: {prefix: '/.'}}}", "GET /.x/..%2Fadmin HTTP/1.1", false)]
    [InlineData("{url_path: {path: {prefix: '/.'}}}", "GET /.git%2Fconfig HTTP/1.1", true)]
    [InlineData("{url_path: {path: {prefix: '/..'}}}", "GET /..x/%2e%2e%2fadmin HTTP/1.1", false)]
    [InlineData("{url_path: {path: {prefix: '/public/.'}}}", "GET /public/.x/..%2Fsecret HTTP/1.1", false)]
    [InlineData("{url_path: {path: {contains: '/.'}}}", "GET /.x/..%2Fadmin HTTP/1.1", false)]
    [InlineData("{url_path: {path: {suffix: 'a/../admin'}}}", "GET /x/a/..%2Fadmin HTTP/1.1", false)]
    public void A_list_of_beginnings_allows_no_other_beginning_by_a_second_reading(string permission, string line, bool isAllowed) =>
        Assert.Equal(isAllowed, Access.Rules("ALLOW", permission, "{any: true}").Evaluate(Access.Subject(line)).IsAllowed);

    [Theory]
    [InlineData("x")]
    [InlineData("\u00e9")]
    public void A_server_name_that_can_be_no_hosts_is_neither_allowed_nor_spared(string label)
    {
        string name = string.Concat(Enumerable.Repeat(label, label == "x" ? 300 : 1)) + ".secret.test";
        const string Rule = "{requested_server_name: {suffix: .secret.test}}";
        AuthorizationSubject subject = Access.Subject($" @ sni={name}");
        Assert.False(Access.Rules("ALLOW", Rule, "{any: true}", isConnection: true).Evaluate(subject).IsAllowed);
        Assert.False(Access.Rules("ALLOW", $"{{not_rule: {Rule}}}", "{any: true}", isConnection: true).Evaluate(subject).IsAllowed);
        Assert.False(Access.Rules("DENY", Rule, "{any: true}", isConnection: true).Evaluate(subject).IsAllowed);
        Assert.False(Access.Rules("DENY", $"{{not_rule: {Rule}}}", "{any: true}", isConnection: true).Evaluate(subject).IsAllowed);
    }

    [Fact]
    public void Lost_metadata_allow_nothing_and_deny_what_they_might_deny()
    {
        const string Rule = "{metadata: {filter: f, path: [{key: k}], value: {string_match: {exact: v}}}}";
        AuthorizationSubject subject = Access.Subject("GET / HTTP/1.1");
        while (subject.Metadata!.Open("f"u8).Set("k"u8, "v"u8) && !subject.Metadata.IsOverflowed)
        {
            // Replaced texts still take room, so this ends.
        }

        Assert.True(subject.Metadata.IsOverflowed);
        Assert.False(Access.Rules("ALLOW", Rule, "{any: true}").Evaluate(subject).IsAllowed);
        Assert.False(Access.Rules("ALLOW", $"{{not_rule: {Rule}}}", "{any: true}").Evaluate(subject).IsAllowed);
        Assert.False(Access.Rules("DENY", Rule, "{any: true}").Evaluate(subject).IsAllowed);
        Assert.False(Access.Rules("DENY", $"{{not_rule: {Rule}}}", "{any: true}").Evaluate(subject).IsAllowed);
    }

    [Fact]
    public void A_shadow_verdict_for_which_there_is_no_room_is_said_to_be_lost()
    {
        var metadata = new Lateen.Proxy.Filters.Metadata.DynamicMetadata();
        Assert.True(metadata.Open("x"u8).Set("big"u8, new byte[Lateen.Proxy.Filters.Metadata.DynamicMetadata.MaxBytes - 10]));
        var shadow = new RbacRuleSet(Access.Compile("{action: DENY}"), "s_", isShadow: true, counters: null);

        Assert.False(shadow.Leave(metadata, "envoy.filters.http.rbac"u8, new RbacVerdict(true, -1)));
        Assert.Equal(403, RbacReplies.NoRoom.Status);
    }

    [Theory]
    [InlineData("a b\n.yaml:3", "a_b_.yaml:3")]
    [InlineData("", "")]
    public void A_place_is_one_word_and_bounded_and_decides_nothing(string place, string shown)
    {
        string root = new('r', 300);

        Assert.Equal(shown, Policy(place).Place);
        Assert.Equal("..." + new string('r', PlaceText.MaxLength - 12) + "/a.yaml:9", Policy(root + "/a.yaml:9").Place);

        static RbacPolicy Policy(string place)
        {
            RBAC rules = Access.Read("{policies: {p: {permissions: [{any: true}], principals: [{any: true}]}}}");
            rules.AuditLoggingOptions = PolicyPlaces.Pack([KeyValuePair.Create("p", place), KeyValuePair.Create("gone", "b:1")]);
            var compiled = RbacRules.Compile(rules, FieldPath.Root, new ConfigurationErrors(), isConnection: false);
            Assert.Equal(new RbacVerdict(true, 0), compiled!.Evaluate(Access.Subject("GET / HTTP/1.1")));
            return compiled.Policies[0];
        }
    }

    [Fact]
    public void An_evaluation_allocates_nothing()
    {
        RbacRules[] rules =
        [
            .. VerdictTable.Permissions.Select(static one => Access.Rules("DENY", one.Rule, "{any: true}")),
            .. VerdictTable.Principals.Select(static one => Access.Rules("ALLOW", "{any: true}", one.Rule)),
        ];
        AuthorizationSubject[] subjects =
        [
            Access.Subject("GET /a/b;c/%2e%2fd?x HTTP/1.1 | Host: Shop.Example.:080 | X-Role: a | X-Role: b | X-Level: 3 @ uri=spiffe://td/ns/a/sa/b sni=A.test told=::ffff:10.0.0.1 claim.groups=[a,b] claim.iss=x"),
            Access.Subject("DELETE /v1/x HTTP/1.1 @ direct=[fd00::1]:1"),
        ];
        Run();
        Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Run()
        {
            foreach (RbacRules one in rules)
            {
                foreach (ref readonly AuthorizationSubject subject in subjects.AsSpan()) one.Evaluate(subject);
            }
        }
    }

    [Fact]
    public void Many_policies_with_an_index_judge_as_each_of_them_tried_in_order()
    {
        var random = new Random(1);
        string[] whats =
        [
            "{any: true}", "{url_path: {path: {exact: /a}}}", "{url_path: {path: {exact: /b}}}", "{url_path: {path: {prefix: /a}}}", "{not_rule: {url_path: {path: {exact: /a}}}}",
            "{and_rules: {rules: [{url_path: {path: {exact: /c}}}, {header: {name: ':method', string_match: {exact: GET}}}]}}", "{or_rules: {rules: [{url_path: {path: {exact: /a}}}, {url_path: {path: {exact: /c}}}]}}",
            "{or_rules: {rules: [{url_path: {path: {exact: /d}}}, {destination_port: 81}]}}",
        ];
        string[] whos =
        [
            "{any: true}", "{authenticated: {principal_name: {exact: 'spiffe://x'}}}", "{authenticated: {principal_name: {exact: 'spiffe://y'}}}", "{authenticated: {principal_name: {exact: web.test}}}",
            "{authenticated: {principal_name: {exact: 'CN=z'}}}", "{filter_state: {key: io.istio.peer_principal, string_match: {exact: 'spiffe://x'}}}", "{not_id: {authenticated: {principal_name: {exact: 'spiffe://x'}}}}",
        ];
        string[] subjects =
        [
            .. from path in new[] { "/a", "/b", "/c", "/d", "/ab", "/e", "/a;x", "/x%2f..%2fa", "/%00" }
               from facts in new[] { "", " @ uri=spiffe://x", " @ uri=spiffe://y,spiffe://x dns=web.test", " @ subject=CN=z local=1.1.1.1:81" }
               from method in new[] { "GET", "POST" }
               select $"{method} {path} HTTP/1.1{facts}",
        ];
        for (int round = 0; round < 50; round++)
        {
            var policies = Enumerable.Range(0, 30).Select(i => (Name: $"p{i:D2}", What: whats[random.Next(1, whats.Length)], Who: whos[random.Next(whos.Length)])).ToList();
            string action = round % 2 == 0 ? "ALLOW" : "DENY";
            RbacRules all = Access.Compile($"{{action: {action}, policies: {{{string.Join(", ", policies.Select(static one => $"{one.Name}: {{permissions: [{one.What}], principals: [{one.Who}]}}"))}}}}}");
            RbacRules[] single = [.. policies.Select(one => Access.Rules(action, one.What, one.Who))];
            foreach (string line in subjects)
            {
                AuthorizationSubject subject = Access.Subject(line, Lateen.Http.PathPolicy.None);
                int expected = Array.FindIndex(single, one => one.Evaluate(subject).Policy == 0);
                Assert.Equal(new RbacVerdict(expected >= 0 == (action == "ALLOW"), expected), all.Evaluate(subject));
            }
        }
    }

    private static void Check(string permission, string principal, string line, bool fits, bool isConnection)
    {
        AuthorizationSubject subject = Access.Subject(line);
        Assert.Equal(new RbacVerdict(fits, fits ? 0 : -1), Access.Rules("ALLOW", permission, principal, isConnection).Evaluate(subject));
        Assert.Equal(new RbacVerdict(!fits, fits ? 0 : -1), Access.Rules("DENY", permission, principal, isConnection).Evaluate(subject));
        Assert.Equal(new RbacVerdict(true, fits ? 0 : -1), Access.Rules("LOG", permission, principal, isConnection).Evaluate(subject));

        // Turned round, where one half lets everything pass and the other decides.
        const string Anything = "{any: true}";
        bool isOfPermission = principal == Anything;
        if (!isOfPermission && permission != Anything) return;
        string notPermission = isOfPermission ? $"{{not_rule: {permission}}}" : permission;
        string notPrincipal = isOfPermission ? principal : $"{{not_id: {principal}}}";
        Assert.Equal(!fits, Access.Rules("ALLOW", notPermission, notPrincipal, isConnection).Evaluate(subject).IsAllowed);
        Assert.Equal(fits, Access.Rules("DENY", notPermission, notPrincipal, isConnection).Evaluate(subject).IsAllowed);
        Assert.Equal(fits ? -1 : 0, Access.Rules("LOG", notPermission, notPrincipal, isConnection).Evaluate(subject).Policy);
    }
}
