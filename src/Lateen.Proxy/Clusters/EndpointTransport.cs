using Google.Protobuf;
using Lateen.Proxy.ProxyProtocol;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Clusters;

/// <summary>
/// What stands between an endpoint's connections and the bytes of their protocol: the cluster's <c>transport_socket</c>, or the one of its
/// <c>transport_socket_matches</c> that the endpoint's metadata chose.
/// </summary>
/// <remarks>Immutable but for the secrets inside, which are replaced while it is in use.</remarks>
public sealed class EndpointTransport(string name, UpstreamTls? tls, ProxyProtocolVersion? proxyProtocol, ByteString source)
{
    private readonly ByteString _source = source;

    /// <summary>Of the match; empty for the cluster's own.</summary>
    public string Name { get; } = name;

    /// <summary>How connections are encrypted; null: they are plain.</summary>
    public UpstreamTls? Tls { get; } = tls;

    /// <summary>The PROXY header that opens every connection; null: none.</summary>
    public ProxyProtocolVersion? ProxyProtocol { get; } = proxyProtocol;

    /// <summary>
    /// True when connections that were made by <paramref name="other"/> may go on being used: it is the same, or says the same. One that was plain must
    /// not carry what is to be encrypted.
    /// </summary>
    public bool IsInterchangeableWith(EndpointTransport? other) =>
        ReferenceEquals(this, other) || (other is not null && _source.Equals(other._source));
}
