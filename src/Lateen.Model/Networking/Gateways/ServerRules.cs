using Lateen.Model.Reading;

namespace Lateen.Model.Networking.Gateways;

/// <summary>Rules about the servers of a Gateway.</summary>
internal static class ServerRules
{
    public static void PortNamesDiffer(Gateway gateway, ObjectReader at)
    {
        var seen = new HashSet<string>();
        for (var i = 0; i < gateway.Servers.Length; i++)
            if (gateway.Servers[i].Port.Name is { Length: > 0 } name && !seen.Add(name))
                at.ReportItem(DiagnosticCodes.DuplicatePort, "servers", i, $"the port name '{name}' is used twice", "rename one");
    }

    public static void ServerNamesDiffer(Gateway gateway, ObjectReader at)
    {
        var seen = new HashSet<string>();
        for (var i = 0; i < gateway.Servers.Length; i++)
            if (gateway.Servers[i].Name is { Length: > 0 } name && !seen.Add(name))
                at.ReportItem(DiagnosticCodes.DuplicateServer, "servers", i, $"the server name '{name}' is used twice", "rename one");
    }

    /// <summary>TLS ports need TLS settings; plaintext HTTP ports may only redirect.</summary>
    public static void TlsFitsProtocol(GatewayServer server, ObjectReader at)
    {
        var protocol = server.Port.Protocol;
        if (protocol.IsTls() && server.Tls is null && !at.Has("tls"))
            at.Report(
                DiagnosticCodes.InvalidTls, "tls",
                $"a server of protocol {ProtocolSelection.NameOf(protocol).ToUpperInvariant()} needs tls",
                "tls: {mode: SIMPLE, credentialName: ...}");
        if (server.Tls is not { } tls) return;
        if (protocol.IsHttp())
        {
            if (tls with { HttpsRedirect = false } is var rest && !IsEmpty(rest))
                at.Report(
                    DiagnosticCodes.InvalidTls, "tls", "a plaintext HTTP server may only say httpsRedirect",
                    "use protocol HTTPS, or remove the other fields");
        }
        else if (tls.HttpsRedirect)
        {
            at.Report(
                DiagnosticCodes.InvalidTls, "tls", "httpsRedirect is for plaintext HTTP servers", "put it on the server of the HTTP port");
        }
    }

    private static bool IsEmpty(ServerTlsSettings tls) =>
        tls.Mode == ServerTlsMode.Passthrough && tls.ServerCertificate is null && tls.PrivateKey is null && tls.CaCertificates is null
        && tls.CaCrl is null && tls.CredentialName is null && tls.CredentialNames.IsEmpty && tls.TlsCertificates.IsEmpty
        && tls.CaCertCredentialName is null && tls.SubjectAltNames.IsEmpty && tls.VerifyCertificateSpki.IsEmpty
        && tls.VerifyCertificateHash.IsEmpty && tls.CipherSuites.IsEmpty && tls.MinProtocolVersion == TlsProtocolVersion.Auto
        && tls.MaxProtocolVersion == TlsProtocolVersion.Auto && tls.InsecureSkipVerify is null;
}
