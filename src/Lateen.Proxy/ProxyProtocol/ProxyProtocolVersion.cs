namespace Lateen.Proxy.ProxyProtocol;

/// <summary>Forms of the PROXY header (haproxy.org/download/3.0/doc/proxy-protocol.txt).</summary>
public enum ProxyProtocolVersion
{
    /// <summary>A line of text: <c>PROXY TCP4 192.0.2.1 198.51.100.7 56324 443</c>.</summary>
    V1 = 1,

    /// <summary>Binary, after a signature of 12 octets.</summary>
    V2 = 2,
}
