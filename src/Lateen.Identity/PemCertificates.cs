using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Identity;

/// <summary>Reads certificates out of PEM text from files and answers. Anything but certificates in it is refused, most of all a private key.</summary>
public static class PemCertificates
{
    /// <summary>The longest text that is looked at. Characters: 64 certificates of 4 KiB. Hit: refused before it is parsed.</summary>
    public const int MaxLength = 256 * 1024;

    /// <returns>False with the reason in words; then <paramref name="certificates"/> is empty.</returns>
    public static bool TryRead(string? pem, int maxCertificates, out ImmutableArray<X509Certificate2> certificates, [NotNullWhen(false)] out string? reason) =>
        TryRead(pem, maxCertificates, Load, out certificates, out reason);

    /// <summary>As above, for whoever does not read certificates with the framework's cryptography: the blocks are handed out in DER.</summary>
    /// <param name="pem">The text.</param>
    /// <param name="maxCertificates">More of them are refused.</param>
    /// <param name="decode">Null: the octets are no certificate.</param>
    public static bool TryRead<T>(
        string? pem, int maxCertificates, Func<byte[], T?> decode, out ImmutableArray<T> certificates, [NotNullWhen(false)] out string? reason)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(decode);
        certificates = [];
        reason = null;
        if (pem is null || pem.Length > MaxLength)
        {
            reason = pem is null ? "there is no text" : $"the text has {pem.Length} characters; {MaxLength} is the most";
            return false;
        }

        var read = ImmutableArray.CreateBuilder<T>();
        var rest = pem.AsSpan();
        while (PemEncoding.TryFind(rest, out var fields))
        {
            string label = rest[fields.Label].ToString();
            if (label != "CERTIFICATE") reason = $"a block of {label} stands where certificates are expected";
            else if (read.Count == maxCertificates) reason = $"more than {maxCertificates} certificates";
            else if (decode(Convert.FromBase64String(rest[fields.Base64Data].ToString())) is { } certificate) read.Add(certificate);
            else reason = $"block {read.Count + 1} is no certificate";
            if (reason is not null) return false;
            rest = rest[fields.Location.End..];
        }

        if (rest.Contains("-----BEGIN", StringComparison.Ordinal)) reason = $"block {read.Count + 1} is cut short or is no PEM";
        else if (read.Count == 0) reason = "there is no certificate in it";
        else certificates = read.ToImmutable();
        return reason is null;
    }

    private static X509Certificate2? Load(byte[] der)
    {
        try
        {
            return X509CertificateLoader.LoadCertificate(der);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}
