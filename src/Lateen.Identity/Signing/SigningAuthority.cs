using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Identity.Signing;

/// <summary>
/// A certificate that may sign, and its key. Nothing gives the key away but <see cref="ExportPrivateKeyPem"/>, for the file that keeps it. Safe from any thread.
/// </summary>
/// <remarks>Whoever only asks for certificates is handed an <see cref="ICertificateIssuer"/> or less, never this.</remarks>
public sealed class SigningAuthority : IDisposable
{
    /// <summary>How long a root made here lives: as Istio's, ten years.</summary>
    public static readonly TimeSpan RootLifetime = TimeSpan.FromDays(3650);

    /// <summary>Intermediates sent with a leaf. Count. Hit: the authority is not loaded.</summary>
    public const int MaxIntermediates = WorkloadCertificate.MaxChainLength - 1;

    private readonly AsymmetricAlgorithm _key;
    private readonly Lock _gate = new();

    private SigningAuthority(X509Certificate2 certificate, AsymmetricAlgorithm key, ImmutableArray<X509Certificate2> intermediates)
    {
        Certificate = certificate;
        _key = key;
        Intermediates = intermediates;
    }

    public X509Certificate2 Certificate { get; }

    /// <summary>What peers need between a leaf and their root, in the order of a handshake. Empty when this is a root itself.</summary>
    public ImmutableArray<X509Certificate2> Intermediates { get; }

    public DateTimeOffset NotAfter => new(Certificate.NotAfter.ToUniversalTime());

