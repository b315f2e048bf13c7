using System.Security.Cryptography;
using System.Text;
using Lateen.Net.Tls;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Tls;

/// <summary>What access logs may ask of a TLS connection.</summary>
/// <remarks>Only what a format names is put together, for one line at a time. What peers chose freely loses its control characters.</remarks>
internal static class TlsLogTexts
{
    /// <summary>A text of the connection.</summary>
    /// <param name="session">What was agreed on; null: no TLS.</param>
    /// <param name="text">Which.</param>
    /// <param name="room">Where the text is put; replaced by a larger one where it must be.</param>
    public static ReadOnlySpan<byte> Text(TlsSession? session, AccessLogTlsText text, scoped ref byte[] room)
    {
        if (session is null) return default;
        var peer = session.PeerCertificate;
        var local = session.LocalCertificate;
        var value = text switch
        {
            AccessLogTlsText.Version => session.VersionName,
            AccessLogTlsText.Cipher => session.CipherSuite,
            AccessLogTlsText.SessionId => session.SessionId,
            AccessLogTlsText.PeerSubject => peer?.Subject,
            AccessLogTlsText.PeerIssuer => peer?.Issuer,
            AccessLogTlsText.PeerSerial => peer?.Serial,
            AccessLogTlsText.PeerFingerprint256 => peer?.Sha256,
            AccessLogTlsText.PeerFingerprint1 => Sha1Of(peer),
            AccessLogTlsText.PeerUriSan => NamesOf(peer, SubjectAltNameKind.Uri),
            AccessLogTlsText.PeerDnsSan => NamesOf(peer, SubjectAltNameKind.Dns),
            AccessLogTlsText.PeerIpSan => NamesOf(peer, SubjectAltNameKind.IpAddress),
            AccessLogTlsText.PeerEmailSan => NamesOf(peer, SubjectAltNameKind.Email),
            AccessLogTlsText.PeerCertificate => PemOf(peer),
            AccessLogTlsText.LocalSubject => local?.Subject,
            AccessLogTlsText.LocalIssuer => local?.Issuer,
            AccessLogTlsText.LocalSerial => local?.Serial,
            AccessLogTlsText.LocalFingerprint256 => local?.Sha256,
            AccessLogTlsText.LocalFingerprint1 => Sha1Of(local),
            AccessLogTlsText.LocalUriSan => NamesOf(local, SubjectAltNameKind.Uri),
            AccessLogTlsText.LocalDnsSan => NamesOf(local, SubjectAltNameKind.Dns),
            AccessLogTlsText.LocalIpSan => NamesOf(local, SubjectAltNameKind.IpAddress),
            AccessLogTlsText.LocalEmailSan => NamesOf(local, SubjectAltNameKind.Email),
            AccessLogTlsText.LocalCertificate => PemOf(local),
            _ => null,
        };
        return Utf8(value, ref room);
    }

    /// <summary>Microseconds since 1970, UTC; <see cref="long.MinValue"/> when it is not known.</summary>
    public static long Microseconds(TlsSession? session, AccessLogTlsMoment moment)
    {
        var at = moment switch
        {
            AccessLogTlsMoment.PeerValidFrom => session?.PeerCertificate?.NotBefore,
            AccessLogTlsMoment.PeerValidTo => session?.PeerCertificate?.NotAfter,
            AccessLogTlsMoment.LocalValidFrom => session?.LocalCertificate?.NotBefore,
            _ => session?.LocalCertificate?.NotAfter,
        };
        return at is { } known ? (known - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond : long.MinValue;
    }

    private static ReadOnlySpan<byte> Utf8(string? text, scoped ref byte[] room)
    {
        if (string.IsNullOrEmpty(text)) return default;
        var bytes = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (bytes > room.Length) room = new byte[bytes];
        var written = room.AsSpan(0, Encoding.UTF8.GetBytes(text, room));
        foreach (ref var octet in written)
        {
            // A line of the log must stay one line, whatever a certificate says.
            if (octet < 0x20 || octet == 0x7F) octet = (byte)'?';
        }

        return written;
    }

    private static string? NamesOf(TlsCertificate? certificate, SubjectAltNameKind kind)
    {
        if (certificate is null) return null;
        string? names = null;
        foreach (var name in certificate.SubjectAltNames)
        {
            if (name.Kind == kind) names = names is null ? name.Value : names + "," + name.Value;
        }

        return names;
    }

#pragma warning disable CA5350 // A name for a certificate, which Envoy's formats have; nothing is trusted because of it.
    private static string? Sha1Of(TlsCertificate? certificate) =>
        certificate is null ? null : Convert.ToHexStringLower(SHA1.HashData(certificate.Der.Span));
#pragma warning restore CA5350

    private static string? PemOf(TlsCertificate? certificate) =>
        certificate is null ? null : Uri.EscapeDataString(PemEncoding.WriteString("CERTIFICATE", certificate.Der.Span) + "\n");
}
