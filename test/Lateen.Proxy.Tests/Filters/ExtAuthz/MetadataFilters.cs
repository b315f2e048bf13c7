using System.Text;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Forwarding;

namespace Lateen.Proxy.Tests.Filters.ExtAuthz;

/// <summary>Leaves the text that a header names where a shadow policy would.</summary>
internal sealed record MarkingFilter() : HttpFilter("marker", "test")
{
    public override FilterStages Stages => FilterStages.Request;

    public override FilterVerdict OnRequest(HttpExchange exchange)
    {
        if (exchange.Request.Headers.TryGet("x-mark"u8, out var mark))
            exchange.Metadata.Open("envoy.filters.http.rbac"u8).Set("istio_ext_authz_shadow_effective_policy_id"u8, mark);
        return FilterVerdict.Continue;
    }
}

/// <summary>Reads what a service left.</summary>
internal sealed record ReadingFilter() : HttpFilter("reader", "test")
{
    public string Seen { get; private set; } = "";

    public override FilterStages Stages => FilterStages.Request;

    public override FilterVerdict OnRequest(HttpExchange exchange)
    {
        var told = exchange.Metadata["envoy.filters.http.ext_authz"u8];
        var tags = told["tags"u8];
        Seen = $"{told["level"u8].Number} {Encoding.UTF8.GetString(tags.First.Text)} {(tags.First.Next.IsTrue ? "true" : "false")}";
        return FilterVerdict.Continue;
    }
}
