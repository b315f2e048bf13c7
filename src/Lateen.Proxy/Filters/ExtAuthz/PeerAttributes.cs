using System.Net;
using System.Security.Cryptography;
using Envoy.Config.Core.V3;
using Envoy.Service.Auth.V3;
using Lateen.Net.Tls;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>The two ends of a connection as an authorization service is told of them.</summary>
internal static class PeerAttributes
{
    /// <param name="client">Where the client is, as far as anybody told.</param>
    /// <param name="local">Where it connected to.</param>
    /// <param name="tls">What its handshake agreed on; null: there was none.</param>
    /// <param name="includesCertificate">The client's certificate goes along, verified or not: who wants to look at it himself can.</param>
    /// <param name="includesSession">The server name goes along.</param>
    public static AttributeContext Of(EndPoint? client, EndPoint? local, TlsSession? tls, bool includesCertificate, bool includesSession)
    {
        var attributes = new AttributeContext
        {
            // An unverified name is no name: anybody may write any into a certificate, and services decide by this one.
            Source = new AttributeContext.Types.Peer { Address = AddressOf(client), Principal = tls is { IsPeerTrusted: true } ? PrincipalOf(tls.PeerCertificate) : string.Empty },
            Destination = new AttributeContext.Types.Peer { Address = AddressOf(local), Principal = PrincipalOf(tls?.LocalCertificate) },
        };
        if (includesCertificate && tls?.PeerCertificate is { } certificate)
            attributes.Source.Certificate = System.Uri.EscapeDataString(PemEncoding.WriteString("CERTIFICATE", certificate.Der.Span) + "\n");
        if (includesSession && tls is not null) attributes.TlsSession = new AttributeContext.Types.TLSSession { Sni = tls.ServerName ?? string.Empty };
        return attributes;
    }

    private static Address? AddressOf(EndPoint? address) => address switch
    {
        IPEndPoint ip => new Address
        {
            SocketAddress = new Envoy.Config.Core.V3.SocketAddress { Address = (ip.Address.IsIPv4MappedToIPv6 ? ip.Address.MapToIPv4() : ip.Address).ToString(), PortValue = (uint)ip.Port },
        },
        null => null,
        _ => new Address { Pipe = new Pipe { Path = address.ToString() ?? string.Empty } },
    };

    /// <summary>As in Envoy: the first URI name, else the first DNS name, else the subject.</summary>
    private static string PrincipalOf(TlsCertificate? certificate)
    {
        if (certificate is null) return string.Empty;
        if (certificate.FirstUri is { } uri) return uri;
        foreach (SubjectAltName name in certificate.SubjectAltNames)
        {
            if (name.Kind == SubjectAltNameKind.Dns) return name.Value;
        }

        return certificate.Subject;
    }
}
