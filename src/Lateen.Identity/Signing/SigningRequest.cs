using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Identity.Signing;

/// <summary>
/// A certificate request (PKCS#10, RFC 2986) that an authority may look at: of bounded size, well formed, with a key that is good enough, signed by that key,
/// and asking for no name but one identity at most. Whether the caller may have that identity is the authority's question, not this one's. Immutable.
/// </summary>
public sealed class SigningRequest
{
    /// <summary>The longest request. Characters of PEM; RSA of 4096 bits needs 2,000. Hit: refused before anything is parsed.</summary>
    public const int MaxLength = 16 * 1024;

    private const string BasicConstraints = "2.5.29.19";

    /// <summary>Subject attributes that say nothing: the organisation, which Istio's agents send.</summary>
    private const string Organization = "2.5.4.10";

    /// <summary>Extensions that may be asked for and are not taken over: key usages and identifiers, which the authority decides itself.</summary>
    private static readonly string[] Ignored = ["2.5.29.14", "2.5.29.15", "2.5.29.37"];

    private SigningRequest(PublicKey publicKey, SpiffeId? identity)
    {
        PublicKey = publicKey;
        Identity = identity;
    }

    public PublicKey PublicKey { get; }

    /// <summary>The identity that the request names; null when it leaves that to the authority.</summary>
    public SpiffeId? Identity { get; }

    /// <returns>False with the reason in words, for the operator. Never throws, whatever the text.</returns>
    public static bool TryRead(string? pem, [NotNullWhen(true)] out SigningRequest? request, [NotNullWhen(false)] out string? reason)
    {
        request = null;
        reason = pem switch
        {
            null or "" => "there is no request",
            { Length: > MaxLength } => $"the request has {pem.Length} characters; {MaxLength} is the most",
            _ => null,
        };
        if (reason is not null) return false;
        try
        {
            (request, reason) = Read(pem!);
        }
        catch (Exception e) when (e is CryptographicException or AsnContentException or FormatException or ArgumentException or NotSupportedException
            or OverflowException or InvalidOperationException)
        {
            // What the framework's parsers say of hostile bytes. The kinds are its contract's and, for the last three, what mutated requests brought about.
            reason = "the request is malformed, or its signature is wrong";
        }

        return request is not null;
    }

    /// <summary>Null when the caller may have what it asks for: a request without a name, or with exactly the caller's.</summary>
    public string? FaultFor(SpiffeId caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        if (Identity is null || Identity == caller) return null;
        return Identity.TrustDomain == caller.TrustDomain
            ? $"the request is for {Identity}, which is not the caller"
            : $"the request is for {Identity}, of another trust domain";
    }

    private static (SigningRequest?, string?) Read(string pem)
    {
        var text = pem.AsSpan();
        if (!PemEncoding.TryFind(text, out var fields) || text[fields.Label] is not ("CERTIFICATE REQUEST" or "NEW CERTIFICATE REQUEST"))
            return (null, "the request is no CERTIFICATE REQUEST in PEM");
        if (!text[..fields.Location.Start].IsWhiteSpace() || !text[fields.Location.End..].IsWhiteSpace()) return (null, "there is more than the request");
        byte[] der = Convert.FromBase64String(text[fields.Base64Data].ToString());
        if (!RequestedKey.IsKnownSignature(SignatureAlgorithm(der))) return (null, "the request is signed by an algorithm that is not taken");

        const CertificateRequestLoadOptions unverified = CertificateRequestLoadOptions.SkipSignatureValidation | CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions;
        var parsed = CertificateRequest.LoadSigningRequest(der, HashAlgorithmName.SHA256, unverified, RSASignaturePadding.Pkcs1);
        // Order matters: what the bytes say is checked before the signature is, which costs arithmetic.
        if ((RequestedKey.Fault(parsed.PublicKey) ?? SubjectFault(parsed.SubjectName) ?? ExtensionFault(parsed)) is { } fault) return (null, fault);
        SpiffeId? identity = null;
        if (parsed.CertificateExtensions.FirstOrDefault(extension => extension.Oid?.Value == SubjectNames.Oid) is { } names
            && !TryReadIdentity(names.RawData, out identity, out string? reason)) return (null, reason);
        CertificateRequest.LoadSigningRequest(der, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.Default, RSASignaturePadding.Pkcs1);
        return (new SigningRequest(parsed.PublicKey, identity), null);
    }

    private static string SignatureAlgorithm(byte[] der)
    {
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        var request = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        request.ReadEncodedValue();
        return request.ReadSequence().ReadObjectIdentifier();
    }

    private static string? SubjectFault(X500DistinguishedName subject)
    {
        var names = new AsnReader(subject.RawData, AsnEncodingRules.DER).ReadSequence();
        while (names.HasData)
        {
            var attribute = names.ReadSetOf();
            while (attribute.HasData)
            {
                if (attribute.ReadSequence().ReadObjectIdentifier() != Organization) return "the request names a subject; identities stand in the URI alone";
            }
        }

        return null;
    }

    private static string? ExtensionFault(CertificateRequest request)
    {
        var seen = new HashSet<string>();
        foreach (var extension in request.CertificateExtensions)
        {
            string oid = extension.Oid?.Value ?? "";
            if (!seen.Add(oid)) return $"the extension {oid} stands twice";
            if (oid == BasicConstraints)
            {
                var constraints = new X509BasicConstraintsExtension(extension, extension.Critical);
                if (constraints.CertificateAuthority) return "the request is for a certificate that signs others";
            }
            else if (oid != SubjectNames.Oid && !Ignored.Contains(oid)) return $"the request asks for the extension {oid}, which is not given";
        }

        return null;
    }

    private static bool TryReadIdentity(byte[] extension, [NotNullWhen(true)] out SpiffeId? identity, [NotNullWhen(false)] out string? reason)
    {
        identity = null;
        reason = "the request's names cannot be read";
        if (!SubjectNames.TryRead(extension, out var names)) return false;
        reason = "the request asks for names beside one identity";
        return names is [{ Uri: { } uri }] && SpiffeId.TryParse(uri, out identity, out reason);
    }
}
