using System.Collections.Immutable;
using System.Globalization;
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
using Lateen.Model.Reading.Values;
using Lateen.Model.Security.AuthorizationPolicies;
using Lateen.Model.Security.PeerAuthentications;
using Lateen.Model.Security.RequestAuthentications;
using Lateen.Yaml;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Reading;

/// <summary>Reads the envelope of one document: what kind it is, what it is called; then hands its spec to the reader of the kind.</summary>
internal sealed class DocumentReader(string file, ResourceReadOptions options, LineIndex lines, (int First, int Last) range)
{
    private static readonly MessageShape MetadataShape = new(
        "ObjectMeta",
        InEffect("name"), InEffect("namespace"), InEffect("labels"), InEffect("annotations"), InEffect("creationTimestamp"), InEffect("generateName"),
        InEffect("uid"), InEffect("resourceVersion"), InEffect("generation"), InEffect("managedFields"), InEffect("ownerReferences"),
        InEffect("finalizers"), InEffect("deletionTimestamp"), InEffect("deletionGracePeriodSeconds"), InEffect("selfLink"));

    private static readonly ImmutableArray<string> ReservedAnnotations =
        ["internal.istio.io/webhook-always-reject", "internal.istio.io/parents", "internal.istio.io/parent-namespace"];

    /// <summary>Lines of the file above the text; null: unknown.</summary>
    private int? LinesAbove => options.FirstLine == 0 ? null : options.FirstLine - 1;

    public void Read(YamlDocument document, ImmutableArray<ReadDocument>.Builder documents)
    {
        if (document.Root is null)
        {
            var context = new ReadContext(file, null, LinesAbove);
            foreach (var error in document.Errors) context.Report(DiagnosticCodes.Syntax, "", error.Position, error.Message);
            documents.Add(Refused(context, null));
        }
        else if (!document.Root.IsNull)
        {
            var text = StripMarkers(lines.Cut(range.First, range.Last), out int linesCut);
            ReadResource(document.Root, text, LinesAbove is { } above ? above + range.First + linesCut : 0, documents);
        }
    }

    /// <param name="textLine">See <see cref="ResourceMetadata.TextLine"/>.</param>
    private void ReadResource(YamlNode node, string text, int textLine, ImmutableArray<ReadDocument>.Builder documents)
    {
        if (node is not YamlMapping mapping)
        {
            var context = new ReadContext(file, null, LinesAbove);
            context.Report(
                DiagnosticCodes.NotAResource, "", node.Position, $"expects a resource, found {node.Description}",
                "apiVersion, kind, metadata, spec");
            documents.Add(Refused(context, null));
            return;
        }

        var reference = ReferenceOf(mapping);
        if (reference is { Kind: "List", ApiVersion: "v1" } && mapping["items"] is { } list)
        {
            ReadList(list, documents);
            return;
        }

        documents.Add(ReadEnvelope(mapping, reference, text, textLine));
    }

    private void ReadList(YamlNode list, ImmutableArray<ReadDocument>.Builder documents)
    {
        if (list is YamlSequence items)
        {
            foreach (var item in items) ReadResource(item, StripMarkers(YamlWriter.Write(item), out _), textLine: 0, documents);
            return;
        }

        var context = new ReadContext(file, null, LinesAbove);
        context.Report(DiagnosticCodes.WrongType, "items", list.Position, $"'items' expects a list, found {list.Description}");
        documents.Add(Refused(context, null));
    }

    private ReadDocument ReadEnvelope(YamlMapping mapping, ResourceRef reference, string text, int textLine)
    {
        var context = new ReadContext(file, reference, LinesAbove) { TextLine = textLine };
        if (reference.Kind.Length == 0 || reference.ApiVersion.Length == 0)
        {
            var missing = reference.ApiVersion.Length == 0 ? "apiVersion" : "kind";
            context.Report(
                DiagnosticCodes.NotAResource, missing, mapping.Position, $"the document has no {missing}",
                "apiVersion, kind, metadata, spec");
            return Refused(context, null);
        }

        if (IsMeshConfigMap(reference, mapping)) return ReadMeshConfigMap(context, mapping, text);
        if (FindKind(context, reference, mapping) is not { } kind) return Refused(context, null);

        var metadata = ReadMetadata(context, mapping, kind);
        ResourceKey? key = kind == ResourceKind.MeshConfig ? ResourceKey.Mesh
            : metadata is null ? null : new ResourceKey(kind, metadata.Namespace, metadata.Name);
        var resource = ReadSpec(context, kind, mapping, metadata ?? Unnamed(), reference.ApiVersion, text);
        return new ReadDocument(reference, key, context.HasErrors || metadata is null ? null : resource, InOrder(context), range);
    }

