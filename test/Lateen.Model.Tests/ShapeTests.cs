using System.Runtime.CompilerServices;
using System.Text;
using Lateen.Model.Kubernetes.EndpointSlices;
using Lateen.Model.Kubernetes.Secrets;
using Lateen.Model.Kubernetes.Services;
using Lateen.Model.Mesh;
using Lateen.Model.Networking.DestinationRules;
using Lateen.Model.Networking.Gateways;
using Lateen.Model.Networking.ServiceEntries;
using Lateen.Model.Networking.Sidecars;
using Lateen.Model.Networking.VirtualServices;
using Lateen.Model.Networking.WorkloadEntries;
using Lateen.Model.Reading;
using Lateen.Model.Security.AuthorizationPolicies;
using Lateen.Model.Security.PeerAuthentications;
using Lateen.Model.Security.RequestAuthentications;
using Lateen.Yaml;

namespace Lateen.Model.Tests;

public sealed class ShapeTests
{
    private static readonly (ResourceKind Kind, MessageShape Shape, Action<ObjectReader> Read)[] Kinds =
    [
        (ResourceKind.VirtualService, VirtualServiceReader.Shape, at => VirtualServiceReader.Read(at)),
        (ResourceKind.DestinationRule, DestinationRuleReader.Shape, at => DestinationRuleReader.Read(at)),
        (ResourceKind.Gateway, GatewayReader.Shape, at => GatewayReader.Read(at)),
        (ResourceKind.ServiceEntry, ServiceEntryReader.Shape, at => ServiceEntryReader.Read(at)),
        (ResourceKind.WorkloadEntry, WorkloadEntryReader.Shape, at => WorkloadEntryReader.Read(at)),
        (ResourceKind.Sidecar, SidecarReader.Shape, at => SidecarReader.Read(at)),
        (ResourceKind.PeerAuthentication, PeerAuthenticationReader.Shape, at => PeerAuthenticationReader.Read(at)),
        (ResourceKind.RequestAuthentication, RequestAuthenticationReader.Shape, at => RequestAuthenticationReader.Read(at)),
        (ResourceKind.AuthorizationPolicy, AuthorizationPolicyReader.Shape, at => AuthorizationPolicyReader.Read(at)),
        (ResourceKind.Service, ServiceReader.Shape, at => ServiceReader.Read(at)),
        (ResourceKind.EndpointSlice, EndpointSliceReader.Shape, at => EndpointSliceReader.Read(at)),
        (ResourceKind.Secret, SecretReader.Shape, at => SecretReader.Read(at)),
        (ResourceKind.MeshConfig, MeshConfigReader.Shape, at => MeshConfigReader.Read(at)),
    ];

    public static TheoryData<string> Names => new(Kinds.Select(kind => kind.Kind.Name));

    /// <summary>A field that is declared and not read would be accepted whatever it holds, in silence. Each is given a value that no field
    /// takes, and must be complained about at its own path.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Every_field_of_the_kind_is_read(string name)
    {
        var (_, shape, read) = Kinds.Single(kind => kind.Kind.Name == name);
        var unread = new List<string>();
        foreach (var (path, field) in Fields(shape, []))
        {
            if (field.Status == FieldStatus.Inert || field.Note is "concerns Kubernetes alone") continue;
            // The mesh settings that this release does not use are known by name only.
            if (shape == MeshConfigReader.Shape && field is { Status: FieldStatus.Pending, Shape: null }) continue;
            if (shape == MeshConfigReader.Shape && path is ["outboundTrafficPolicy", "tls"]) continue;
            if (!IsComplainedAbout(shape, read, path)) unread.Add(string.Join('.', path));
        }

        Assert.Empty(unread);
    }

    [Fact]
    public void Docs_configuration_lists_every_kind_field_and_code()
    {
        var file = Path.GetFullPath(Path.Combine(SourceDirectory(), "../../docs/configuration.md"));
        var actual = Document();
        if (IsUpdateWanted) File.WriteAllText(file, actual);
        Assert.Equal(File.ReadAllText(file), actual);
    }

