using Lateen.Model.Reading;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Networking.DestinationRules;

/// <summary>Reads TLS towards a host.</summary>
internal static class ClientTlsReader
{
    public static readonly MessageShape Shape = new(
        "ClientTLSSettings",
        InEffect("mode"), InEffect("clientCertificate"), InEffect("privateKey"), InEffect("caCertificates"), InEffect("caCrl"),
        InEffect("credentialName"), InEffect("subjectAltNames"), InEffect("sni"), InEffect("insecureSkipVerify"));

    public static ClientTlsSettings Read(ObjectReader at)
    {
        var settings = new ClientTlsSettings
        {
            Mode = at.Enum(
                "mode", ("DISABLE", ClientTlsMode.Disable), ("SIMPLE", ClientTlsMode.Simple), ("MUTUAL", ClientTlsMode.Mutual),
                ("ISTIO_MUTUAL", ClientTlsMode.IstioMutual)) ?? ClientTlsMode.Disable,
            ClientCertificate = at.NonEmptyString("clientCertificate"),
            PrivateKey = at.NonEmptyString("privateKey"),
            CaCertificates = at.NonEmptyString("caCertificates"),
            CaCrl = at.NonEmptyString("caCrl"),
            CredentialName = at.NonEmptyString("credentialName"),
            SubjectAltNames = at.Strings("subjectAltNames"),
            Sni = at.String("sni"),
            InsecureSkipVerify = at.Boolean("insecureSkipVerify"),
        };
        MutualHasCertificate(settings, at);
        IstioMutualBringsItsOwnCertificates(settings, at);
        CertificatesHaveOneSource(settings, at);
        VerificationIsNotBothWantedAndSkipped(settings, at);
        SettingsHaveAnEffect(settings, at);
        if (settings.CredentialName is { } credential && credential.StartsWith("configmap://", StringComparison.Ordinal))
            at.ReportNotInEffect("credentialName", "roots from a ConfigMap are valid, but this release does not read them: the connection is refused", "a Secret's name");
        return settings;
    }

    private static void MutualHasCertificate(ClientTlsSettings settings, ObjectReader at)
    {
        if (settings.Mode != ClientTlsMode.Mutual || settings.CredentialName is not null) return;
        foreach (var (field, value) in (ReadOnlySpan<(string, string?)>)[("clientCertificate", settings.ClientCertificate), ("privateKey", settings.PrivateKey)])
            if (value is null) at.Report(DiagnosticCodes.InvalidTls, field, $"MUTUAL needs '{field}'", "or credentialName");
    }

    private static void IstioMutualBringsItsOwnCertificates(ClientTlsSettings settings, ObjectReader at)
    {
        if (settings.Mode != ClientTlsMode.IstioMutual) return;
        foreach (var field in Written(settings).Except(["subjectAltNames", "sni"]))
            at.Report(DiagnosticCodes.InvalidTls, field, $"ISTIO_MUTUAL brings its own certificates, so '{field}' may not be set", "use MUTUAL");
    }

    private static void CertificatesHaveOneSource(ClientTlsSettings settings, ObjectReader at)
    {
        if (settings.CredentialName is null) return;
        foreach (var field in Written(settings).Intersect(["clientCertificate", "privateKey", "caCertificates", "caCrl"]))
            at.Report(DiagnosticCodes.InvalidTls, field, $"'{field}' and 'credentialName' exclude each other", "certificates come from one place");
    }

    private static void VerificationIsNotBothWantedAndSkipped(ClientTlsSettings settings, ObjectReader at)
    {
        if (settings.InsecureSkipVerify != true) return;
        foreach (var field in Written(settings).Intersect(["caCertificates", "caCrl", "subjectAltNames"]))
            at.Report(DiagnosticCodes.InvalidTls, field, $"'{field}' verifies what 'insecureSkipVerify' skips", "keep one of them");
    }

    /// <summary>Istio passes over these in silence, and who wrote one without a mode believes that the connection is encrypted. So it is a warning.</summary>
    private static void SettingsHaveAnEffect(ClientTlsSettings settings, ObjectReader at)
    {
        var (unused, why, hint) = settings.Mode switch
        {
            ClientTlsMode.Disable => (Written(settings), "in mode DISABLE, which is the default, connections are plain", "mode SIMPLE or MUTUAL"),
            ClientTlsMode.Simple => (Written(settings).Intersect(["clientCertificate", "privateKey"]), "in mode SIMPLE no certificate is shown to the host", "mode MUTUAL"),
            _ => ([], "", ""),
        };
        foreach (var field in unused) at.Report(DiagnosticCodes.ClientTlsSettingUnused, field, $"'{field}' has no effect: {why}", hint);
    }

    /// <summary>The fields that say something, but the mode; what is empty says nothing.</summary>
    private static IEnumerable<string> Written(ClientTlsSettings settings)
    {
        if (settings.ClientCertificate is not null) yield return "clientCertificate";
        if (settings.PrivateKey is not null) yield return "privateKey";
        if (settings.CaCertificates is not null) yield return "caCertificates";
        if (settings.CaCrl is not null) yield return "caCrl";
        if (settings.CredentialName is not null) yield return "credentialName";
        if (!settings.SubjectAltNames.IsEmpty) yield return "subjectAltNames";
        if (!string.IsNullOrEmpty(settings.Sni)) yield return "sni";
        if (settings.InsecureSkipVerify is not null) yield return "insecureSkipVerify";
    }
}
