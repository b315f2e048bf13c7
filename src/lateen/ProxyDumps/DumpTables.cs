using System.Text.Json;
using Lateen.Cli.Output;

namespace Lateen.Cli.ProxyDumps;

/// <summary>Which part of a dump <c>proxy-config</c> shows, and the dump's words for it.</summary>
internal sealed record DumpSection(string Verb, string DumpType, string Member, Func<JsonElement, DumpFilter, bool> Admits, Func<IEnumerable<JsonElement>, DumpFilter, JsonElement, Table> Tabulate)
{
    public static readonly DumpSection Listeners = new("listeners", "ListenersConfigDump", "listener", ListenerAdmitted, (found, filter, _) => DumpTables.Listeners(found, filter));
    public static readonly DumpSection Routes = new("routes", "RoutesConfigDump", "route_config", RouteAdmitted, (found, filter, _) => DumpTables.Routes(found, filter));
    public static readonly DumpSection Clusters = new("clusters", "ClustersConfigDump", "cluster", ClusterAdmitted, (found, filter, _) => DumpTables.Clusters(found, filter));
    public static readonly DumpSection Endpoints = new("endpoints", "EndpointsConfigDump", "endpoint_config", EndpointsAdmitted, (found, filter, _) => DumpTables.Endpoints(found, filter));

    public static readonly DumpSection Secrets = new(
        "secrets", "SecretsConfigDump", "secret", (secret, filter) => filter.AdmitsName(secret.TextAt("name") ?? ""),
        (secrets, _, dump) => SecretTable.Of(secrets, name => dump.StateOf("SecretsConfigDump", "secret", name)));

    private static bool ListenerAdmitted(JsonElement listener, DumpFilter filter) =>
        filter.AdmitsName(listener.TextAt("name") ?? "")
        && (filter.Port is not { } port || PortOf(listener) == $"{port}");

    /// <summary>An API listener has no address; its name is what clients dial, port included.</summary>
    private static string? PortOf(JsonElement listener) => listener.At("api_listener") is null
        ? listener.TextAt("address", "socket_address", "port_value")
        : listener.TextAt("name")?.Split(':')[^1];

    private static bool RouteAdmitted(JsonElement route, DumpFilter filter) =>
        filter.AdmitsName(route.TextAt("name") ?? "")
        && route.ItemsAt("virtual_hosts").Any(host => DumpTables.HostAdmitted(host, filter));

    private static bool ClusterAdmitted(JsonElement cluster, DumpFilter filter) => NameAdmitted(cluster.TextAt("name") ?? "", filter);

    private static bool EndpointsAdmitted(JsonElement assignment, DumpFilter filter) => NameAdmitted(assignment.TextAt("cluster_name") ?? "", filter);

    private static bool NameAdmitted(string name, DumpFilter filter)
    {
        var parts = ClusterName.Parse(name);
        return filter.AdmitsName(name) && filter.AdmitsPort(parts.Port) && filter.AdmitsHost(parts.Host);
    }
}

/// <summary>Draws the resources of a dump as istioctl does: the columns that answer "where does this go".</summary>
internal static class DumpTables
{
    public static Table Listeners(IEnumerable<JsonElement> listeners, DumpFilter filter)
    {
        var table = new Table("NAME", "ADDRESS", "MATCH", "DESTINATION");
        foreach (var listener in listeners)
        {
            string address = listener.At("address")?.SocketAddress() ?? "-";
            // What a gRPC client asks for by the name that it dials; nothing listens there.
            if (listener.At("api_listener", "api_listener") is { } api) table.Add(listener.TextAt("name") ?? "-", address, "ALL", DestinationOf(api) ?? "-");
            foreach (var chain in listener.ItemsAt("filter_chains").Concat(listener.At("default_filter_chain") is { } fallback ? [fallback] : []))
                table.Add(listener.TextAt("name") ?? "-", address, MatchOfChain(chain.At("filter_chain_match"), chain.TextAt("name")), Destination(chain));
        }

        return table;
    }

    /// <summary>What a connection has to be for the chain to take it: istioctl's words, server names first.</summary>
    private static string MatchOfChain(JsonElement? match, string? name)
    {
        if (match is not { } conditions) return name ?? "ALL";
        var parts = new List<string>();
        Add("SNI", "server_names");
        if (conditions.TextAt("transport_protocol") is { } transport) parts.Add($"Trans: {transport}");
        Add("App", "application_protocols");
        string ranges = string.Join(",", conditions.ItemsAt("prefix_ranges").Select(range => $"{range.TextAt("address_prefix")}/{range.TextAt("prefix_len")}"));
        if (ranges.Length > 0) parts.Add($"Addr: {ranges}");
        if (conditions.TextAt("destination_port") is { } port) parts.Add($"Port: {port}");
        return parts.Count > 0 ? string.Join("; ", parts) : name ?? "ALL";

        void Add(string word, string field)
        {
            string values = string.Join(",", conditions.ItemsAt(field).Select(value => value.ToString()));
            if (values.Length > 0) parts.Add($"{word}: {values}");
        }
    }

