using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Lateen.Net.Interop;
using Lateen.Net.Tls;

namespace Lateen.Net.Certificates;

/// <summary>
/// A private key that was made here, for a certificate that somebody else signs: it signs requests (PKCS#10, RFC 2986), gives its text to the TLS contexts of this process,
/// and knows its certificate. No text of the object holds the key.
/// </summary>
/// <remarks>
/// By OpenSSL, which TLS has loaded anyway: the framework's cryptography brings another 8 MB into the process when it is first touched. One thread at a time.
/// Dispose it when it is not needed any more; OpenSSL overwrites the memory.
/// </remarks>
public sealed unsafe class CertificateKey : IDisposable
{
    private readonly KeyHandle _handle;

    private CertificateKey(KeyHandle handle, CertificateKeyKind kind)
    {
        _handle = handle;
        Kind = kind;
    }

    public CertificateKeyKind Kind { get; }

    /// <summary>Makes a new key of the operating system's random numbers. RSA takes some 100 ms of processor: not for a reactor.</summary>
    /// <param name="problem">Why there is none: OpenSSL cannot be had, or refuses.</param>
    public static CertificateKey? TryCreate(CertificateKeyKind kind, [NotNullWhen(false)] out string? problem)
    {
        problem = OpenSsl.Problem;
        if (problem is not null) return null;
        nint key = 0;
        fixed (byte* name = kind == CertificateKeyKind.P256 ? "EC\0"u8 : "RSA\0"u8)
        {
            var context = LibCrypto.NewKeyContext(0, name, null);
            if (context != 0 && LibCrypto.BeginKeyGeneration(context) == 1 && Choose(context, kind) && LibCrypto.GenerateKey(context, &key) != 1) key = 0;
            LibCrypto.FreeKeyContext(context);
        }

        var error = OpenSsl.TakeError();
        if (key != 0) return new CertificateKey(new KeyHandle(key), kind);
        problem = $"OpenSSL makes no {kind} key: {OpenSsl.Describe(error)}";
        return null;
    }

    /// <summary>A request for a certificate with <paramref name="uri"/> as its only name and no subject, signed with SHA-256. PEM.</summary>
    /// <param name="uri">ASCII. Critical in the request, as RFC 5280 section 4.2.1.6 wants it where there is no subject.</param>
    public string CreateRequest(string uri)
    {
        ArgumentException.ThrowIfNullOrEmpty(uri);
        var content = RequestEncoding.Content(PublicKey(), uri);
        return PemEncoding.WriteString("CERTIFICATE REQUEST", RequestEncoding.Signed(content, Kind, Sign(content)));
    }

    /// <summary>The private key as PKCS#8 in PEM, for the TLS contexts of this process. Never write it where another may read it.</summary>
    public byte[] ToPem()
    {
        var bio = LibCrypto.NewBio(LibCrypto.MemoryBioMethod());
        try
        {
            byte* start = null;
            nint bytes = 0;
            if (LibCrypto.WritePrivateKey(bio, _handle.DangerousGetHandle(), 0, null, 0, null, 0) == 1) bytes = LibCrypto.ControlBio(bio, LibCrypto.BioControlContent, 0, &start);
            if (bytes <= 0) throw Refused("does not write a key");
            var pem = new ReadOnlySpan<byte>(start, (int)bytes).ToArray();
            new Span<byte>(start, (int)bytes).Clear();
            return pem;
        }
        finally
        {
            LibCrypto.FreeBio(bio);
            GC.KeepAlive(_handle);
        }
    }

    /// <summary>Does the certificate belong to this key? A wrong answer of an authority would otherwise show only in the first handshake.</summary>
    public bool Matches(TlsCertificate certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        fixed (byte* der = certificate.Der.Span)
        {
            var at = der;
            var native = LibCrypto.DecodeCertificate(0, &at, certificate.Der.Length);
            var matches = native != 0 && LibCrypto.CheckPrivateKey(native, _handle.DangerousGetHandle()) == 1;
            LibCrypto.FreeCertificate(native);
            OpenSsl.TakeError();
            GC.KeepAlive(_handle);
            return matches;
        }
    }

    public override string ToString() => $"{Kind} key";

    public void Dispose() => _handle.Dispose();

    private static bool Choose(nint context, CertificateKeyKind kind)
    {
        const int rsaBits = 2048;
        if (kind == CertificateKeyKind.Rsa2048) return LibCrypto.SetRsaBits(context, rsaBits) == 1;
        fixed (byte* curve = "P-256\0"u8) return LibCrypto.SetGroup(context, curve) == 1;
    }

    /// <summary>SubjectPublicKeyInfo.</summary>
    private byte[] PublicKey()
    {
        byte* encoded = null;
        var bytes = LibCrypto.EncodePublicKeyOf(_handle.DangerousGetHandle(), &encoded);
        GC.KeepAlive(_handle);
        if (bytes <= 0) throw Refused("does not encode a public key");
        var result = new ReadOnlySpan<byte>(encoded, bytes).ToArray();
        LibCrypto.FreeMemory(encoded, null, 0);
        return result;
    }

    private byte[] Sign(byte[] content)
    {
        var context = LibCrypto.NewDigestContext();
        try
        {
            fixed (byte* digest = "SHA256\0"u8, signed = content)
            {
                nuint bytes = 0;
                if (LibCrypto.BeginSigning(context, null, digest, 0, null, _handle.DangerousGetHandle(), null) != 1
                    || LibCrypto.Sign(context, null, &bytes, signed, (nuint)content.Length) != 1) throw Refused("does not sign");
                var signature = new byte[bytes];
                fixed (byte* target = signature)
                {
                    if (LibCrypto.Sign(context, target, &bytes, signed, (nuint)content.Length) != 1) throw Refused("does not sign");
                }

                // What was asked for first is the most that a signature of ECDSA may take.
                return signature[..(int)bytes];
            }
        }
        finally
        {
            LibCrypto.FreeDigestContext(context);
            GC.KeepAlive(_handle);
        }
    }

    private static InvalidOperationException Refused(string what) => new($"OpenSSL {what} with a key that it made: {OpenSsl.Describe(OpenSsl.TakeError())}.");
}
