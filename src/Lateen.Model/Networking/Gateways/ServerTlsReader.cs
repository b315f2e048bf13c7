using Lateen.Model.Reading;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Networking.Gateways;

/// <summary>Reads how a server terminates TLS.</summary>
internal static class ServerTlsReader
{
    private static readonly HashSet<string> CipherSuites =
    [
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA",
        "ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES256-SHA", "AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA",
        "DES-CBC3-SHA",
    ];

    private static readonly (string, TlsProtocolVersion)[] Versions =
    [
        ("TLS_AUTO", TlsProtocolVersion.Auto), ("TLSV1_0", TlsProtocolVersion.Tls10), ("TLSV1_1", TlsProtocolVersion.Tls11),
        ("TLSV1_2", TlsProtocolVersion.Tls12), ("TLSV1_3", TlsProtocolVersion.Tls13),
    ];

    public static readonly MessageShape CertificateShape = new(
        "TLSCertificate", InEffect("serverCertificate"), InEffect("privateKey"), InEffect("caCertificates"));

    public static readonly MessageShape Shape = new(
        "ServerTLSSettings",
        InEffect("httpsRedirect"), InEffect("mode"), InEffect("serverCertificate"), InEffect("privateKey"), InEffect("caCertificates"),
        InEffect("caCrl"), InEffect("credentialName"), InEffect("credentialNames"), InEffect("tlsCertificates", CertificateShape),
        InEffect("caCertCredentialName"), InEffect("subjectAltNames"), InEffect("verifyCertificateSpki"), InEffect("verifyCertificateHash"),
        InEffect("minProtocolVersion"), InEffect("maxProtocolVersion"), InEffect("cipherSuites"), InEffect("insecureSkipVerify"));

    public static ServerTlsSettings Read(ObjectReader at, bool isGateway)
    {
        var tls = new ServerTlsSettings
        {
            HttpsRedirect = at.Boolean("httpsRedirect") ?? false,
            Mode = at.Enum(
                "mode", ("PASSTHROUGH", ServerTlsMode.Passthrough), ("SIMPLE", ServerTlsMode.Simple), ("MUTUAL", ServerTlsMode.Mutual),
                ("AUTO_PASSTHROUGH", ServerTlsMode.AutoPassthrough), ("ISTIO_MUTUAL", ServerTlsMode.IstioMutual),
                ("OPTIONAL_MUTUAL", ServerTlsMode.OptionalMutual)) ?? ServerTlsMode.Passthrough,
            ServerCertificate = at.String("serverCertificate"),
            PrivateKey = at.String("privateKey"),
            CaCertificates = at.String("caCertificates"),
            CaCrl = at.String("caCrl"),
            CredentialName = at.String("credentialName"),
            CredentialNames = at.Strings("credentialNames"),
            TlsCertificates = at.Objects("tlsCertificates", ReadCertificate),
            CaCertCredentialName = at.String("caCertCredentialName"),
            SubjectAltNames = at.Strings("subjectAltNames"),
            VerifyCertificateSpki = at.Strings("verifyCertificateSpki"),
            VerifyCertificateHash = at.Strings("verifyCertificateHash"),
            MinProtocolVersion = at.Enum("minProtocolVersion", Versions) ?? TlsProtocolVersion.Auto,
            MaxProtocolVersion = at.Enum("maxProtocolVersion", Versions) ?? TlsProtocolVersion.Auto,
            CipherSuites = at.Strings("cipherSuites"),
            InsecureSkipVerify = at.Boolean("insecureSkipVerify"),
        };
        CertificatesHaveOneSource(tls, at);
        TerminationHasCertificates(tls, at, isGateway);
        ClientsAreVerified(tls, at);
        VersionsAreARange(tls, at);
        CipherSuitesAreKnown(tls, at);
        if (isGateway) ModeIsInEffect(tls, at);
        return tls with { CipherSuites = [.. tls.CipherSuites.Where(CipherSuites.Contains).Distinct()] };
    }

    private static void ModeIsInEffect(ServerTlsSettings tls, ObjectReader at)
    {
        if (tls.Mode == ServerTlsMode.AutoPassthrough)
            at.ReportNotInEffect("mode", "AUTO_PASSTHROUGH is valid, but this release knows one network: the server is left out", "mode PASSTHROUGH with tls routes");
    }

    private static ServerTlsCertificate? ReadCertificate(ObjectReader at)
    {
        var certificate = at.RequiredString("serverCertificate");
        var key = at.RequiredString("privateKey");
        var ca = at.String("caCertificates");
        return certificate is null || key is null ? null : new ServerTlsCertificate(certificate, key, ca);
    }

