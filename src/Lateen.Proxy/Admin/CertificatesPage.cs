using Envoy.Admin.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Net.Tls;
using Lateen.Xds.Text;

namespace Lateen.Proxy.Admin;

/// <summary><c>/certs</c>: certificates and roots in use; and <c>server.days_until_first_cert_expiring</c>.</summary>
internal static class CertificatesPage
{
    public static AdminPage Create(AdminContext context)
    {
        var expiring = context.Statistics.Server.DaysUntilFirstCertExpiring;
        context.Statistics.Registry.OnCollect(shared =>
        {
            var first = context.FirstCertificateExpiry();
            shared.Set(expiring, first is { } end ? (long)DaysUntil(end, context.Time) : 0);
        });
        return new AdminPage("/certs", "print certs on machine", false, (_, response, cancellation) => AnswerAsync(context, response, cancellation));
    }

    private static async ValueTask AnswerAsync(AdminContext context, AdminResponse response, CancellationToken cancellation)
    {
        var page = new Certificates();
        foreach (var used in await context.CertificatesAsync(cancellation).ConfigureAwait(false))
        {
            var shown = used.Certificates.Select(certificate => Details(certificate, used.Path, context.Time));
            var entry = new Certificate();
            (used.AreRoots ? entry.CaCert : entry.CertChain).AddRange(shown);
            page.Certificates_.Add(entry);
        }

        response.ContentType = AdminResponse.Json;
        // Envoy writes the key also when the list is empty.
        response.Write(page.Certificates_.Count == 0 ? "{\n \"certificates\": []\n}\n" : ProtoJson.Default.WriteJson("envoy.admin.v3.Certificates", page));
    }

    private static CertificateDetails Details(TlsCertificate certificate, string path, TimeProvider time)
    {
        var details = new CertificateDetails
        {
            Path = path,
            SerialNumber = certificate.Serial,
            DaysUntilExpiration = DaysUntil(certificate.NotAfter, time),
            ValidFrom = Timestamp.FromDateTimeOffset(certificate.NotBefore),
            ExpirationTime = Timestamp.FromDateTimeOffset(certificate.NotAfter),
        };
        foreach (var name in certificate.SubjectAltNames)
        {
            var shown = name.Kind switch
            {
                SubjectAltNameKind.Dns => new SubjectAlternateName { Dns = name.Value },
                SubjectAltNameKind.Uri => new SubjectAlternateName { Uri = name.Value },
                SubjectAltNameKind.IpAddress => new SubjectAlternateName { IpAddress = name.Value },
                _ => null,
            };
            if (shown is not null) details.SubjectAltNames.Add(shown);
        }

        return details;
    }

    private static ulong DaysUntil(DateTimeOffset end, TimeProvider time) => (ulong)Math.Max(0, Math.Floor((end - time.GetUtcNow()).TotalDays));
}
