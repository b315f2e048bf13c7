using System.Text.RegularExpressions;
using Envoy.Admin.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Tls;
using Lateen.Telemetry.Exposition;
using Lateen.Xds.Schema;
using Lateen.Xds.Text;
using Lateen.Xds.Wire;

namespace Lateen.Proxy.Admin;

/// <summary>
/// <c>/config_dump</c>: every resource as it was received, in Envoy's sections. <c>?include_eds</c> adds endpoints;
/// <c>?resource=dynamic_active_clusters</c> shows the members of one list alone; <c>?name_regex=</c> keeps those whose name matches.
/// </summary>
internal static class ConfigDumpPage
{
    public static AdminPage Create(AdminContext context) => new(
        "/config_dump", "dump current configs (include_eds, resource=FIELD, name_regex=REGEX)", false,
        (request, response, cancellation) => AnswerAsync(context, request, response, cancellation));

    private static async ValueTask AnswerAsync(AdminContext context, AdminRequest request, AdminResponse response, CancellationToken cancellation)
    {
        if (request.Has("mask"))
        {
            response.Refuse(400, "mask is not supported; use resource= and name_regex=\n");
            return;
        }

        Regex? names = null;
        if (request["name_regex"] is { Length: > 0 } pattern)
        {
            try
            {
                names = StatsQuery.CompileName($"^(?:{pattern})$");
            }
            catch (ArgumentException failure)
            {
                response.Refuse(400, $"Error while parsing name_regex from {pattern}: {failure.Message}\n");
                return;
            }
        }

        var view = await context.DumpAsync(cancellation).ConfigureAwait(false);
        var sections = new List<Section>();
        if (names is null)
        {
            sections.Add(Of("BootstrapConfigDump", new BootstrapConfigDump
            {
                Bootstrap = view.Bootstrap is { } bootstrap ? SecretRedaction.Of(BootstrapLoader.MessageName, bootstrap) : null,
                LastUpdated = Timestamp.FromDateTimeOffset(view.BootstrapLoaded),
            }));
        }

        sections.Add(Of("ClustersConfigDump", ConfigDumpSections.Clusters(Named(view.Clusters, names), view.ClustersVersion)));
        if (request.Has("include_eds") || request["resource"] is "static_endpoint_configs" or "dynamic_endpoint_configs")
            sections.Add(Of("EndpointsConfigDump", ConfigDumpSections.Endpoints(Named(view.Endpoints, names))));
        sections.Add(Of("ListenersConfigDump", ConfigDumpSections.Listeners(Named(view.Listeners, names), view.ListenersVersion)));
        sections.Add(Of("RoutesConfigDump", ConfigDumpSections.Routes(Named(view.Routes, names))));
        sections.Add(Of("SecretsConfigDump", ConfigDumpSections.Secrets(Named(view.Secrets, names))));

        if (request["resource"] is { Length: > 0 } resource && !TrySelect(resource, ref sections))
        {
            response.Refuse(404, $"{resource} not found in config dump\n");
            return;
        }

        response.ContentType = AdminResponse.Json;
        WriteConfigs(sections, response);
    }

    private static IEnumerable<ConfigDumpEntry> Named(IEnumerable<ConfigDumpEntry> entries, Regex? names) =>
        names is null ? entries : entries.Where(entry => names.IsMatch(entry.Name));

    /// <summary>Replaces the sections by the members of one field of one of them.</summary>
    private static bool TrySelect(string resource, ref List<Section> sections)
    {
        foreach (var section in sections)
        {
            if (section.Type.Fields.FirstOrDefault(one => one.Name == resource) is not { } field) continue;
            var members = new List<ReadOnlyMemory<byte>>();
            if (field.Kind == FieldKind.Message) WireFields.TryCut(section.Body, field.Number, members, Stream.Null);
            sections = [.. members.Select(member => new Section(field.MessageType, member))];
            return true;
        }

        return false;
    }

    private static void WriteConfigs(List<Section> sections, AdminResponse response)
    {
        // Written section by section: a proxy may hold hundreds of megabytes of configuration, and one string of all of it helps nobody.
        response.Write("{\n  \"configs\": [");
        for (var i = 0; i < sections.Count; i++)
        {
            response.Write(i == 0 ? "\n    " : ",\n    ");
            var text = ProtoJson.Default.WriteJson(sections[i].Type, sections[i].Body).TrimEnd().ReplaceLineEndings("\n    ");
            var open = text.IndexOf('{', StringComparison.Ordinal) + 1;
            var isEmpty = text.AsSpan(open).TrimStart() is ['}', ..];
            response.Write(text.AsSpan(0, open));
            response.Write($"\n      \"@type\": \"type.googleapis.com/{sections[i].Type.FullName}\"{(isEmpty ? "\n    " : ",")}");
            response.Write(isEmpty ? "}" : text.AsSpan(open));
        }

        response.Write(sections.Count == 0 ? "]\n}\n" : "\n  ]\n}\n");
    }

    private static Section Of(string name, IMessage message) => new(ProtoSchema.Default.Get($"envoy.admin.v3.{name}"), message.ToByteArray());

    private readonly record struct Section(MessageSchema Type, ReadOnlyMemory<byte> Body);
}