    private static ResourceMetadata Unnamed() => new() { Name = "", Namespace = "" };

    private static Resource? ReadSpec(
        ReadContext context, ResourceKind kind, YamlMapping mapping, ResourceMetadata metadata, string apiVersion, string text)
    {
        if (kind == ResourceKind.VirtualService) return Wrap(VirtualServiceReader.Shape, VirtualServiceReader.Read);
        if (kind == ResourceKind.DestinationRule) return Wrap(DestinationRuleReader.Shape, DestinationRuleReader.Read);
        if (kind == ResourceKind.Gateway) return Wrap(GatewayReader.Shape, GatewayReader.Read);
        if (kind == ResourceKind.ServiceEntry) return Wrap(ServiceEntryReader.Shape, ServiceEntryReader.Read);
        if (kind == ResourceKind.WorkloadEntry) return Wrap(WorkloadEntryReader.Shape, WorkloadEntryReader.Read);
        if (kind == ResourceKind.Sidecar) return Wrap(SidecarReader.Shape, SidecarReader.Read);
        if (kind == ResourceKind.PeerAuthentication) return Wrap(PeerAuthenticationReader.Shape, PeerAuthenticationReader.Read);
        if (kind == ResourceKind.RequestAuthentication) return Wrap(RequestAuthenticationReader.Shape, RequestAuthenticationReader.Read);
        if (kind == ResourceKind.AuthorizationPolicy) return Wrap(AuthorizationPolicyReader.Shape, AuthorizationPolicyReader.Read);
        if (kind == ResourceKind.Service) return Wrap(ServiceReader.Shape, ServiceReader.Read);
        if (kind == ResourceKind.EndpointSlice) return WrapFlat(EndpointSliceReader.Shape, EndpointSliceReader.Read, "status");
        if (kind == ResourceKind.Secret) return WrapFlat(SecretReader.Shape, SecretReader.Read);
        return mapping.ContainsKey("spec")
            ? Wrap(MeshConfigReader.Shape, MeshConfigReader.Read)
            : WrapFlat(MeshConfigReader.Shape, MeshConfigReader.Read, "status");

        Resource? Wrap<TSpec>(MessageShape shape, Func<ObjectReader, TSpec?> read)
            where TSpec : class
        {
            var envelope = new MessageShape(
                kind.Name, InEffect("apiVersion"), InEffect("kind"), InEffect("metadata"), InEffect("spec", shape), InEffect("status"));
            if (ObjectReader.Open(context, mapping, FieldPath.Root, envelope) is not { } at || !at.Require("spec")) return null;
            return at.Object("spec", read) is { } spec ? new Resource<TSpec>(kind, metadata, spec, apiVersion, text) : null;
        }

        // Kinds whose fields stand beside the metadata.
        Resource? WrapFlat<TSpec>(MessageShape shape, Func<ObjectReader, TSpec?> read, params ReadOnlySpan<string> alsoKnown)
            where TSpec : class
        {
            var envelope = new MessageShape(
                kind.Name, [.. shape.Fields, InEffect("apiVersion"), InEffect("kind"), InEffect("metadata"), .. Known(alsoKnown)]);
            return ObjectReader.Open(context, mapping, FieldPath.Root, envelope) is { } at && read(at) is { } spec
                ? new Resource<TSpec>(kind, metadata, spec, apiVersion, text)
                : null;
        }
    }

    private static ShapeField[] Known(ReadOnlySpan<string> names)
    {
        var fields = new ShapeField[names.Length];
        for (var i = 0; i < names.Length; i++) fields[i] = InEffect(names[i]);
        return fields;
    }

