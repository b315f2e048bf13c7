using System.Collections.Immutable;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lateen.Model.Reading;

namespace Lateen.Model.Kubernetes.Secrets;

/// <summary>Checks that what a Secret holds is the PEM that it should be, so that a slip is told where it is written and not by a proxy that has no certificate.</summary>
internal sealed class SecretPem(ObjectReader at, SecretEntries entries)
{
    private const string CertificateLabel = "CERTIFICATE";

    /// <summary>Null when neither is there, or after a report.</summary>
    public CertificateAndKey? CertificateAndKey(string chainKey, string privateKey)
    {
        if (!entries.Has(chainKey) || !entries.Has(privateKey)) return null;
        using var leaf = FirstCertificate(chainKey);
        byte[]? publicKey = PublicKeyOf(privateKey, out bool isReadable);
        if (leaf is null || !isReadable) return null;
        // A key of a kind that cannot be taken apart here is left to the proxy, which refuses a pair that does not fit.
        if (publicKey is not null && !publicKey.AsSpan().SequenceEqual(leaf.PublicKey.ExportSubjectPublicKeyInfo()))
        {
            Report(DiagnosticCodes.KeyMismatch, privateKey, $"'{privateKey}' is not the key of the first certificate of '{chainKey}'", "the leaf certificate comes first");
            return null;
        }

        return new CertificateAndKey(entries[chainKey], entries[privateKey], leaf.NotBefore.ToUniversalTime(), leaf.NotAfter.ToUniversalTime());
    }

    /// <summary>Empty when there are none, or after a report.</summary>
    public ImmutableArray<byte> Certificates(string key)
    {
        if (!entries.Has(key)) return [];
        using var first = FirstCertificate(key);
        return first is null ? [] : entries[key];
    }

    /// <summary>Empty when there are none, or after a report.</summary>
    public ImmutableArray<byte> RevocationLists(string key)
    {
        if (!entries.Has(key)) return [];
        try
        {
            CertificateRevocationListBuilder.LoadPem(Characters(key), out BigInteger _);
            return entries[key];
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or DecoderFallbackException)
        {
            Report(DiagnosticCodes.InvalidPem, key, $"'{key}' holds no revocation list in PEM", "-----BEGIN X509 CRL-----");
            return [];
        }
    }

    private X509Certificate2? FirstCertificate(string key)
    {
        try
        {
            var all = new X509Certificate2Collection();
            all.ImportFromPem(Characters(key));
            if (all.Count > 0)
            {
                foreach (var other in all.Skip(1)) other.Dispose();
                return all[0];
            }
        }
        catch (Exception e) when (e is CryptographicException or DecoderFallbackException)
        {
            Report(DiagnosticCodes.InvalidPem, key, $"'{key}' holds a certificate that cannot be read", "PEM, DER inside of it");
            return null;
        }

        Report(DiagnosticCodes.InvalidPem, key, $"'{key}' holds no certificate in PEM", $"-----BEGIN {CertificateLabel}-----");
        return null;
    }

    /// <summary>The public half, null when the key is of a kind that only the TLS library knows (Ed25519).</summary>
    private byte[]? PublicKeyOf(string key, out bool isReadable)
    {
        isReadable = false;
        try
        {
            string text = Characters(key);
            var rest = text.AsSpan();
            while (PemEncoding.TryFind(rest, out var fields))
            {
                switch (rest[fields.Label])
                {
                    case "ENCRYPTED PRIVATE KEY":
                        Report(DiagnosticCodes.InvalidPem, key, $"'{key}' is encrypted, and nobody is there to type its password", "openssl pkey removes it");
                        return null;
                    case "RSA PRIVATE KEY" or "EC PRIVATE KEY" or "PRIVATE KEY":
                        isReadable = true;
                        return Import(RSA.Create(), text) ?? Import(ECDsa.Create(), text);
                }

                rest = rest[fields.Location.End..];
            }
        }
        catch (DecoderFallbackException)
        {
            // Not even text; said below.
            isReadable = false;
        }

        Report(DiagnosticCodes.InvalidPem, key, $"'{key}' holds no private key in PEM", "-----BEGIN PRIVATE KEY-----");
        return null;
    }

    private static byte[]? Import(AsymmetricAlgorithm algorithm, string pem)
    {
        using (algorithm)
        {
            try
            {
                algorithm.ImportFromPem(pem);
                return algorithm.ExportSubjectPublicKeyInfo();
            }
            catch (Exception e) when (e is CryptographicException or ArgumentException)
            {
                // Of another algorithm, or of none that the platform knows.
                return null;
            }
        }
    }

    private string Characters(string key) => new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(entries[key].AsSpan());

    private void Report(DiagnosticCode code, string key, string message, string hint) => at.ReportKey(code, entries.FieldOf(key), key, message, hint);
}
