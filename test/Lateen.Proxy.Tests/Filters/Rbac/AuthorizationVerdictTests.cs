using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Lateen.Model;
using Lateen.Model.Security;
using Lateen.Model.Security.AuthorizationPolicies;

namespace Lateen.Proxy.Tests.Filters.Rbac;

/// <summary>
/// What policies make of requests, row by row, as somebody wrote it down beforehand: each row goes the whole way from the text of an AuthorizationPolicy to the rules of a proxy, and
/// through <c>lateen authz check</c>; both must say what the row says, and name the same rule.
/// </summary>
/// <remarks>
/// <para>AuthorizationVerdicts.txt is a list of sets. A set begins with the policies that concern a workload of the namespace <c>shop</c>, one a line:
/// <c>policy NAME ACTION RULES</c>, where ACTION may be <c>CUSTOM(provider)</c>, and <c>dry-run</c> or <c>root</c> (the root namespace) may follow it. <c>mesh LEVEL</c> before them
/// says how paths are normalised.</para>
/// <para>Rows follow: <c>METHOD TARGET FACTS => OUTCOME RULE</c>, or <c>TCP FACTS => ...</c> for a connection. Facts are <c>id</c> (the peer's, a name with <c>=</c> in it is a certificate's
/// subject), <c>ip</c>, <c>told</c>, <c>dst</c>, <c>port</c>, <c>sni</c>, <c>host</c>, <c>h.NAME</c> (each one field) and <c>claim.A.B</c> (values parted by commas). OUTCOME is ALLOWED, DENIED
/// or ASK; RULE is <c>policy[rule]</c>, with <c>istio-system/</c> before it for the root namespace, or <c>-</c>. <c>audit=</c> and <c>dry=</c> behind it name what else matched.</para>
/// </remarks>
public sealed partial class AuthorizationVerdictTests
{
    private static readonly ImmutableArray<VerdictSet> Sets = [.. Read(File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Filters/Rbac/AuthorizationVerdicts.txt")))];

    /// <summary>The lines of the file on which sets begin.</summary>
    public static TheoryData<int> Lines => [.. Sets.Select(static set => set.Line)];

    [Theory]
    [MemberData(nameof(Lines))]
    public void The_proxy_and_the_check_say_what_the_row_says(int line)
    {
        var set = Sets.Single(set => set.Line == line);
        var policies = TranslatedPolicies.Of(set.Yaml);
        Assert.True(policies is not null, $"line {line}: the policies are refused\n{set.Yaml}");
        var wrong = new StringBuilder();
        foreach (var row in set.Rows)
        {
            var judged = policies.Judged(row.Request);
            var isChecked = policies.Checked(row.Request);
            if (judged != row.Expected) wrong.Append(CultureInfo.InvariantCulture, $"{row.Text}\n  but the proxy: {(judged is null ? "answers 400" : judged)}\n");
            if (isChecked != row.Expected) wrong.Append(CultureInfo.InvariantCulture, $"{row.Text}\n  but the check: {isChecked}\n");
        }

        Assert.True(wrong.Length == 0, $"line {line}\n{wrong}");
    }

    [Fact]
    public void The_table_has_three_hundred_rows_and_none_twice()
    {
        Assert.InRange(Sets.Sum(static set => set.Rows.Length), 300, int.MaxValue);
        foreach (var set in Sets) Assert.Equal(set.Rows.Length, set.Rows.Select(static row => WhiteSpace().Replace(row.Text.Split("=>")[0], " ")).Distinct().Count());
    }

    [Fact]
    public void Every_field_and_key_of_a_policy_decides_a_row_and_leaves_another()
    {
        var keys = SourceReader.Shape.Fields.Concat(OperationReader.Shape.Fields).Select(static field => field.Name).Select(static name => $"{name}:")
            .Concat(ConditionReader.KnownKeys.Select(static key => $"key: {key},"))
            .Concat(["request.headers[", "request.auth.claims[", "values:", "notValues:"]);
        foreach (string key in keys)
        {
            var using_ = Sets.Where(set => set.Policies.Any(policy => Names(policy, key))).SelectMany(static set => set.Rows).ToList();
            Assert.True(using_.Any(static row => row.Expected.Decisive.Length > 0), $"no row is decided by a rule with '{key}'");
            Assert.True(using_.Any(static row => row.Expected.Decisive.Length == 0), $"no row is left by a rule with '{key}'");
        }

        foreach (string action in System.Enum.GetNames<AuthorizationAction>())
            Assert.Contains(Sets, set => set.Policies.Any(policy => policy.Contains($" {action.ToUpperInvariant()}", StringComparison.Ordinal)) && set.Rows.Any(static row => !row.Request.IsHttp));

        static bool Names(string policy, string key) => policy.Contains($"{{{key}", StringComparison.Ordinal) || policy.Contains($" {key}", StringComparison.Ordinal)
            || policy.Contains($"\"{key}", StringComparison.Ordinal);
    }

    private sealed record VerdictRow(string Text, DescribedRequest Request, PolicyVerdict Expected);

    private sealed record VerdictSet(int Line, ImmutableArray<string> Policies, string Yaml, ImmutableArray<VerdictRow> Rows);

    private static IEnumerable<VerdictSet> Read(string[] lines)
    {
        string level = "DEFAULT";
        var policies = new List<string>();
        var rows = new List<VerdictRow>();
        int begin = 0;
        for (int i = 0; i <= lines.Length; i++)
        {
            string line = i < lines.Length ? lines[i].Trim() : "policy";
            if (line.Length == 0 || line[0] == '#') continue;
            bool isHead = line.StartsWith("policy", StringComparison.Ordinal) || line.StartsWith("mesh ", StringComparison.Ordinal);
            if (isHead && rows.Count > 0)
            {
                yield return new VerdictSet(begin, [.. policies], YamlOf(level, policies), [.. rows]);
                policies.Clear();
                rows.Clear();
                level = "DEFAULT";
            }

            if (line.StartsWith("mesh ", StringComparison.Ordinal)) level = line[5..];
            else if (!isHead) rows.Add(RowOf(line));
            else
            {
                if (policies.Count == 0) begin = i + 1;
                policies.Add(line);
            }
        }
    }

    private static string YamlOf(string level, List<string> policies)
    {
        var documents = new List<string>
        {
            $$$"""
            apiVersion: mesh.istio.io/v1alpha1
            kind: MeshConfig
            trustDomain: cluster.local
            trustDomainAliases: [old.example]
            pathNormalization: {normalization: {{{level}}}}
            extensionProviders: [{name: authz, envoyExtAuthzGrpc: {service: authz.shop.svc.cluster.local, port: 9000}}, {name: byhttp, envoyExtAuthzHttp: {service: authz.shop.svc.cluster.local, port: 9000}}]
            """,
        };
        foreach (string policy in policies)
        {
            var match = PolicyLine().Match(policy);
            Assert.True(match.Success, policy);
            bool isRoot = match.Groups["words"].Value.Contains("root", StringComparison.Ordinal), isDryRun = match.Groups["words"].Value.Contains("dry-run", StringComparison.Ordinal);
            string provider = match.Groups["provider"].Value;
            documents.Add(
                $"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: {match.Groups["name"]}, namespace: {(isRoot ? "istio-system" : "shop")}"
                + $"{(isDryRun ? ", annotations: {istio.io/dry-run: \"true\"}" : "")}}}\nspec: {{action: {match.Groups["action"]}, {(provider.Length > 0 ? $"provider: {{name: {provider}}}, " : "")}"
                + $"rules: {match.Groups["rules"]}}}");
        }

        return string.Join("\n---\n", documents);
    }

    private static VerdictRow RowOf(string line)
    {
        string[] sides = line.Split("=>", StringSplitOptions.TrimEntries);
        string[] words = sides[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        bool isHttp = words[0] != "TCP";
        var request = new DescribedRequest
        {
            IsHttp = isHttp,
            Method = words[0],
            Path = isHttp ? words[1] : "/",
            Host = "shop.example",
            SourceIp = "10.1.2.3",
            DestinationIp = "127.0.0.1",
            DestinationPort = isHttp ? 9080 : 9100,
        };
        var fields = new List<(string Name, string Value)>();
        foreach (string fact in words.Skip(isHttp ? 2 : 1))
        {
            int equals = fact.IndexOf('=', StringComparison.Ordinal);
            string name = fact[..equals], value = fact[(equals + 1)..];
            request = name switch
            {
                "id" => request with { Principal = value },
                "ip" => request with { SourceIp = value },
                "told" => request with { RemoteIp = value },
                "dst" => request with { DestinationIp = value },
                "port" => request with { DestinationPort = int.Parse(value, CultureInfo.InvariantCulture) },
                "sni" => request with { ServerName = value },
                "host" => request with { Host = value },
                _ when name.StartsWith("claim.", StringComparison.Ordinal) => request with { Claims = request.Claims.Add(new DescribedClaim([.. name.Split('.').Skip(1)], [.. value.Split(',')])) },
                _ when name.StartsWith("h.", StringComparison.Ordinal) => request,
                _ => throw new InvalidDataException($"'{name}' is no fact: {line}"),
            };
            if (name.StartsWith("h.", StringComparison.Ordinal)) fields.Add((name[2..], value));
        }

        request = request with
        {
            Headers = StringMap.Create([.. fields.GroupBy(static field => field.Name).Select(static group => KeyValuePair.Create(group.Key, group.Select(static field => field.Value).ToImmutableArray()))]),
        };
        string[] verdict = sides[1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        bool isDenied = verdict[0] == "DENIED";
        Assert.Contains(verdict[0], (string[])["ALLOWED", "DENIED", "ASK"]);
        string also(string kind) => isDenied ? "?" : verdict.Skip(2).Where(word => word.StartsWith(kind, StringComparison.Ordinal)).Select(word => RuleOf(word[kind.Length..])).SingleOrDefault("");
        return new VerdictRow(line, request, new PolicyVerdict(isDenied, verdict[0] == "ASK", verdict[1] == "-" ? "" : RuleOf(verdict[1]), also("dry="), also("audit=")));
    }

    private static string RuleOf(string written)
    {
        var match = RuleName().Match(written);
        Assert.True(match.Success, written);
        return $"ns[{(match.Groups["ns"].Success ? match.Groups["ns"].Value : "shop")}]-policy[{match.Groups["policy"]}]-rule[{match.Groups["rule"]}]";
    }

    [GeneratedRegex("^policy (?<name>[a-z]+) (?<action>[A-Z]+)(\\((?<provider>[a-z]+)\\))?(?<words>( dry-run| root)*) (?<rules>\\[.*\\])$")]
    private static partial Regex PolicyLine();

    [GeneratedRegex("^((?<ns>[a-z-]+)/)?(?<policy>[a-z]+)\\[(?<rule>[0-9]+)\\]$")]
    private static partial Regex RuleName();

    [GeneratedRegex(" +")]
    private static partial Regex WhiteSpace();
}