    private static ResourceKind? FindKind(ReadContext context, ResourceRef reference, YamlMapping mapping)
    {
        var (group, version) = SplitApiVersion(reference.ApiVersion);
        if (ResourceKind.Find(group, reference.Kind) is { } kind)
        {
            if (kind.Versions.Contains(version)) return kind;
            context.Report(
                DiagnosticCodes.UnknownApiVersion, "apiVersion", mapping["apiVersion"]!.Position,
                $"{kind.Name} has no version '{version}'", $"write apiVersion: {kind.ApiVersion}");
            return null;
        }

        var at = mapping["kind"]!.Position;
        if (KindCatalogue.Knows(group, reference.Kind) || KindCatalogue.IsForeign(group))
            context.Report(
                DiagnosticCodes.UnservedKind, "kind", at, $"this release does not serve {reference.Kind} of {reference.ApiVersion}; the document is ignored");
        else
            context.Report(
                DiagnosticCodes.UnknownKind, "kind", at, $"there is no kind {reference.Kind} in {reference.ApiVersion}",
                KindCatalogue.Hint(group, reference.Kind));
        return null;
    }

    private ResourceMetadata? ReadMetadata(ReadContext context, YamlMapping mapping, ResourceKind kind)
    {
        var location = context.Locate(mapping.Position);
        var path = FieldPath.Root.Field("metadata");
        if (mapping["metadata"] is not { IsNull: false } node)
        {
            if (kind == ResourceKind.MeshConfig) return Mesh(context, location);
            context.Report(DiagnosticCodes.MissingField, path, mapping, "the document has no metadata", "metadata: {name: ...}");
            return null;
        }

        if (ObjectReader.Open(context, node, path, MetadataShape) is not { } at) return null;
        var labels = at.StringMap("labels");
        var annotations = at.StringMap("annotations");
        LabelRules.Check(at, "labels", labels);
        foreach (var reserved in ReservedAnnotations)
            if (annotations.ContainsKey(reserved))
                at.ReportKey(
                    DiagnosticCodes.ReservedAnnotation, "annotations", reserved,
                    $"the annotation '{reserved}' is written by the control plane", "remove it");
        context.Annotations = annotations;
        CheckDryRun(at, kind, annotations);
        if (kind == ResourceKind.MeshConfig) return Mesh(context, location);

        var name = at.RequiredString("name");
        var resourceNamespace = at.String("namespace") is { Length: > 0 } written ? written : options.DefaultNamespace;
        if (name is not null && !IsName(name))
            at.Report(
                DiagnosticCodes.InvalidName, "name", $"'{name}' is not a resource name",
                "lower-case letters, digits, '-' and '.', at most 253");
        if (!IsName(resourceNamespace) || resourceNamespace.Contains('.'))
            at.Report(
                DiagnosticCodes.InvalidName, "namespace", $"'{resourceNamespace}' is not a namespace",
                "lower-case letters, digits and '-', at most 63");
        return name is null ? null : new ResourceMetadata
        {
            Name = name,
            Namespace = resourceNamespace,
            Labels = labels,
            Annotations = annotations,
            CreatedAt = ReadCreationTime(at),
            Location = location,
            TextLine = context.TextLine,
        };
    }

    /// <summary>Whoever writes it believes that nothing is enforced, so it is an error wherever that would not be so.</summary>
    private static void CheckDryRun(ObjectReader at, ResourceKind kind, StringMap<string> annotations)
    {
        const string annotation = AuthorizationPolicyRules.DryRunAnnotation;
        if (!annotations.TryGetValue(annotation, out var written)) return;
        if (kind != ResourceKind.AuthorizationPolicy)
            at.ReportKey(
                DiagnosticCodes.InvalidDryRun, "annotations", annotation, $"a {kind.Name} cannot be dry-run", "the annotation is for AuthorizationPolicy");
        else if (written is not ("true" or "false"))
            at.ReportKey(DiagnosticCodes.InvalidDryRun, "annotations", annotation, $"'{written}' is neither \"true\" nor \"false\"");
    }

    private DateTimeOffset ReadCreationTime(ObjectReader at)
    {
        if (at.String("creationTimestamp") is not { Length: > 0 } written) return options.DefaultCreatedAt;
        if (DateTimeOffset.TryParse(written, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)) return time;
        at.Report(DiagnosticCodes.WrongType, "creationTimestamp", $"'{written}' is not a time", "2026-01-31T12:00:00Z");
        return options.DefaultCreatedAt;
    }

    private static ResourceMetadata Mesh(ReadContext context, SourceLocation location) =>
        new() { Name = ResourceKey.Mesh.Name, Namespace = ResourceKey.Mesh.Namespace, Location = location, TextLine = context.TextLine };

