using Lateen.Net.Tls;

namespace Lateen.Proxy.Tls;

/// <summary>What an upstream handshake takes from the traffic that it is made for.</summary>
/// <param name="Protocols">
/// Application protocols of the cluster's HTTP version, offered when the TLS context names none; null for traffic that is not HTTP.
/// </param>
/// <param name="RequestHost">
/// Host of the request, without port, where <see cref="UpstreamTls.UsesRequestHost"/>; such a connection serves requests to this host only. Null: there is none.
/// </param>
/// <param name="Override">Offered whatever the TLS context names (<c>istio.alpn</c>); null: nothing is.</param>
public readonly record struct UpstreamGreeting(
    IReadOnlyList<AlpnProtocol>? Protocols = null, string? RequestHost = null, IReadOnlyList<AlpnProtocol>? Override = null);
