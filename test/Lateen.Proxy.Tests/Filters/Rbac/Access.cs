using System.Net;
using System.Text;
using Envoy.Config.Rbac.V3;
using Lateen.Http;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters.Metadata;
using Lateen.Proxy.Filters.Rbac;
using Lateen.Xds.Text;

namespace Lateen.Proxy.Tests.Filters.Rbac;

/// <summary>Rules in YAML and subjects in one line, for tests of verdicts alone.</summary>
internal static class Access
{
    /// <summary>Rules with one policy, <c>p</c>.</summary>
    public static RbacRules Rules(string action, string permission, string principal, bool isConnection = false) =>
        Compile($$$$"""{action: {{{{action}}}}, policies: {p: {permissions: [{{{{permission}}}}], principals: [{{{{principal}}}}]}}}""", isConnection);

    public static RbacRules Compile(string yaml, bool isConnection = false)
    {
        var errors = new ConfigurationErrors();
        RbacRules? rules = RbacRules.Compile(Read(yaml), FieldPath.Root.Field("rules"), errors, isConnection);
        Assert.Equal(string.Empty, errors.ToString());
        return rules!;
    }

    public static string ErrorsOf(string yaml, bool isConnection = false)
    {
        var errors = new ConfigurationErrors();
        Assert.Null(RbacRules.Compile(Read(yaml), FieldPath.Root.Field("rules"), errors, isConnection));
        return errors.ToString();
    }

    public static RBAC Read(string yaml)
    {
        RBAC? message = ProtoYamlReader.ReadText<RBAC>(yaml, out var faults);
        Assert.Empty(faults);
        return message!;
    }

    /// <summary>
    /// A subject. <c>GET /path HTTP/1.1 | Host: h | X-A: 1</c> is the request, Host <c>shop</c> where none is given. Behind <c> @ </c> stand facts of the
    /// connection, <c>name=value</c> parted by spaces: local, direct, from (addresses with ports), told (an address), uri, dns, subject (of the
    /// peer's certificate; uri and dns may be several parted by commas), sni, and claims: <c>iss=x</c> as <c>claim.iss=x</c>, lists as
    /// <c>claim.groups=[a,b]</c>, numbers as <c>claim.n=#1.5</c>, booleans as <c>claim.b=!true</c>, null as <c>claim.z=~</c>.
    /// </summary>
    public static AuthorizationSubject Subject(string line, PathPolicy? policy = null)
    {
        int at = line.LastIndexOf(" @ ", StringComparison.Ordinal);
        string request = at < 0 ? line : line[..at];
        HttpRequestHead? head = request.Length == 0 ? null : Head(request, policy ?? PathPolicy.For(PathNormalization.Base));
        var paths = new PathReadings();
        if (head is not null) paths.Read(head);
        var facts = new Dictionary<string, string>();
        foreach (string fact in at < 0 ? [] : line[(at + 3)..].Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = fact.IndexOf('=', StringComparison.Ordinal);
            facts.Add(fact[..equals], fact[(equals + 1)..]);
        }

        return new AuthorizationSubject
        {
            Request = head,
            Paths = head is null ? null : paths,
            Local = IPEndPoint.Parse(facts.GetValueOrDefault("local", "10.0.0.1:80")),
            DirectRemote = IPEndPoint.Parse(facts.GetValueOrDefault("direct", "10.0.0.2:40000")),
            ConnectionRemote = IPEndPoint.Parse(facts.GetValueOrDefault("from", facts.GetValueOrDefault("direct", "10.0.0.2:40000"))),
            ToldRemote = facts.TryGetValue("told", out string? told) ? IPAddress.Parse(told) : null,
            Peer = PeerOf(facts),
            ServerName = facts.GetValueOrDefault("sni"),
            Metadata = ClaimsOf(facts),
        };
    }

    public static HttpRequestHead Head(string line, PathPolicy policy)
    {
        string[] parts = line.Split(" | ");
        bool hasHost = parts.Any(static part => part.StartsWith("Host:", StringComparison.OrdinalIgnoreCase));
        string text = string.Join("\r\n", parts) + (hasHost ? "" : "\r\nHost: shop") + "\r\n\r\n";
        var head = new HttpRequestHead();
        ParseStatus status = new Http1RequestParser(new Http1RequestOptions { Path = policy }).Parse(head, Encoding.Latin1.GetBytes(text), out _);
        Assert.True(status == ParseStatus.Complete, $"{line}: {head.Rejection}");
        head.StripHopByHop();
        return head;
    }

    private static PeerNames? PeerOf(Dictionary<string, string> facts)
    {
        if (!facts.ContainsKey("uri") && !facts.ContainsKey("dns") && !facts.ContainsKey("subject")) return null;
        return new PeerNames(Names("uri"), Names("dns"), Encoding.UTF8.GetBytes(facts.GetValueOrDefault("subject", "")));

        System.Collections.Immutable.ImmutableArray<ReadOnlyMemory<byte>> Names(string kind) =>
            [.. facts.GetValueOrDefault(kind, "").Split(',', StringSplitOptions.RemoveEmptyEntries).Select(static one => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(one))];
    }

    private static DynamicMetadata ClaimsOf(Dictionary<string, string> facts)
    {
        var metadata = new DynamicMetadata();
        foreach ((string name, string value) in facts)
        {
            if (!name.StartsWith("claim.", StringComparison.Ordinal)) continue;
            MetadataValue own = metadata.Open("envoy.filters.http.jwt_authn"u8);
            MetadataValue payload = own["payload"u8].IsMissing ? own.SetStruct("payload"u8) : own["payload"u8];
            string[] keys = name["claim.".Length..].Split('/');
            foreach (string key in keys[..^1])
            {
                byte[] utf8 = Encoding.UTF8.GetBytes(key);
                payload = payload[utf8].IsMissing ? payload.SetStruct(utf8) : payload[utf8];
            }

            byte[] last = Encoding.UTF8.GetBytes(keys[^1]);
            switch (value)
            {
                case "~": payload.SetNull(last); break;
                case ['#', .. var number]: payload.Set(last, double.Parse(number, System.Globalization.CultureInfo.InvariantCulture)); break;
                case ['!', .. var boolean]: payload.Set(last, boolean == "true"); break;
                case ['[', .. var list, ']']:
                    MetadataValue elements = payload.SetList(last);
                    foreach (string one in list.Split(',')) elements.Add(Encoding.UTF8.GetBytes(one));
                    break;
                default: payload.Set(last, Encoding.UTF8.GetBytes(value)); break;
            }
        }

        return metadata;
    }
}
