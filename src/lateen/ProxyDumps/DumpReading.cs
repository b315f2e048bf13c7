using System.Text.Json;

namespace Lateen.Cli.ProxyDumps;

/// <summary>Small steps through a configuration dump: Envoy's <c>/config_dump</c> JSON, with proto field names, absent fields meaning the default.</summary>
internal static class DumpReading
{
    /// <summary>The value at a path of object members, or null when a step is missing.</summary>
    public static JsonElement? At(this JsonElement element, params ReadOnlySpan<string> path)
    {
        foreach (string step in path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(step, out element)) return null;
        }

        return element;
    }

    public static string? TextAt(this JsonElement element, params ReadOnlySpan<string> path) => element.At(path)?.ToString();

    public static IEnumerable<JsonElement> ItemsAt(this JsonElement element, params ReadOnlySpan<string> path) =>
        element.At(path) is { ValueKind: JsonValueKind.Array } array ? array.EnumerateArray() : [];

    /// <summary>The resources of one kind, static and dynamic, whatever list of the dump they stand in.</summary>
    /// <param name="dumpType">Name of the dump message, such as <c>ClustersConfigDump</c>.</param>
    /// <param name="member">The member that holds the resource in each entry: cluster, listener, route_config, endpoint_config.</param>
    public static IEnumerable<JsonElement> Resources(this JsonElement dump, string dumpType, string member)
    {
        foreach (var section in dump.ItemsAt("configs"))
        {
            if (section.TextAt("@type")?.EndsWith($".{dumpType}", StringComparison.Ordinal) != true) continue;
            foreach (var list in section.EnumerateObject())
            {
                if (list.Value.ValueKind != JsonValueKind.Array) continue;
                foreach (var entry in list.Value.EnumerateArray())
                {
                    // A listener stands one level deeper, under the state that it is in.
                    if ((entry.At(member) ?? entry.At("active_state", member)) is { } resource) yield return resource;
                }
            }
        }
    }

    /// <summary>The word for the state that a resource is in, by the list of the dump that it stands in: <c>dynamic_warming_secrets</c> is WARMING.</summary>
    public static string StateOf(this JsonElement dump, string dumpType, string member, string name)
    {
        foreach (var section in dump.ItemsAt("configs"))
        {
            if (section.TextAt("@type")?.EndsWith($".{dumpType}", StringComparison.Ordinal) != true) continue;
            foreach (var list in section.EnumerateObject())
            {
                if (list.Value.ValueKind != JsonValueKind.Array || !list.Value.EnumerateArray().Any(entry => entry.TextAt(member, "name") == name)) continue;
                return list.Name.Contains("warming", StringComparison.Ordinal) ? "WARMING" : "ACTIVE";
            }
        }

        return "-";
    }

    /// <summary><c>address:port</c>, or the path of a pipe.</summary>
    public static string SocketAddress(this JsonElement address) =>
        address.At("socket_address") is { } socket ? $"{socket.TextAt("address")}:{socket.TextAt("port_value") ?? "0"}"
        : address.TextAt("pipe", "path") is { } path ? $"unix:{path}"
        : "-";
}
