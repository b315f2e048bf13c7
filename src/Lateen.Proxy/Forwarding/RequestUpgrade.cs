using Lateen.Http;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Forwarding.Streams;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Forwarding;

/// <summary>
/// What becomes of a request to switch protocols, by Upgrade or by CONNECT: whether it counts, whether it is allowed, and whether the server granted it.
/// </summary>
internal static class RequestUpgrade
{
    /// <summary>True for a plain CONNECT. An extended one (RFC 8441) is a GET with Upgrade here, whatever it came and goes as.</summary>
    public static bool IsConnect(HttpRequestHead request) => request.Method == RequestMethod.Connect;

    /// <summary>
    /// True when the request asks to switch to another protocol. One that asks only for h2c does not: a server may ignore that (RFC 9110
    /// section 7.8; RFC 9113 section 3.1 has retired it), and it goes on without it. An extended CONNECT does not: its client waits for a tunnel.
    /// </summary>
    public static bool IsAskedFor(HttpRequestHead request)
    {
        if (IsConnect(request))
        {
            // One switch at a time, and this one cannot be ignored.
            request.SetUpgrade(default);
            return true;
        }

        if (request.Upgrade.IsEmpty) return false;
        if (!request.ConnectProtocol.IsEmpty || !request.AsksUpgradeTo("h2c"u8)) return true;
        request.Headers.Remove(KnownHeader.Http2Settings);
        return false;
    }

    /// <summary>The route says so, or says nothing and the connection manager does. The value is compared whole, as Envoy does.</summary>
    public static bool IsAllowed(HttpRequestHead request, ForwardAction action, HttpConnectionManagerSnapshot manager) =>
        IsConnect(request)
            ? action.Upgrades.Connect ?? manager.Upgrades.Connect ?? false
            // Content before the switch would have to wait for it, and nothing that is in use sends any.
            : !request.HasBody && (action.Upgrades.Find(request.Upgrade) ?? manager.Upgrades.Find(request.Upgrade) ?? false);

    /// <summary>
    /// A WebSocket client over HTTP/2 may end its stream together with its Close frame, before the server has answered that (Chromium does). HTTP/1.1 can
    /// say so by a FIN only, which servers take for a client that is gone: Kestrel aborts the request and the Close is never answered. Such an end is told
    /// when the server has ended, or had the time to (<c>delayed_close_timeout</c>).
    /// </summary>
    public static bool MayEndBeforeAnswer(HttpExchange exchange) =>
        exchange.Request.Protocol == HttpProtocol.Http2 && exchange.Record.UpstreamProtocol == HttpProtocol.Http11
        && exchange.Request.AsksUpgradeTo("websocket"u8);

    /// <summary>The response ends the HTTP of this exchange: 101, or any 2xx to CONNECT.</summary>
    public static bool IsSwitch(HttpExchange exchange) =>
        IsConnect(exchange.Request) ? exchange.Response.Status is 101 or (>= 200 and < 300) : exchange.Response.Status == 101;

    /// <summary>A switch answers a question that was asked: the protocol is the one that the client named (RFC 9110 section 15.2.2).</summary>
    public static bool IsGranted(HttpExchange exchange) =>
        IsConnect(exchange.Request) ? exchange.Response.Status != 101
        : exchange.IsUpgrade && !exchange.Response.Upgrade.IsEmpty && exchange.Request.AsksUpgradeTo(exchange.Response.Upgrade)
        && WebSocketHandshake.IsAccepted(exchange.Request, exchange.Response);
}
