using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.Net.Tls;
using Lateen.Proxy.Configuration;
using TlsCertificate = Envoy.Extensions.TransportSockets.Tls.V3.TlsCertificate;

namespace Lateen.Proxy.Tls;

/// <summary>Turns the content of secrets into the options of TLS contexts.</summary>
/// <remarks>Names files and fields in errors, and nothing of what they hold.</remarks>
internal static class TlsMaterial
{
    private const int HashBytes = 32;

    public static TlsCertificateOptions Certificate(TlsCertificate certificate) => new()
    {
        CertificateChainPem = Bytes(certificate.CertificateChain),
        PrivateKeyPem = Bytes(certificate.PrivateKey),
        Password = Bytes(certificate.Password),
    };

    public static TlsTicketKeys? TicketKeys(TlsSessionTicketKeys keys, FieldPath path, ConfigurationErrors errors)
    {
        var made = TlsTicketKeys.TryCreate([.. keys.Keys.Select(Bytes)], out var error);
        if (made is null) errors.Add(path.Field("keys"), error!);
        return made;
    }

    public static TlsVerificationOptions Verification(CertificateValidationContext context, FieldPath path, ConfigurationErrors errors)
    {
        var roots = Bytes(context.TrustedCa);
        if (context.TrustedCa is not null && roots.IsEmpty) errors.Add(path.Field("trusted_ca"), "is empty");
        var names = SubjectNameMatcher.Compile(context, path, errors);
        var options = new TlsVerificationOptions
        {
            TrustedRootsPem = roots,

            // As in Envoy: a CA that is given stands alone.
            UseSystemRoots = context.SystemRootCerts is not null && context.TrustedCa is null,
            RevocationListsPem = Bytes(context.Crl),
            CheckLeafRevocationOnly = context.OnlyVerifyLeafCertCrl,
            AllowExpired = context.AllowExpiredCertificate,
            AcceptUntrusted = context.TrustChainVerification == CertificateValidationContext.Types.TrustChainVerification.AcceptUntrusted,
            MaxDepth = DepthOf(context, path, errors),
            CertificateHashes = HashesOf(context.VerifyCertificateHash, HexOf, path.Field("verify_certificate_hash"), "64 hexadecimal digits", errors),
            PublicKeyHashes = HashesOf(context.VerifyCertificateSpki, Base64Of, path.Field("verify_certificate_spki"), "the base64 of 32 octets", errors),
            AcceptsName = names is null ? null : names.Accepts,
        };

        // What a certificate that anybody may have signed says of itself is worth nothing.
        if (names is not null && !options.VerifiesChain)
            errors.Add(path, "subject alternative names are verified only with trusted_ca or system_root_certs: without, anybody can claim them");
        if (!options.RevocationListsPem.IsEmpty && !options.VerifiesChain) errors.Add(path.Field("crl"), "needs trusted_ca or system_root_certs");
        return options;
    }

    /// <summary>What stands in a data source that names no file any more.</summary>
    public static ReadOnlyMemory<byte> Bytes(DataSource? source) => source?.SpecifierCase switch
    {
        DataSource.SpecifierOneofCase.InlineString => System.Text.Encoding.UTF8.GetBytes(source.InlineString),
        DataSource.SpecifierOneofCase.InlineBytes => source.InlineBytes.Memory,
        _ => default,
    };

    private static int? DepthOf(CertificateValidationContext context, FieldPath path, ConfigurationErrors errors)
    {
        if (context.MaxVerifyDepth is not { } depth) return null;
        if (depth <= 100) return (int)depth;
        errors.Add(path.Field("max_verify_depth"), $"{depth} is too much, at most 100");
        return null;
    }

    private static List<ReadOnlyMemory<byte>> HashesOf(
        Google.Protobuf.Collections.RepeatedField<string> texts, Func<string, byte[]?> read, FieldPath path, string form, ConfigurationErrors errors)
    {
        var hashes = new List<ReadOnlyMemory<byte>>(texts.Count);
        for (var i = 0; i < texts.Count; i++)
        {
            if (read(texts[i]) is { Length: HashBytes } hash) hashes.Add(hash);
            else errors.Add(path.At(i), $"must be {form}");
        }

        return hashes;
    }

    /// <summary>As openssl prints it, with colons, or without.</summary>
    private static byte[]? HexOf(string text)
    {
        var digits = text.Replace(":", string.Empty, StringComparison.Ordinal);
        var bytes = new byte[HashBytes];
        return digits.Length == 2 * HashBytes && Convert.FromHexString(digits, bytes, out _, out _) == System.Buffers.OperationStatus.Done ? bytes : null;
    }

    private static byte[]? Base64Of(string text)
    {
        var bytes = new byte[HashBytes];
        return Convert.TryFromBase64String(text, bytes, out var written) && written == HashBytes ? bytes : null;
    }
}
