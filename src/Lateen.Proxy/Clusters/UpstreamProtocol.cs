namespace Lateen.Proxy.Clusters;

/// <summary>What a cluster's endpoints are spoken to in (<c>HttpProtocolOptions</c>).</summary>
public enum UpstreamProtocol : byte
{
    /// <summary>HTTP/1.1, the default.</summary>
    Http1,

    /// <summary>HTTP/2, by prior knowledge or ALPN <c>h2</c>.</summary>
    Http2,

    /// <summary>What the TLS handshake agrees on (<c>auto_config</c>); HTTP/1.1 when it agrees on nothing.</summary>
    Auto,

    /// <summary>What the client speaks (<c>use_downstream_protocol_config</c>).</summary>
    UseDownstream,
}