    /// <summary>Makes a root: ECDSA over P-256, signed by itself. Its name carries a part of its key's hash, so that no two roots share one.</summary>
    public static SigningAuthority CreateRoot(TrustDomain trustDomain, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(trustDomain);
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string mark = Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()))[..16];
        var name = new X500DistinguishedNameBuilder();
        name.AddOrganizationName(trustDomain.Name.Length <= 64 ? trustDomain.Name : trustDomain.Name[..64]);
        name.AddCommonName($"Lateen root {mark}");
        var request = new CertificateRequest(name.Build(), key, HashAlgorithmName.SHA256);
        AddAuthorityExtensions(request);
        // An hour back: a root is older than any leaf that it signs, however the clocks stand.
        using var made = request.CreateSelfSigned(now - TimeSpan.FromHours(1), now + RootLifetime);
        return new SigningAuthority(X509CertificateLoader.LoadCertificate(made.RawData), key, []);
    }

    /// <summary>Takes an authority from PEM texts.</summary>
    /// <param name="certificatePem">The certificate that signs. One.</param>
    /// <param name="chainPem">What stands between it and the root (Istio's cert-chain.pem); null or empty for nothing. The certificate itself may be repeated in it.</param>
    /// <returns>False with the reason in words; it never quotes the key.</returns>
    public static bool TryLoad(
        string? certificatePem, string? keyPem, string? chainPem, [NotNullWhen(true)] out SigningAuthority? authority, [NotNullWhen(false)] out string? reason)
    {
        authority = null;
        if (!PemCertificates.TryRead(certificatePem, 1, out var certificates, out reason)) reason = $"the certificate: {reason}";
        else if (TrustRoot.AuthorityFault(certificates[0]) is { } fault) reason = fault;
        else if (!TryReadKey(certificates[0].PublicKey, keyPem, out var key, out reason)) reason = $"the key: {reason}";
        else if (!TryReadChain(certificates[0], chainPem, out var chain, out reason)) key.Dispose();
        else authority = new SigningAuthority(certificates[0], key, chain);
        return authority is not null;
    }

    private static bool TryReadKey(PublicKey publicKey, string? pem, [NotNullWhen(true)] out AsymmetricAlgorithm? key, [NotNullWhen(false)] out string? reason)
    {
        key = null;
        try
        {
            reason = RequestedKey.Fault(publicKey);
            if (reason is not null) return false;
            using var shown = (AsymmetricAlgorithm?)publicKey.GetECDsaPublicKey() ?? publicKey.GetRSAPublicKey();
            AsymmetricAlgorithm read = shown is ECDsa ? ECDsa.Create() : RSA.Create();
            key = read;
            read.ImportFromPem(pem ?? "");
            if (read.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(publicKey.ExportSubjectPublicKeyInfo())) return true;
            reason = "it does not belong to the certificate";
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or System.Formats.Asn1.AsnContentException)
        {
            reason = "it is no private key in PEM without a passphrase, or not of the certificate's algorithm";
        }

        key?.Dispose();
        key = null;
        return false;
    }

    private static bool TryReadChain(
        X509Certificate2 certificate, string? pem, out ImmutableArray<X509Certificate2> chain, [NotNullWhen(false)] out string? reason)
    {
        reason = null;
        ImmutableArray<X509Certificate2> given = [];
        chain = [];
        if (!string.IsNullOrWhiteSpace(pem) && !PemCertificates.TryRead(pem, MaxIntermediates + 1, out given, out reason))
        {
            reason = $"the chain: {reason}";
            return false;
        }

        // A root at the end of the chain is the peer's to know, not ours to send.
        chain = [.. given.Prepend(certificate).Where(one => !IsSelfSigned(one)).DistinctBy(one => one.Thumbprint)];
        if (chain.Length > MaxIntermediates) reason = $"the chain has more than {MaxIntermediates} certificates";
        return reason is null;
    }

    /// <summary>Issued to itself: a root, as far as names tell.</summary>
    internal static bool IsSelfSigned(X509Certificate2 certificate) => certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);

    /// <summary>
    /// The other authority's name and key under a signature of this one: with it, whoever trusts only this one believes what the other signs. It ends with
    /// whichever of the two ends first.
    /// </summary>
    public X509Certificate2 CrossSign(SigningAuthority other, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(other);
        var request = new CertificateRequest(other.Certificate.SubjectName, other.Certificate.PublicKey, HashAlgorithmName.SHA256);
        AddAuthorityExtensions(request);
        return Sign(request, now - TimeSpan.FromHours(1), other.NotAfter < NotAfter ? other.NotAfter : NotAfter);
    }

    /// <summary>The same authority, with other certificates between it and the root.</summary>
    public SigningAuthority WithIntermediates(params ImmutableArray<X509Certificate2> intermediates) => new(Certificate, _key, intermediates);

    /// <summary>Signs a leaf: no subject, the identity as URI, usages as Istio's, for both ends of a connection.</summary>
    /// <param name="lifetime">From now on; cut where the authority itself ends.</param>
    /// <returns>False with the reason when the authority is not valid now.</returns>
    internal bool TrySign(
        PublicKey publicKey, SpiffeId identity, ServerNames? names, TimeSpan lifetime, DateTimeOffset now,
        [NotNullWhen(true)] out WorkloadCertificate? certificate, [NotNullWhen(false)] out string? reason)
    {
        certificate = null;
        var end = now + lifetime < NotAfter ? now + lifetime : NotAfter;
        if (end <= now)
        {
            reason = $"the authority's own certificate has expired at {NotAfter:u}";
            return false;
        }

        var request = new CertificateRequest(new X500DistinguishedName([0x30, 0x00]), publicKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        request.CertificateExtensions.Add(SubjectNames.Of(identity, names));
        var begin = now - LeafLifetime.Backdating;
        var first = new DateTimeOffset(Certificate.NotBefore.ToUniversalTime());
        var leaf = Sign(request, begin > first ? begin : first, end);
        return WorkloadCertificate.TryCreate([leaf, .. Intermediates], out certificate, out reason);
    }

    private X509Certificate2 Sign(CertificateRequest request, DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        if (Certificate.Extensions.OfType<X509SubjectKeyIdentifierExtension>().FirstOrDefault() is { } identifier)
            request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(identifier));
        // 127 random bits: unique without a counter, and positive as RFC 5280 section 4.1.2.2 wants.
        Span<byte> serial = stackalloc byte[16];
        RandomNumberGenerator.Fill(serial);
        serial[0] = (byte)(serial[0] & 0x3f | 0x40);
        var generator = _key is ECDsa ecdsa ? X509SignatureGenerator.CreateForECDsa(ecdsa) : X509SignatureGenerator.CreateForRSA((RSA)_key, RSASignaturePadding.Pkcs1);
        // The framework does not promise that one key may sign on two threads.
        lock (_gate) return request.Create(Certificate.SubjectName, generator, notBefore, notAfter, serial);
    }

    private static void AddAuthorityExtensions(CertificateRequest request)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
    }

    /// <summary>The private key as PKCS#8 in PEM, for the one file that keeps it.</summary>
    public string ExportPrivateKeyPem() => _key.ExportPkcs8PrivateKeyPem();

    public override string ToString() => $"authority {Certificate.Subject}";

    public void Dispose() => _key.Dispose();
}

/// <summary>Names that a server's certificate carries beside its identity, for clients that check host names.</summary>
public sealed record ServerNames(ImmutableArray<string> DnsNames, ImmutableArray<IPAddress> Addresses);
