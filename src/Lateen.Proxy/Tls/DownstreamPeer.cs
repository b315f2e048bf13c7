using System.Collections.Immutable;
using System.Text;
using Lateen.Net.Tls;

namespace Lateen.Proxy.Tls;

/// <summary>
/// Who is at the other end of a client's connection, as far as the handshake proved it: what policy compares, as bytes that are made once per connection.
/// </summary>
/// <remarks>
/// Immutable; any thread. Names of a certificate that was not verified against trusted roots are not in here: anybody may write any name
/// into a certificate. A session that was resumed has the names of its first handshake. The number of names is bounded by what is read of a certificate, 1,024.
/// </remarks>
public sealed class DownstreamPeer
{
    private DownstreamPeer(TlsSession? session, string serverName)
    {
        IsEncrypted = session is not null;
        ServerName = Encoding.UTF8.GetBytes(serverName);
        if (session is not { IsPeerTrusted: true, PeerCertificate: { } certificate }) return;
        Certificate = certificate;
        Subject = Encoding.UTF8.GetBytes(certificate.Subject);
        UriSans = NamesOf(certificate, SubjectAltNameKind.Uri);
        DnsSans = NamesOf(certificate, SubjectAltNameKind.Dns);
        Principal = certificate.FirstUri;
    }

    /// <summary>The peer of a connection without TLS, and without a name.</summary>
    public static DownstreamPeer Plain { get; } = new(null, string.Empty);

    /// <summary>TLS is terminated here.</summary>
    public bool IsEncrypted { get; }

    /// <summary>It showed a certificate, proved to have its key, and the chain leads to a root that is trusted.</summary>
    public bool IsVerified => Certificate is not null;

    /// <summary>Its URI names, which is where SPIFFE ids are, in the certificate's order; empty unless <see cref="IsVerified"/>.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> UriSans { get; } = [];

    /// <summary>Its DNS names as the certificate spells them; empty unless <see cref="IsVerified"/>.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> DnsSans { get; } = [];

    /// <summary>In RFC 2253 form, <c>CN=web,O=Example</c>; empty unless <see cref="IsVerified"/>, and where the certificate has none.</summary>
    public ReadOnlyMemory<byte> Subject { get; }

    /// <summary>SNI in lower case, whether or not TLS is terminated here; empty when the client named no server.</summary>
    public ReadOnlyMemory<byte> ServerName { get; }

    /// <summary>The first URI name: the workload's SPIFFE id in a mesh; null without one.</summary>
    public string? Principal { get; }

    /// <summary>The certificate that was verified; null when there is none.</summary>
    internal TlsCertificate? Certificate { get; }

    /// <param name="session">What the handshake agreed on; null: no TLS was terminated.</param>
    /// <param name="serverName">SNI where it is known without a session; empty otherwise.</param>
    internal static DownstreamPeer Of(TlsSession? session, string serverName = "")
    {
        var name = session?.ServerName ?? serverName;
        return session is null && name.Length == 0 ? Plain : new DownstreamPeer(session, name);
    }

    private static ImmutableArray<ReadOnlyMemory<byte>> NamesOf(TlsCertificate certificate, SubjectAltNameKind kind)
    {
        var names = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        foreach (var name in certificate.SubjectAltNames)
        {
            if (name.Kind == kind) names.Add(Encoding.UTF8.GetBytes(name.Value));
        }

        return names.DrainToImmutable();
    }
}