    [Fact]
    public void Every_code_is_given_once_and_fits_its_form()
    {
        Assert.Equal(DiagnosticCodes.All.Length, DiagnosticCodes.All.Select(code => code.Code).Distinct().Count());
        Assert.All(DiagnosticCodes.All, code => Assert.Matches("^LAT[01][0-9]{3}$", code.Code));
    }

#pragma warning disable RS0030 // ./test.sh tells the tests by this variable that golden files are to be rewritten.
    private static bool IsUpdateWanted => Environment.GetEnvironmentVariable("LATEEN_UPDATE_GOLDEN") == "1";
#pragma warning restore RS0030

    private static IEnumerable<(string[] Path, ShapeField Field)> Fields(MessageShape shape, string[] prefix)
    {
        foreach (var field in shape.Fields)
        {
            string[] path = [.. prefix, field.Name];
            yield return (path, field);
            if (field.Shape is null) continue;
            foreach (var inner in Fields(field.Shape, path)) yield return inner;
        }
    }

    /// <summary>A mapping where a plain value or a list is expected, or the plain value 'wrong' where a mapping is: whichever the field is,
    /// one of the two does not fit. Parents are tried as mapping, as list of one, and as map of one entry.</summary>
    private static bool IsComplainedAbout(MessageShape shape, Action<ObjectReader> read, string[] path)
    {
        foreach (var wrong in (YamlNode[])[YamlMappingOf("no-such-field", YamlScalar.FromString("x")), YamlScalar.FromInteger(-7)])
            foreach (var nesting in Nestings(path.Length - 1))
            {
                var node = wrong;
                var expected = "";
                for (var i = path.Length - 1; i >= 0; i--)
                {
                    node = YamlMappingOf(path[i], node);
                    if (i > 0) node = nesting[i - 1] switch { 0 => node, 1 => new YamlSequence([node]), _ => YamlMappingOf("key", node) };
                }

                for (var i = 0; i < path.Length; i++)
                    expected += (i == 0 ? "" : nesting[i - 1] switch { 0 => ".", 1 => "[0].", _ => "[\"key\"]." }) + path[i];
                var context = new ReadContext("test", null);
                if (ObjectReader.Open(context, node, FieldPath.Root, shape) is { } at) read(at);
                if (context.Diagnostics.Any(found => found.IsError && found.FieldPath.StartsWith(expected, StringComparison.Ordinal))) return true;
            }

        return false;
    }

    private static IEnumerable<int[]> Nestings(int depth)
    {
        for (var number = 0; number < (int)Math.Pow(3, depth); number++)
        {
            var digits = new int[depth];
            for (int i = 0, rest = number; i < depth; i++, rest /= 3) digits[i] = rest % 3;
            yield return digits;
        }
    }

    private static YamlMapping YamlMappingOf(string key, YamlNode value) => new YamlMappingBuilder().Add(key, value).Build();

