using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Lateen.Cli.Output;

namespace Lateen.Cli.ProxyDumps;

/// <summary>Draws the secrets of a dump: what each is for, whom it names and how long it lasts. A secret that is a file says where.</summary>
internal static class SecretTable
{
    public static Table Of(IEnumerable<JsonElement> secrets)
    {
        var table = new Table("NAME", "TYPE", "SUBJECT", "NOT BEFORE", "NOT AFTER", "SERIAL");
        foreach (var secret in secrets)
        {
            var (type, source) = secret.At("tls_certificate", "certificate_chain") is { } chain ? ("Cert Chain", chain)
                : secret.At("validation_context", "trusted_ca") is { } roots ? ("CA", roots)
                : ("-", default(JsonElement));
            table.Add([secret.TextAt("name") ?? "-", type, .. Facts(source)]);
        }

        return table;
    }

    private static string[] Facts(JsonElement source)
    {
        if (source.TextAt("filename") is { } path) return [$"file {path}", "-", "-", "-"];
        string? pem = source.TextAt("inline_string") ?? (source.At("inline_bytes")?.TryGetBytesFromBase64(out var octets) == true ? Encoding.UTF8.GetString(octets!) : null);
        if (pem is null) return ["-", "-", "-", "-"];
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(pem);
            return [certificate.Subject, Time(certificate.NotBefore), Time(certificate.NotAfter), certificate.SerialNumber];
        }
        catch (CryptographicException)
        {
            return ["unreadable", "-", "-", "-"];
        }
    }

    private static string Time(DateTime time) => time.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
