using System.Buffers;
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
    ];

    /// <summary>Istio's, that the TLS library of proxies does not have any more.</summary>
    private static readonly HashSet<string> RetiredSuites = ["DES-CBC3-SHA"];

    private static readonly (string, WrittenVersion)[] Versions =
    [
        ("TLS_AUTO", WrittenVersion.Auto), ("TLSV1_0", WrittenVersion.Tls10), ("TLSV1_1", WrittenVersion.Tls11),
        ("TLSV1_2", WrittenVersion.Tls12), ("TLSV1_3", WrittenVersion.Tls13),
    ];

    /// <summary>Octets of a SHA-256 hash.</summary>
    private const int HashOctets = 32;

    private const string NoVerification = "in this mode no client is verified by it";

    private const string VerifyHint = "modes MUTUAL and OPTIONAL_MUTUAL verify clients";

    private const string NoTermination = "TLS that passes through is not opened";

    private const string TerminateHint = "mode SIMPLE terminates";

    /// <summary>What may be written, in order.</summary>
    private enum WrittenVersion
    {
        Auto,
        Tls10,
        Tls11,
        Tls12,
        Tls13,
    }

    public static readonly MessageShape CertificateShape = new(
        "TLSCertificate", InEffect("serverCertificate"), InEffect("privateKey"), InEffect("caCertificates", note: "the first one that is named counts for all (LAT0505)"));

    public static readonly MessageShape Shape = new(
        "ServerTLSSettings",
        InEffect("httpsRedirect"), InEffect("mode"), InEffect("serverCertificate"), InEffect("privateKey"), InEffect("caCertificates"),
        InEffect("caCrl"), InEffect("credentialName"), InEffect("credentialNames", note: "clients are verified with the roots of the first (LAT0505)"), InEffect("tlsCertificates", CertificateShape),
        InEffect("caCertCredentialName"), InEffect("subjectAltNames"), InEffect("verifyCertificateSpki"), InEffect("verifyCertificateHash"),
        InEffect("minProtocolVersion", note: "TLSV1_0 and TLSV1_1 mean TLSV1_2 (LAT0504)"), InEffect("maxProtocolVersion", note: "TLSV1_0 and TLSV1_1 mean TLSV1_2 (LAT0504)"),
        InEffect("cipherSuites", note: "without DES-CBC3-SHA (LAT0503)"), InEffect("insecureSkipVerify"));

    public static ServerTlsSettings Read(ObjectReader at, bool isGateway)
    {
        var (least, greatest) = ReadVersions(at);
        var tls = new ServerTlsSettings
        {
            HttpsRedirect = at.Boolean("httpsRedirect") ?? false,
            Mode = at.Enum(
                "mode", ("PASSTHROUGH", ServerTlsMode.Passthrough), ("SIMPLE", ServerTlsMode.Simple), ("MUTUAL", ServerTlsMode.Mutual),
                ("AUTO_PASSTHROUGH", ServerTlsMode.AutoPassthrough), ("ISTIO_MUTUAL", ServerTlsMode.IstioMutual),
                ("OPTIONAL_MUTUAL", ServerTlsMode.OptionalMutual)) ?? ServerTlsMode.Passthrough,
            ServerCertificate = at.NonEmptyString("serverCertificate"),
            PrivateKey = at.NonEmptyString("privateKey"),
            CaCertificates = at.NonEmptyString("caCertificates"),
            CaCrl = at.NonEmptyString("caCrl"),
            CredentialName = at.NonEmptyString("credentialName"),
            CredentialNames = at.Strings("credentialNames"),
            TlsCertificates = at.Objects("tlsCertificates", ReadCertificate),
            CaCertCredentialName = at.NonEmptyString("caCertCredentialName"),
            SubjectAltNames = at.Strings("subjectAltNames"),
            VerifyCertificateSpki = at.Strings("verifyCertificateSpki"),
            VerifyCertificateHash = at.Strings("verifyCertificateHash"),
            MinProtocolVersion = least,
            MaxProtocolVersion = greatest,
            CipherSuites = at.Strings("cipherSuites"),
            InsecureSkipVerify = at.Boolean("insecureSkipVerify"),
        };
        CertificatesHaveOneSource(tls, at);
        TerminationHasCertificates(tls, at, isGateway);
        ClientsAreVerified(tls, at);
        RootsAreUsed(tls, at);
        PinsAreHashes(tls, at);
        SettingsHaveAnEffect(tls, at);
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
        var ca = at.NonEmptyString("caCertificates");
        return certificate is null || key is null ? null : new ServerTlsCertificate(certificate, key, ca);
    }

    private static void CertificatesHaveOneSource(ServerTlsSettings tls, ObjectReader at)
    {
        at.AtMostOne("serverCertificate", "credentialName", "credentialNames", "tlsCertificates");
        if (tls.CredentialNames.Length > 2)
            at.Report(
                DiagnosticCodes.InvalidTls, "credentialNames", $"{tls.CredentialNames.Length} credentials are named",
                "at most two: one RSA, one ECDSA");
        if (tls.CredentialNames.Contains(""))
            at.Report(DiagnosticCodes.InvalidTls, "credentialNames", "a credential has no name");
        if (tls.ServerCertificate is null != tls.PrivateKey is null)
            at.Report(
                DiagnosticCodes.InvalidTls, tls.PrivateKey is null ? "serverCertificate" : "privateKey",
                "'serverCertificate' and 'privateKey' come together");
    }

    private static void TerminationHasCertificates(ServerTlsSettings tls, ObjectReader at, bool isGateway)
    {
        var hasCertificates = tls.ServerCertificate is not null || tls.CredentialName is not null || !tls.CredentialNames.IsEmpty || !tls.TlsCertificates.IsEmpty;
        switch (tls.Mode)
        {
            case ServerTlsMode.Simple or ServerTlsMode.Mutual or ServerTlsMode.OptionalMutual when !hasCertificates:
                at.Report(
                    DiagnosticCodes.InvalidTls, "mode", "termination needs a certificate",
                    isGateway ? "write credentialName, or serverCertificate and privateKey" : "write serverCertificate and privateKey");
                break;
            case ServerTlsMode.IstioMutual when hasCertificates || tls.CaCertificates is not null:
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
        var fromFiles = tls.ServerCertificate is not null || !tls.TlsCertificates.IsEmpty;
        var hasRoots = tls.CaCertificates is not null || tls.CaCertCredentialName is not null
            || tls.TlsCertificates.Any(certificate => certificate.CaCertificates is not null);
        if (isMutual && fromFiles && !hasRoots && tls.InsecureSkipVerify != true)
            at.Report(DiagnosticCodes.InvalidTls, "caCertificates", "MUTUAL needs a CA to verify clients with");
        if (tls.CaCrl is not null && (!fromFiles || tls.CaCertCredentialName is not null))
            at.Report(
                DiagnosticCodes.InvalidTls, "caCrl", "revocation lists in a file go with roots in a file", "the key ca.crl of the Secret that holds the roots");
        if (tls.InsecureSkipVerify == true && !isMutual)
            at.Report(
                DiagnosticCodes.InvalidTls, "insecureSkipVerify", "there is no client certificate to skip",
                "modes MUTUAL and OPTIONAL_MUTUAL ask for one");
    }

    /// <summary>Clients of a server are verified with roots of one place, as in Istio: the first that is named.</summary>
    private static void RootsAreUsed(ServerTlsSettings tls, ObjectReader at)
    {
        if (tls.Mode is not (ServerTlsMode.Mutual or ServerTlsMode.OptionalMutual) || tls.InsecureSkipVerify == true) return;
        string? used = tls.CaCertCredentialName is { Length: > 0 } own
            ? $"those of the Secret '{own}'"
            : tls.CaCertificates ?? tls.TlsCertificates.Select(certificate => certificate.CaCertificates).FirstOrDefault(ca => ca is not null);
        foreach (var (i, certificate) in tls.TlsCertificates.Index())
        {
            if (certificate.CaCertificates is { } roots && roots != used)
                at.ReportItem(
                    DiagnosticCodes.RootsUnused, "tlsCertificates", i, $"clients are verified with {used}, not with {roots}",
                    "put all roots into one file and name it by caCertificates of tls");
        }
    }

    /// <summary>A proxy could not make a context of anything else, and the server would have none.</summary>
    private static void PinsAreHashes(ServerTlsSettings tls, ObjectReader at)
    {
        Span<byte> hash = stackalloc byte[HashOctets];
        foreach (var (i, pin) in tls.VerifyCertificateSpki.Index())
        {
            if (!Convert.TryFromBase64String(pin, hash, out int octets) || octets != HashOctets)
                at.ReportItem(
                    DiagnosticCodes.InvalidTls, "verifyCertificateSpki", i, $"'{pin}' is not the base64 of a SHA-256 hash",
                    "openssl x509 -in FILE -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64");
        }

        foreach (var (i, pin) in tls.VerifyCertificateHash.Index())
        {
            if (Convert.FromHexString(pin.Replace(":", "", StringComparison.Ordinal), hash, out _, out int octets) != OperationStatus.Done || octets != HashOctets)
                at.ReportItem(
                    DiagnosticCodes.InvalidTls, "verifyCertificateHash", i, $"'{pin}' is not the hexadecimal text of a SHA-256 hash",
                    "openssl x509 -in FILE -noout -fingerprint -sha256");
        }
    }

    /// <summary>Istio passes over these in silence, and who wrote one believes that clients are verified. So it is a warning.</summary>
    private static void SettingsHaveAnEffect(ServerTlsSettings tls, ObjectReader at)
    {
        if (tls.Mode is ServerTlsMode.Mutual or ServerTlsMode.OptionalMutual) return;
        Unused("verifyCertificateSpki", !tls.VerifyCertificateSpki.IsEmpty, NoVerification, VerifyHint);
        Unused("verifyCertificateHash", !tls.VerifyCertificateHash.IsEmpty, NoVerification, VerifyHint);
        if (tls.Mode == ServerTlsMode.IstioMutual) return;
        Unused("subjectAltNames", !tls.SubjectAltNames.IsEmpty, NoVerification, VerifyHint);
        Unused("caCertificates", tls.CaCertificates is not null, NoVerification, VerifyHint);
        Unused("caCertCredentialName", tls.CaCertCredentialName is not null, NoVerification, VerifyHint);
        if (tls.Mode == ServerTlsMode.Simple) return;
        Unused("minProtocolVersion", tls.MinProtocolVersion != TlsProtocolVersion.Auto, NoTermination, TerminateHint);
        Unused("maxProtocolVersion", tls.MaxProtocolVersion != TlsProtocolVersion.Auto, NoTermination, TerminateHint);
        Unused("cipherSuites", !tls.CipherSuites.IsEmpty, NoTermination, TerminateHint);

        void Unused(string field, bool isWritten, string why, string hint)
        {
            if (isWritten) at.Report(DiagnosticCodes.TlsSettingUnused, field, $"'{field}' has no effect: {why}", hint);
        }
    }

    private static (TlsProtocolVersion Least, TlsProtocolVersion Greatest) ReadVersions(ObjectReader at)
    {
        var least = at.Enum("minProtocolVersion", Versions) ?? WrittenVersion.Auto;
        var greatest = at.Enum("maxProtocolVersion", Versions) ?? WrittenVersion.Auto;
        if (greatest != WrittenVersion.Auto && least > greatest)
            at.Report(DiagnosticCodes.InvalidTls, "minProtocolVersion", "the least version is above the greatest");
        return (Spoken(least, "minProtocolVersion", at), Spoken(greatest, "maxProtocolVersion", at));
    }

    /// <summary>One server's wish for an older version must not cost the other servers of its port their listener, so it is a warning.</summary>
    private static TlsProtocolVersion Spoken(WrittenVersion version, string field, ObjectReader at)
    {
        if (version is WrittenVersion.Tls10 or WrittenVersion.Tls11)
            at.Report(
                DiagnosticCodes.TlsVersionNotSpoken, field, "TLS 1.0 and 1.1 are not spoken (RFC 8996 forbids them): TLSV1_2 takes their place",
                "write TLSV1_2 or TLSV1_3");
        return version switch
        {
            WrittenVersion.Auto => TlsProtocolVersion.Auto,
            WrittenVersion.Tls13 => TlsProtocolVersion.Tls13,
            _ => TlsProtocolVersion.Tls12,
        };
    }

    /// <summary>Istio drops what it does not know, so this is a warning.</summary>
    private static void CipherSuitesAreKnown(ServerTlsSettings tls, ObjectReader at)
    {
        var seen = new HashSet<string>();
        for (var i = 0; i < tls.CipherSuites.Length; i++)
        {
            var suite = tls.CipherSuites[i];
            if (RetiredSuites.Contains(suite))
                at.ReportItem(
                    DiagnosticCodes.CipherSuite, "cipherSuites", i, $"'{suite}' is not offered any more (RFC 9325 forbids it) and is left out",
                    "a suite with GCM or CHACHA20");
            else if (!CipherSuites.Contains(suite))
                at.ReportItem(
                    DiagnosticCodes.CipherSuite, "cipherSuites", i, $"'{suite}' is not known and is left out",
                    DidYouMean.Hint(suite, CipherSuites));
            else if (!seen.Add(suite)) at.ReportItem(DiagnosticCodes.CipherSuite, "cipherSuites", i, $"'{suite}' is written twice");
        }
    }
}