    /// <summary>Istio keeps its mesh settings as text in the ConfigMap <c>istio</c> (or <c>istio-REVISION</c>), under <c>mesh</c>.</summary>
    private static bool IsMeshConfigMap(ResourceRef reference, YamlMapping mapping) =>
        reference is { Kind: "ConfigMap", ApiVersion: "v1" }
        && (reference.Name == "istio" || reference.Name.StartsWith("istio-", StringComparison.Ordinal))
        && (mapping["data"] as YamlMapping)?["mesh"] is YamlScalar;

    private ReadDocument ReadMeshConfigMap(ReadContext context, YamlMapping mapping, string text)
    {
        var scalar = (YamlScalar)((YamlMapping)mapping["data"]!)["mesh"]!;
        // The text of a block scalar begins in the line below its indicator, moved in by that line's indentation.
        var inner = scalar.Line < lines.Count ? lines.Line(scalar.Line + 1) : "";
        var embedded = new ReadContext(file, context.Resource, scalar.Line + LinesAbove, inner.Length - inner.TrimStart().Length);
        var node = YamlReader.ReadSingle(scalar.Text, out var errors);
        foreach (var error in errors) embedded.Report(DiagnosticCodes.Syntax, "data.mesh", error.Position, error.Message);
        var spec = node is null || node.IsNull ? null
            : ObjectReader.Open(embedded, node, FieldPath.Root.Field("data").Field("mesh"), MeshConfigReader.Shape) is { } at ? MeshConfigReader.Read(at) : null;
        var metadata = Mesh(context, context.Locate(mapping.Position));
        var resource = spec is null || embedded.HasErrors
            ? null
            : new Resource<MeshConfig>(ResourceKind.MeshConfig, metadata, spec, "v1", text);
        return new ReadDocument(context.Resource, ResourceKey.Mesh, resource, InOrder(embedded), range);
    }

    private ReadDocument Refused(ReadContext context, ResourceKey? key) =>
        new(context.Resource, key, null, InOrder(context), range);

    /// <summary>Readers report in the order in which they read; people read from top to bottom.</summary>
    private static ImmutableArray<Diagnostic> InOrder(ReadContext context) =>
        [.. context.Diagnostics.OrderBy(found => found.Location?.Line).ThenBy(found => found.Location?.Column)];

    private ResourceRef ReferenceOf(YamlMapping mapping)
    {
        var metadata = mapping["metadata"] as YamlMapping;
        var writtenNamespace = Text(metadata?["namespace"]);
        var kind = Text(mapping["kind"]);
        if (kind == ResourceKind.MeshConfig.Name)
            return new ResourceRef(Text(mapping["apiVersion"]), kind, ResourceKey.Mesh.Namespace, ResourceKey.Mesh.Name);
        return new ResourceRef(
            Text(mapping["apiVersion"]), kind, writtenNamespace.Length > 0 ? writtenNamespace : options.DefaultNamespace,
            Text(metadata?["name"]));
    }

    private static string Text(YamlNode? node) => node is YamlScalar { IsNull: false } scalar ? scalar.Text : "";

    private static (string Group, string Version) SplitApiVersion(string apiVersion)
    {
        var slash = apiVersion.IndexOf('/');
        return slash < 0 ? ("", apiVersion) : (apiVersion[..slash], apiVersion[(slash + 1)..]);
    }

    /// <summary>A DNS subdomain in lower case.</summary>
    private static bool IsName(string name) =>
        name.Length <= 253 && !name.Any(char.IsAsciiLetterUpper) && name.Split('.').All(label => HostSyntax.IsLabel(label));

    /// <summary>Takes the document markers off a document's text.</summary>
    /// <param name="linesCut">Lines taken off its beginning. Count.</param>
    private static string StripMarkers(string text, out int linesCut)
    {
        linesCut = 0;
        var body = text.AsSpan();
        if (body.StartsWith("---"))
        {
            var end = body.IndexOf('\n');
            var marker = (end < 0 ? body : body[..end])[3..].Trim();
            // Content may begin in the marker's line; a comment may not matter to anyone.
            linesCut = marker.IsEmpty || marker[0] == '#' ? 1 : 0;
            body = linesCut == 0 ? body[3..].TrimStart() : end < 0 ? default : body[(end + 1)..];
        }

        body = body.TrimEnd();
        if (body.EndsWith("\n...")) body = body[..^4].TrimEnd();
        return body.IsEmpty ? "" : string.Concat(body, "\n");
    }
}
