using System.Net;
using Lateen.Net.Tls;
using Lateen.Proxy.Clusters;

namespace Lateen.Proxy.Tls;

/// <summary>Which server name an upstream handshake sends, and whether the server's certificate has to be for it.</summary>
/// <param name="Fixed"><c>sni</c>; null: none.</param>
/// <param name="FromEndpoint"><c>auto_host_sni</c>: the host name of the endpoint, where it has one.</param>
/// <param name="FromRequest"><c>auto_sni</c>: the host of the request, which comes before all others.</param>
/// <param name="VerifiesName"><c>auto_san_validation</c>, <c>auto_sni_san_validation</c>.</param>
internal sealed record UpstreamNaming(string? Fixed, bool FromEndpoint, bool FromRequest, bool VerifiesName)
{
    private readonly TlsClientParameters _fixed = new() { ServerName = Fixed, VerifyHost = VerifiesName ? Fixed : null };

    /// <summary>Connections are made for one host each.</summary>
    public bool UsesRequestHost => FromRequest;

    public TlsClientParameters ParametersFor(EndpointSnapshot endpoint, UpstreamGreeting greeting, bool isAlpnFixed)
    {
        var name = NameFor(endpoint, greeting.RequestHost);
        var protocols = greeting.Override ?? (isAlpnFixed ? null : greeting.Protocols);
        if (protocols is null && name == Fixed) return _fixed;
        return new TlsClientParameters { ServerName = name, VerifyHost = VerifiesName ? name : null, Alpn = protocols };
    }

    private string? NameFor(EndpointSnapshot endpoint, string? requestHost)
    {
        if (FromRequest && requestHost is { Length: > 0 }) return requestHost;
        return FromEndpoint && endpoint.Hostname.Length > 0 && !IPAddress.TryParse(endpoint.Hostname, out _) ? endpoint.Hostname : Fixed;
    }
}