    private static string Destination(JsonElement chain)
    {
        foreach (var filter in chain.ItemsAt("filters"))
        {
            if (filter.At("typed_config") is { } config && DestinationOf(config) is { } destination) return destination;
        }

        return "-";
    }

    private static string? DestinationOf(JsonElement filter)
    {
        if (filter.TextAt("rds", "route_config_name") is { } name) return $"Route: {name}";
        if (filter.At("route_config") is { } inline) return $"Inline Route: {inline.TextAt("name") ?? "-"}";
        if (filter.TextAt("cluster") is { } cluster) return $"Cluster: {cluster}";
        var weighted = filter.ItemsAt("weighted_clusters", "clusters").Select(entry => $"{entry.TextAt("name")} {entry.TextAt("weight") ?? "0"}");
        return string.Join(", ", weighted) is { Length: > 0 } all ? $"Clusters: {all}" : null;
    }

    public static bool HostAdmitted(JsonElement virtualHost, DumpFilter filter)
    {
        string[] domains = [.. virtualHost.ItemsAt("domains").Select(domain => domain.ToString())];
        return (filter.Fqdn is null || domains.Any(domain => filter.AdmitsHost(domain.Split(':')[0])))
            && (filter.Port is not { } port || (virtualHost.TextAt("name") ?? "").EndsWith($":{port}", StringComparison.Ordinal));
    }

    public static Table Routes(IEnumerable<JsonElement> routes, DumpFilter filter)
    {
        var table = new Table("NAME", "VHOST NAME", "DOMAINS", "MATCH", "ACTION", "VIRTUAL SERVICE");
        foreach (var configuration in routes)
        {
            foreach (var host in configuration.ItemsAt("virtual_hosts").Where(host => HostAdmitted(host, filter)))
            {
                string[] domains = [.. host.ItemsAt("domains").Select(domain => domain.ToString())];
                string shown = domains.Length <= 2 ? string.Join(", ", domains) : $"{domains[0]}, {domains[1]} +{domains.Length - 2} more";
                foreach (var route in host.ItemsAt("routes"))
                {
                    table.Add(configuration.TextAt("name") ?? "-", host.TextAt("name") ?? "-", shown, Match(route), Action(route),
                        Origin(route.TextAt("metadata", "filter_metadata", "istio", "config")));
                }
            }
        }

        return table;
    }

    private static string Match(JsonElement route)
    {
        if (route.At("match") is not { } match) return "-";
        string path = match.TextAt("prefix") is { } prefix ? $"{prefix}*"
            : match.TextAt("path") is { } exact ? exact
            : match.TextAt("path_separated_prefix") is { } separated ? $"PathPrefix:{separated}"
            : match.TextAt("safe_regex", "regex") is { } regex ? $"regex {regex}"
            : "-";
        int conditions = match.ItemsAt("headers").Count() + match.ItemsAt("query_parameters").Count();
        return conditions == 0 ? path : $"{path} and {conditions} more";
    }

    private static string Action(JsonElement route)
    {
        if (route.TextAt("direct_response", "status") is { } status) return $"status {status}";
        if (route.At("redirect") is { } redirect)
            return $"redirect {redirect.TextAt("host_redirect")}{redirect.TextAt("path_redirect") ?? redirect.TextAt("prefix_rewrite")}";
        if (route.TextAt("route", "cluster") is { } cluster) return cluster;
        var weighted = route.ItemsAt("route", "weighted_clusters", "clusters").Select(entry => $"{entry.TextAt("name")} {entry.TextAt("weight") ?? "0"}");
        return string.Join(", ", weighted) is { Length: > 0 } all ? all : "-";
    }

    public static Table Clusters(IEnumerable<JsonElement> clusters, DumpFilter filter)
    {
        var table = new Table("SERVICE FQDN", "PORT", "SUBSET", "DIRECTION", "TYPE", "DESTINATION RULE");
        foreach (var cluster in clusters)
        {
            var name = ClusterName.Parse(cluster.TextAt("name") ?? "-");
            table.Add(name.Host.Length > 0 ? name.Host : "-", name.PortText, name.SubsetText, name.Direction, cluster.TextAt("type") ?? "STATIC",
                Origin(cluster.TextAt("metadata", "filter_metadata", "istio", "config")));
        }

        return table;
    }

    public static Table Endpoints(IEnumerable<JsonElement> assignments, DumpFilter filter)
    {
        var table = new Table("ENDPOINT", "STATUS", "WEIGHT", "CLUSTER");
        foreach (var assignment in assignments)
        {
            foreach (var endpoint in assignment.ItemsAt("endpoints").SelectMany(locality => locality.ItemsAt("lb_endpoints")))
            {
                table.Add(endpoint.At("endpoint", "address")?.SocketAddress() ?? "-", endpoint.TextAt("health_status") ?? "HEALTHY",
                    endpoint.TextAt("load_balancing_weight") ?? "1", assignment.TextAt("cluster_name") ?? "-");
            }
        }

        return table;
    }

    /// <summary><c>/apis/networking.istio.io/v1/namespaces/shop/virtual-service/reviews</c> as <c>reviews.shop</c>.</summary>
    private static string Origin(string? path) =>
        path?.Split('/') is [.., "namespaces", var ns, _, var name] ? $"{name}.{ns}" : "-";
}
