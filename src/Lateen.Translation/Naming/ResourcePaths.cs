using Lateen.Model;

namespace Lateen.Translation.Naming;

/// <summary>How generated configuration names the resource that it came from: the path that Istio writes into <c>filter_metadata.istio.config</c>.</summary>
internal static class ResourcePaths
{
    public static string DestinationRule(ResourceKey key) => Path(key, "destination-rule");

    public static string VirtualService(ResourceKey key) => Path(key, "virtual-service");

    private static string Path(ResourceKey key, string kind) => $"/apis/networking.istio.io/v1/namespaces/{key.Namespace}/{kind}/{key.Name}";
}
