using System.Collections.Immutable;
using Istio.Envoy.Config.Filter.Http.Alpn.V2Alpha1;
using Protocol = Istio.Envoy.Config.Filter.Http.Alpn.V2Alpha1.FilterConfig.Types.Protocol;

namespace Lateen.Translation.MutualTls;

/// <summary>
/// Istio's application protocols of TLS within the mesh. By them a server tells a proxy of the mesh from any other client of TLS before it has
/// opened anything, and what the proxy will speak inside.
/// </summary>
internal static class MeshAlpn
{
    /// <summary>Istio's name of the filter that offers what the request will be spoken in.</summary>
    public const string FilterName = "istio.alpn";

    /// <summary>What a client offers for a connection that it does not look into.</summary>
    /// <remarks>
    /// Istio's clients offer <c>istio-peer-exchange</c> before it, and then open the connection with a message about themselves. Ours send none, so
    /// they must not say that they will.
    /// </remarks>
    public static readonly ImmutableArray<string> Opaque = ["istio"];

    /// <summary>The same of a cluster that is spoken to in HTTP/2.</summary>
    public static readonly ImmutableArray<string> OpaqueOrHttp2 = ["istio", "h2"];

    /// <summary>What proxies of the mesh offer for HTTP.</summary>
    public static readonly ImmutableArray<string> Http = ["istio-http/1.0", "istio-http/1.1", "istio-h2"];

    /// <summary>What they offer for anything else.</summary>
    public static readonly ImmutableArray<string> Tcp = ["istio", "istio-peer-exchange"];

    /// <summary>Whatever a proxy of the mesh offers.</summary>
    public static readonly ImmutableArray<string> Any = ["istio", "istio-peer-exchange", "istio-http/1.0", "istio-http/1.1", "istio-h2"];

    /// <summary>What a server agrees on for HTTP: clients offer these last.</summary>
    public static readonly ImmutableArray<string> ServerHttp = ["h2", "http/1.1"];

    /// <summary>What each request's connection offers, by what it is spoken in.</summary>
    public static FilterConfig ByRequest() => new()
    {
        AlpnOverride =
        {
            Override(Protocol.Http10, "istio-http/1.0", "istio", "http/1.0"),
            Override(Protocol.Http11, "istio-http/1.1", "istio", "http/1.1"),
            Override(Protocol.Http2, "istio-h2", "istio", "h2"),
        },
    };

    private static FilterConfig.Types.AlpnOverride Override(Protocol protocol, params ReadOnlySpan<string> offered)
    {
        var made = new FilterConfig.Types.AlpnOverride { UpstreamProtocol = protocol };
        foreach (string name in offered) made.AlpnOverride_.Add(name);
        return made;
    }
}