    private static void CertificatesHaveOneSource(ServerTlsSettings tls, ObjectReader at)
    {
        at.AtMostOne("serverCertificate", "credentialName", "credentialNames", "tlsCertificates");
        if (tls.CredentialNames.Length > 2)
            at.Report(
                DiagnosticCodes.InvalidTls, "credentialNames", $"{tls.CredentialNames.Length} credentials are named",
                "at most two: one RSA, one ECDSA");
        if (at.Has("serverCertificate") != at.Has("privateKey"))
            at.Report(
                DiagnosticCodes.InvalidTls, at.Has("privateKey") ? "privateKey" : "serverCertificate",
                "'serverCertificate' and 'privateKey' come together");
    }

    private static void TerminationHasCertificates(ServerTlsSettings tls, ObjectReader at, bool isGateway)
    {
        var hasCertificates = at.Has("serverCertificate") || at.Has("credentialName") || at.Has("credentialNames") || at.Has("tlsCertificates");
        switch (tls.Mode)
        {
            case ServerTlsMode.Simple or ServerTlsMode.Mutual or ServerTlsMode.OptionalMutual when !hasCertificates:
                at.Report(
                    DiagnosticCodes.InvalidTls, "mode", "termination needs a certificate",
                    isGateway ? "write credentialName, or serverCertificate and privateKey" : "write serverCertificate and privateKey");
                break;
            case ServerTlsMode.IstioMutual when hasCertificates || at.Has("caCertificates"):
                at.Report(
                    DiagnosticCodes.InvalidTls, "mode", "ISTIO_MUTUAL brings its own certificates", "remove the others, or use MUTUAL");
                break;
            case ServerTlsMode.Passthrough or ServerTlsMode.AutoPassthrough when hasCertificates:
                at.Report(
                    DiagnosticCodes.InvalidTls, "mode", "TLS that passes through is not opened, so certificates mean nothing",
                    "mode SIMPLE terminates");
                break;
        }
    }

    private static void ClientsAreVerified(ServerTlsSettings tls, ObjectReader at)
    {
        var isMutual = tls.Mode is ServerTlsMode.Mutual or ServerTlsMode.OptionalMutual;
        var fromFiles = at.Has("serverCertificate") || at.Has("tlsCertificates");
        var hasRoots = at.Has("caCertificates") || at.Has("caCertCredentialName") || tls.TlsCertificates.Any(certificate => certificate.CaCertificates is not null);
        if (isMutual && fromFiles && !hasRoots && tls.InsecureSkipVerify != true)
            at.Report(DiagnosticCodes.InvalidTls, "caCertificates", "MUTUAL needs a CA to verify clients with");
        if (at.Has("caCrl") && (!fromFiles || at.Has("caCertCredentialName")))
            at.Report(
                DiagnosticCodes.InvalidTls, "caCrl", "revocation lists in a file go with roots in a file", "the key ca.crl of the Secret that holds the roots");
        if (tls.InsecureSkipVerify == true && !isMutual)
            at.Report(
                DiagnosticCodes.InvalidTls, "insecureSkipVerify", "there is no client certificate to skip",
                "modes MUTUAL and OPTIONAL_MUTUAL ask for one");
    }

    private static void VersionsAreARange(ServerTlsSettings tls, ObjectReader at)
    {
        if (tls.MaxProtocolVersion != TlsProtocolVersion.Auto && tls.MinProtocolVersion > tls.MaxProtocolVersion)
            at.Report(DiagnosticCodes.InvalidTls, "minProtocolVersion", "the least version is above the greatest");
    }

    /// <summary>Istio drops what it does not know, so this is a warning.</summary>
    private static void CipherSuitesAreKnown(ServerTlsSettings tls, ObjectReader at)
    {
        var seen = new HashSet<string>();
        for (var i = 0; i < tls.CipherSuites.Length; i++)
        {
            var suite = tls.CipherSuites[i];
            if (!CipherSuites.Contains(suite))
                at.ReportItem(
                    DiagnosticCodes.CipherSuite, "cipherSuites", i, $"'{suite}' is not known and is left out",
                    DidYouMean.Hint(suite, CipherSuites));
            else if (!seen.Add(suite)) at.ReportItem(DiagnosticCodes.CipherSuite, "cipherSuites", i, $"'{suite}' is written twice");
        }
    }
}
