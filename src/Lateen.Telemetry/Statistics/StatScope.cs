using System.Text;

namespace Lateen.Telemetry.Statistics;

/// <summary>Whose stats these are: how a field's name is completed to Envoy's dotted name and to a Prometheus family with labels.
/// </summary>
/// <remarks>A field <c>upstream_rq_total</c> in the scope of cluster <c>a</c> reads <c>cluster.a.upstream_rq_total</c> in <c>/stats</c> and
/// <c>envoy_cluster_upstream_rq_total{envoy_cluster_name="a"}</c> for Prometheus. Two scopes with the same texts are the same scope.
/// Immutable.</remarks>
public sealed class StatScope
{
    /// <param name="textPrefix">What stands before the field in the dotted name, with its last dot; empty at the root.</param>
    /// <param name="familyPrefix">What stands before the field in the Prometheus name: <c>envoy_cluster_</c>.</param>
    /// <param name="tags">The labels of all fields of the scope.</param>
    /// <param name="textSuffix">What follows the field in the dotted name; only label families use it.</param>
    public StatScope(string textPrefix, string familyPrefix, StatTag[] tags, string textSuffix = "")
    {
        TextPrefix = textPrefix;
        FamilyPrefix = familyPrefix;
        TextSuffix = textSuffix;
        Tags = tags;
    }

    /// <summary>What stands before the field in the dotted name.</summary>
    public string TextPrefix { get; }

    /// <summary>What follows the field in the dotted name.</summary>
    public string TextSuffix { get; }

    /// <summary>What stands before the field in the Prometheus name.</summary>
    public string FamilyPrefix { get; }

    /// <summary>The labels of all fields of the scope.</summary>
    public ReadOnlySpan<StatTag> TagSpan => Tags;

    internal StatTag[] Tags { get; }

    /// <summary>Stats of the process as such, under one word: <c>server</c>, <c>listener_manager</c>, <c>cluster_manager</c>.</summary>
    public static StatScope Process(string word)
    {
        return new StatScope(word + ".", "envoy_" + StatNames.ToFamily(word) + "_", []);
    }

    /// <summary><c>cluster.NAME.</c></summary>
    public static StatScope Cluster(string name)
    {
        var text = StatNames.Sanitize(name);
        return new StatScope($"cluster.{text}.", "envoy_cluster_", [new StatTag("envoy_cluster_name", text)]);
    }

    /// <summary><c>http.PREFIX.</c>, the stats of an HTTP connection manager.</summary>
    public static StatScope HttpConnectionManager(string statPrefix)
    {
        var text = StatNames.Sanitize(statPrefix);
        return new StatScope($"http.{text}.", "envoy_http_", [new StatTag("envoy_http_conn_manager_prefix", text)]);
    }

    /// <summary><c>listener.ADDRESS.</c></summary>
    /// <param name="address">The listener's stat prefix, or its bound address: <c>127.0.0.1:80</c> becomes <c>127.0.0.1_80</c>.</param>
    public static StatScope Listener(string address)
    {
        var text = StatNames.Sanitize(address);
        return new StatScope($"listener.{text}.", "envoy_listener_", [new StatTag("envoy_listener_address", text)]);
    }

    /// <summary><c>listener.ADDRESS.http.PREFIX.</c>, what a connection manager counts per listener.</summary>
    public static StatScope ListenerHttp(string address, string statPrefix)
    {
        var (a, p) = (StatNames.Sanitize(address), StatNames.Sanitize(statPrefix));
        return new StatScope($"listener.{a}.http.{p}.", "envoy_listener_http_",
            [new StatTag("envoy_http_conn_manager_prefix", p), new StatTag("envoy_listener_address", a)]);
    }

    /// <summary><c>tcp.PREFIX.</c>, the stats of a TCP proxy.</summary>
    public static StatScope TcpProxy(string statPrefix)
    {
        var text = StatNames.Sanitize(statPrefix);
        return new StatScope($"tcp.{text}.", "envoy_tcp_", [new StatTag("envoy_tcp_prefix", text)]);
    }

    /// <summary><c>vhost.VHOST.route.ROUTE.</c>, for a route that names a stat prefix.</summary>
    public static StatScope Route(string virtualHost, string statPrefix)
    {
        var (v, r) = (StatNames.Sanitize(virtualHost), StatNames.Sanitize(statPrefix));
        return new StatScope($"vhost.{v}.route.{r}.", "envoy_vhost_route_",
            [new StatTag("envoy_route", r), new StatTag("envoy_virtual_host", v)]);
    }

    /// <summary>A family that is told apart by labels alone and is exported under its own name, as Istio's metrics are. The dotted name
    /// lists the labels after the field, as Istio's proxies print it.</summary>
    public static StatScope Labels(string textPrefix, StatTag[] labels)
    {
        var text = new StringBuilder();
        foreach (var label in labels)
            text.Append('.').Append(label.Name).Append('.').Append(label.Value);
        return new StatScope(textPrefix, "", labels, text.ToString());
    }
}
