using System.Text.Json;

namespace Lateen.Cli.Output;

/// <summary>The one cell that says what a resource is about: the hosts of those that name hosts, ports or address of the others.</summary>
internal static class ResourceSummary
{
    private const int MostNamed = 3;

    public static string Hosts(JsonElement resource)
    {
        if (!resource.TryGetProperty("spec", out var spec) || spec.ValueKind != JsonValueKind.Object) spec = resource;
        if (spec.TryGetProperty("hosts", out var hosts)) return Join(Strings(hosts));
        if (spec.TryGetProperty("host", out var host)) return host.ToString();
        if (spec.TryGetProperty("servers", out var servers)) return Join(Each(servers, "hosts").SelectMany(Strings).Distinct());
        if (spec.TryGetProperty("egress", out var egress)) return Join(Each(egress, "hosts").SelectMany(Strings).Distinct());
        if (spec.TryGetProperty("address", out var address)) return address.ToString();
        if (spec.TryGetProperty("endpoints", out var endpoints)) return Join(Each(endpoints, "addresses").SelectMany(Strings));
        if (spec.TryGetProperty("ports", out var ports)) return Join(Each(ports, "port").Select(port => port.ToString()));
        return "-";
    }

    private static IEnumerable<JsonElement> Each(JsonElement array, string property)
    {
        if (array.ValueKind != JsonValueKind.Array) yield break;
        foreach (var item in array.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.Object && item.TryGetProperty(property, out var value)) yield return value;
        }
    }

    private static IEnumerable<string> Strings(JsonElement array) =>
        array.ValueKind == JsonValueKind.Array ? array.EnumerateArray().Select(item => item.ToString()) : [];

    private static string Join(IEnumerable<string> parts)
    {
        string[] all = [.. parts];
        if (all.Length == 0) return "-";
        return all.Length <= MostNamed ? string.Join(",", all) : $"{string.Join(",", all.Take(MostNamed))} +{all.Length - MostNamed} more";
    }
}
