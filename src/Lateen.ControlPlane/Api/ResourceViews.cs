using System.Text.Json;
using Lateen.ControlPlane.Store;
using Lateen.Model;
using Lateen.Yaml;

namespace Lateen.ControlPlane.Api;

/// <summary>Resources and changes as the API shows them.</summary>
internal static class ResourceViews
{
    public static ResourceView Of(StoredResource stored)
    {
        var resource = stored.Resource;
        string source = stored.Layer == ResourceLayer.Applied ? "applied" : resource.Metadata.Location?.FileAndLine ?? "-";
        return new ResourceView(resource.Key.Kind.Name, resource.ApiVersion, resource.Namespace, resource.Name, stored.Revision, source, Document(resource));
    }

    /// <summary>The whole resource as it may be shown, with the namespace that it came to lie in.</summary>
    private static JsonElement Document(Resource resource)
    {
        var node = YamlReader.ReadSingle(ShownText.Of(resource), out _) as YamlMapping ?? YamlMapping.Empty;
        using var document = JsonDocument.Parse(JsonWriter.Write(WithNamespace(node, resource)));
        return document.RootElement.Clone();
    }

    private static YamlMapping WithNamespace(YamlMapping node, Resource resource)
    {
        if (resource.Key.Kind == ResourceKind.MeshConfig || node["metadata"] is not YamlMapping metadata || metadata.ContainsKey("namespace")) return node;
        var changed = new YamlMappingBuilder();
        foreach (var entry in node)
        {
            if (entry.Name != "metadata") changed.Add(entry.Name, entry.Value);
            else
            {
                var inner = new YamlMappingBuilder();
                foreach (var field in metadata) inner.Add(field.Name, field.Value);
                changed.Add("metadata", inner.Add("namespace", resource.Namespace).Build());
            }
        }

        return changed.Build();
    }

    public static ResourceChange Of(StoreChange change, bool withTexts)
    {
        var (before, after) = withTexts ? ShownText.Of(change.Before, change.After) : (null, null);
        return new ResourceChange(change.Key.Kind.Name, change.Key.Namespace, change.Key.Name, change.Kind.ToString().ToLowerInvariant(), before, after);
    }
}