    private static string Document()
    {
        var text = new StringBuilder("""
            # Configuration: kinds, fields, diagnostics

            Lateen reads Kubernetes-style documents (`apiVersion`, `kind`, `metadata`, `spec`), YAML or JSON, several to a file, also as
            `kind: List`. A document without a namespace is in `default`. `status` is known and ignored. Every field of the kinds below is
            parsed and checked; an unknown field is an error. What this release does with a field:

            - **in effect**: proxies obey it.
            - **checked only**: valid, but without effect in this release; writing it draws the warning LAT0203.
            - **no effect**: Istio never gave it one either (LAT0220).
            - **deprecated**: in effect, with a newer form (LAT0219).

            This file is written by `./test.sh --update-golden` from the readers' own tables and checked by `Lateen.Model.Tests`.

            ## Mesh settings

            There is one set of mesh settings. It is read from a document `apiVersion: mesh.istio.io/v1alpha1, kind: MeshConfig`, whose fields
            stand at the top or under `spec` (a form of Lateen's, for Istio has no such resource), or from Istio's ConfigMap `istio` (or
            `istio-REVISION`), key `mesh`. `clusterDomain` is a setting of Lateen; Istio takes it from the environment.

            ## Secrets

            A core `Secret` of type `kubernetes.io/tls` or `Opaque` holds a certificate chain with its key (`tls.crt` and `tls.key`, or `cert` and
            `key`), roots (`ca.crt` or `cacert`) and revocation lists (`ca.crl` or `crl`), base64 in `data` or plain in `stringData`. The roots of
            `NAME` may lie in a Secret `NAME-cacert`. PEM is checked, and that the key belongs to the certificate; the end of a certificate is a
            warning a month before. Gateways and DestinationRules name one by `credentialName`; proxies get it over SDS as `kubernetes://NAME` and
            `kubernetes://NAME-cacert`, from their own namespace only and when their own configuration names it: on any machine over mutual TLS (port
            15012), where a proxy's certificate says whose it is and its labels are [vouched for](mutual-tls.md#who-is-a-gateway); over the plaintext
            port (15010), which takes its word for it, not at all, or with `lateen up --secrets-over-plaintext` on the control plane's own machine. Files
            beside the proxy are `file-cert:CERT~KEY`, `file-root:CA` and `file-root:CA~CRL`: the proxy reads and watches
            them, the control plane never sees them. What a Secret holds is shown nowhere: `lateen get`, `lateen diff`, the API and diagnostics
            give names and no values, and dumps of a proxy show certificates but no keys.

            ## Security policies

            RequestAuthentication and AuthorizationPolicy concern the workloads of their namespace, or of the mesh when they lie in the root namespace, as
            their `selector` narrows it. Policies with `targetRefs` attach to nothing yet, for what they may name is not served (waypoints, and
            Gateways of `gateway.networking.k8s.io`): the warnings LAT0203 and LAT1012 say so, for each target. Values of an AuthorizationPolicy are `exact`, `prefix*`, `*suffix` or `*` (there is one); `paths` may also be templates (`/a/{*}/b`,
            `/a/{**}`). Hosts are compared without regard to case, and a value without a port takes any port. On ports that are not HTTP an ALLOW rule that
            asks for what only requests have never matches, and a DENY rule is taken as if it had not asked for it (LAT1008). A CUSTOM policy asks its
            provider about such connections too, with their addresses and the peer's identity, before a byte of them moves, where the provider speaks
            gRPC; one of HTTP cannot be asked, and what the policy matches there is denied, as it is where the provider is not declared (LAT0931).
            Of `jwks` proxies get the public members only, at most 128 keys and 64 KiB of them; a key that nobody can use is left out (LAT1207, and for fetched keys the
            log). A token is refused from the second of its `exp` on, and taken up to 60 s before its `nbf`. Fetched keys are asked for every 20 minutes and are
            good for 24 h without an answer; then, and until a first answer, tokens of that issuer are refused. A control plane that starts anew asks
            again, and proxies keep what they hold meanwhile. One namespace may name 32 sources of keys, the mesh 256, shared out by turns.
            `principals`, `namespaces` and `trustDomains` look at the SPIFFE id of a certificate and at no other name in it. A path with an escaped control
            octet, `?` or `#` satisfies no ALLOW rule by path and every DENY rule by path, since servers read it in different ways.
            Who is refused learns nothing of the rule; access logs and `/stats` name policy, rule, file and line, and what an AUDIT policy matched
            ([mutual-tls.md](mutual-tls.md#see-it)).

            ## Where Lateen differs from Istio on purpose

            - A DestinationRule that a client may not see does not hide a wider one in the same namespace that it may see.
            - Redirect codes other than 301, 302, 303, 307 and 308, and a direct response of status 600, are errors; Istio accepts them and
              makes nothing of them.
            - A directory has no pods, so the labels of an EndpointSlice (but those of `kubernetes.io`) stand for the labels of its endpoints.
            - Traffic is not captured in this release, so there is no original destination: resolution NONE resolves the host by DNS.
            - An `ExternalName` Service is resolved by DNS rather than made an alias.
            - Nothing tells connections to an egress listener of TCP apart but the listener itself, so it leads to one service: the first of its hosts
              that has the port. For TLS, server names tell them apart; with one service alone, any name leads there.
            - `credentialName` in a DestinationRule without a `workloadSelector` is for gateways. Istio's sidecars then send plaintext; Lateen's refuse.
            - TLS towards a host always verifies a name: `subjectAltNames`, else `sni`, else the Host of each request, else the service's own host.
              Istio verifies none for TCP that gives neither.
            - HTTP over TLS offers `h2` and `http/1.1` and takes what the host chooses; `h2UpgradePolicy: DO_NOT_UPGRADE` offers neither (Istio's way).
            - A JWT is refused from the second of its `exp` on; Istio's proxies take it for a minute more.
            - `outputPayloadToHeader` and `outputClaimToHeaders` write no header that frames a message, concerns one hop or says whose the request is.
            - A gateway's TLS begins at 1.2: `TLSV1_0`, `TLSV1_1` and `DES-CBC3-SHA` are warnings, and what they are part of is served without them.
            - Interim responses of HTTP (`102`, `103`) reach the client; Istio's proxies keep them back. Trailers are as in Istio: they pass
              between peers of HTTP/2 (gRPC), and messages of HTTP/1.1 are sent without theirs, for Envoy's `enable_trailers` is never set.
            - Snake-case field names are errors, as they are in Kubernetes; Istio's own tools read them.
            - `(?P<name>...)`, POSIX classes, one-letter Unicode classes, `\Q`, `\C`, `\x{...}` and the flag `U` are RE2, but the engine that
              runs expressions here in linear time does not take them: they are errors that say what to write.


            """.ReplaceLineEndings("\n"));
        foreach (var (kind, shape, _) in Kinds)
        {
            text.Append("## ").Append(kind.Name).Append("\n\n`").Append(string.Join("`, `", kind.Versions.Select(version => kind.Group.Length == 0 ? version : $"{kind.Group}/{version}")))
                .Append("`\n\n| Field | Status | Note |\n|---|---|---|\n");
            foreach (var (path, field) in Fields(shape, []))
                text.Append("| `").Append(string.Join('.', path)).Append("` | ").Append(StatusOf(shape, path)).Append(" | ").Append(field.Note).Append(" |\n");
            text.Append('\n');
        }

        text.Append("## Diagnostics\n\nCodes keep their meaning across releases. An error refuses the resource and keeps its last good version.\n\n| Code | Severity | Meaning |\n|---|---|---|\n");
        foreach (var code in DiagnosticCodes.All) text.Append("| ").Append(code.Code).Append(" | ").Append(code.Severity.ToString().ToLowerInvariant()).Append(" | ").Append(code.Meaning).Append(" |\n");
        return text.ToString();
    }

    /// <summary>A field below one that is not in effect is not in effect.</summary>
    private static string StatusOf(MessageShape shape, string[] path)
    {
        var status = FieldStatus.InEffect;
        var current = shape;
        foreach (var name in path)
        {
            var field = current!.Find(name)!;
            if (field.Status != FieldStatus.InEffect && status != FieldStatus.Pending) status = field.Status;
            current = field.Shape;
        }

        return status switch
        {
            FieldStatus.Pending => "checked only",
            FieldStatus.Inert => "no effect",
            FieldStatus.Deprecated => "deprecated",
            _ => "in effect",
        };
    }

    private static string SourceDirectory([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
