using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.Net.Tls;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Tls;

/// <summary>Says what is wrong with a secret by itself, before it is looked at in the contexts that use it.</summary>
internal static class SecretCheck
{
    /// <param name="content">What was read.</param>
    /// <param name="path">Where its certificate, validation context or ticket keys stand.</param>
    /// <param name="errors">Gets what is wrong.</param>
    public static void Check(SecretContent content, FieldPath path, ConfigurationErrors errors)
    {
        switch (content.Message.TypeCase)
        {
            case Secret.TypeOneofCase.TlsCertificate: CheckCertificate(content, path, errors); break;
            case Secret.TypeOneofCase.ValidationContext: CheckValidation(content, path, errors); break;
            case Secret.TypeOneofCase.SessionTicketKeys:
                TlsMaterial.TicketKeys(content.Message.SessionTicketKeys, path, errors);
                break;
            default: errors.Add(path, "a tls_certificate, a validation_context or session_ticket_keys are needed"); break;
        }
    }

    /// <summary>What is wrong, and in which files, if it was read from any.</summary>
    public static string Describe(SecretContent content, string reason) => content.Origin.Length == 0 ? reason : $"{content.Origin}: {reason}";

    private static void CheckCertificate(SecretContent content, FieldPath path, ConfigurationErrors errors)
    {
        var certificate = content.Message.TlsCertificate;
        if (certificate.CertificateChain is null) errors.Add(path.Field("certificate_chain"), "is required");
        if (certificate.PrivateKey is null) errors.Add(path.Field("private_key"), "is required");
        if (certificate.CertificateChain is null || certificate.PrivateKey is null) return;
        var options = new TlsServerOptions { Certificates = [TlsMaterial.Certificate(certificate)] };
        var (made, error) = TlsServerContext.Create(options);
        made?.Dispose();
        if (error is not null) errors.Add(path, Describe(content, error));
    }

    private static void CheckValidation(SecretContent content, FieldPath path, ConfigurationErrors errors)
    {
        // Alone it may be half of a combined context, whose names are judged with the other half's roots.
        var context = content.Message.ValidationContext.Clone();
        if (context.TrustedCa is null && context.SystemRootCerts is null)
        {
            context.MatchTypedSubjectAltNames.Clear();
            context.MatchSubjectAltNames.Clear();
            context.Crl = null;
        }

        var errorsBefore = errors.Count;
        var options = new TlsClientOptions { Verification = TlsMaterial.Verification(context, path, errors) };
        if (errors.Count > errorsBefore) return;
        var (made, error) = TlsClientContext.Create(options);
        made?.Dispose();
        if (error is not null) errors.Add(path, Describe(content, error));
    }
}
