namespace Lateen.Net.Tls;

/// <summary>What there is to know of a certificate, read once. Immutable.</summary>
public sealed class TlsCertificate
{
    internal TlsCertificate()
    {
    }

    /// <summary>Certificates read from one PEM, at most. Count.</summary>
    public const int MaxInPem = 4096;

    /// <summary>The certificates in <paramref name="pem"/> in their order, such as a chain with its leaf first or a bundle of roots.</summary>
    /// <returns>Null and a text when there is none or one of them is broken.</returns>
    public static IReadOnlyList<TlsCertificate>? TryReadAll(ReadOnlySpan<byte> pem, out string? error)
    {
        error = Interop.OpenSsl.Problem;
        if (error is not null)
            return null;
        var natives = Pem.ReadCertificates(pem, isTrustAnchor: true, MaxInPem, out error);
        if (error is null && natives.Count == 0)
            error = "no certificate in the PEM";
        var certificates = error is null ? natives.ConvertAll(CertificateReader.Read) : null;
        Pem.Free(natives);
        return certificates;
    }

    /// <summary>One certificate.</summary>
    /// <returns>Null when the octets are none, or more than one.</returns>
    public static unsafe TlsCertificate? TryDecode(ReadOnlySpan<byte> der)
    {
        if (Interop.OpenSsl.Problem is not null || der.IsEmpty)
            return null;
        fixed (byte* start = der)
        {
            var at = start;
            var native = Interop.LibCrypto.DecodeCertificate(0, &at, der.Length);
            Interop.OpenSsl.TakeError();
            var certificate = native != 0 && at == start + der.Length ? CertificateReader.Read(native) : null;
            Interop.LibCrypto.FreeCertificate(native);
            return certificate;
        }
    }

    /// <summary>The whole certificate, DER.</summary>
    public required ReadOnlyMemory<byte> Der { get; init; }

    /// <summary>RFC 2253 form, most specific part first: <c>CN=web,O=Example</c>.</summary>
    public required string Subject { get; init; }

    /// <inheritdoc cref="Subject"/>
    public required string Issuer { get; init; }

    /// <summary>Serial number, lower-case hex without leading zero octets.</summary>
    public required string Serial { get; init; }

    /// <summary>SHA-256 of <see cref="Der"/>, lower-case hex.</summary>
    public required string Sha256 { get; init; }

    public required DateTimeOffset NotBefore { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>In the certificate's order. Empty when it has none of a kind that is read.</summary>
    public required IReadOnlyList<SubjectAltName> SubjectAltNames { get; init; }

    /// <summary>The first URI name, which is where a workload's SPIFFE id is; null without one.</summary>
    public string? FirstUri
    {
        get
        {
            foreach (var name in SubjectAltNames)
            {
                if (name.Kind == SubjectAltNameKind.Uri)
                    return name.Value;
            }

            return null;
        }
    }
}
