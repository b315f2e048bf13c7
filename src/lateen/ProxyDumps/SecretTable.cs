using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Lateen.Cli.Output;
using Lateen.Identity;

namespace Lateen.Cli.ProxyDumps;

/// <summary>
/// Draws the secrets of a dump: what each is for, whom it names and how long it lasts, a line for each root. A secret that is a file says where. Keys are in no dump.
/// </summary>
internal static class SecretTable
{
    /// <summary>Lines of one secret. Count. Hit: a last line says how many more there are.</summary>
    private const int MaxLines = 16;

    /// <param name="secrets">As they stand in the dump.</param>
    /// <param name="stateOf">The state of a secret, by its name.</param>
    public static Table Of(IEnumerable<JsonElement> secrets, Func<string, string> stateOf)
    {
        var table = new Table("NAME", "TYPE", "STATUS", "VALID", "IDENTITY", "SERIAL", "NOT AFTER", "NOT BEFORE");
        foreach (var secret in secrets)
        {
            var (type, source) = secret.At("tls_certificate", "certificate_chain") is { } chain ? ("Cert Chain", chain)
                : secret.At("validation_context", "trusted_ca") is { } roots ? ("CA", roots)
                : ("-", default(JsonElement));
            string name = secret.TextAt("name") ?? "-";
            foreach (string[] facts in Facts(source, isChain: type == "Cert Chain")) table.Add([name, type, stateOf(name), .. facts]);
        }

        return table;
    }

    private static List<string[]> Facts(JsonElement source, bool isChain)
    {
        if (source.TextAt("filename") is { } path) return [["-", $"file {path}", "-", "-", "-"]];
        string? pem = source.TextAt("inline_string") ?? (source.At("inline_bytes")?.TryGetBytesFromBase64(out var octets) == true ? Encoding.UTF8.GetString(octets!) : null);
        if (pem is null) return [["-", "-", "-", "-", "-"]];
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(pem);
        }
        catch (CryptographicException)
        {
            return [["-", "unreadable", "-", "-", "-"]];
        }

        // Of a chain the leaf says who it is; of a bundle each root counts.
        var shown = certificates.Take(isChain ? 1 : MaxLines).Select(Fact).ToList();
        if (!isChain && certificates.Count > MaxLines) shown.Add(["-", $"{certificates.Count - MaxLines} more", "-", "-", "-"]);
        return shown.Count > 0 ? shown : [["-", "unreadable", "-", "-", "-"]];
    }

    private static string[] Fact(X509Certificate2 certificate)
    {
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        bool isValid = certificate.NotBefore.ToUniversalTime() <= now && now < certificate.NotAfter.ToUniversalTime();
        string identity = WorkloadCertificate.TryReadIdentity(certificate, out var id, out _) ? id.Uri : certificate.Subject;
        return [isValid ? "true" : "false", identity, certificate.SerialNumber, Time(certificate.NotAfter), Time(certificate.NotBefore)];
    }

    private static string Time(DateTime time) => time.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
