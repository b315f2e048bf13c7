using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Proxy.Tests.Tls;

/// <summary>A certificate authority of the test's own.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly X509Certificate2 _root;

    /// <summary>What a peer needs beside a leaf to come to the root: PEM.</summary>
    private readonly string _chain = "";
    private int _serial;

    public TestAuthority(string name = "Test Root")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _root = Request(name, key).CreateSelfSigned(Now.AddDays(-10), Now.AddDays(10));
    }

    private TestAuthority(TestAuthority parent, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Request(name, key).Create(parent._root, Now.AddDays(-9), Now.AddDays(9), [0x30, 1]);
        _root = certificate.CopyWithPrivateKey(key);
        _chain = certificate.ExportCertificatePem() + "\n" + parent._chain;
    }

    public string Pem => _root.ExportCertificatePem() + "\n";

    public X509Certificate2 Root => _root;

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    /// <summary>An authority that this one vouches for.</summary>
    public TestAuthority Intermediate(string name) => new(this, name);

    /// <summary>The list of those certificates that are not good any more. PEM.</summary>
    public string RevocationList(params TestCertificate[] revoked)
    {
        var builder = new CertificateRevocationListBuilder();
        foreach (var one in revoked) builder.AddEntry(Convert.FromHexString(one.Serial), Now.AddHours(-1));
        var list = builder.Build(_root, 1, Now.AddDays(10), HashAlgorithmName.SHA256, thisUpdate: Now.AddDays(-1));
        return PemEncoding.WriteString("X509 CRL", list) + "\n";
    }

    /// <summary>A certificate for DNS names, <c>spiffe://</c> URIs and addresses, told apart by their form.</summary>
    public TestCertificate Issue(string[] names, int validFromDays = -5, int validToDays = 5)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={names[0].Replace("://", "-", StringComparison.Ordinal)}", key, HashAlgorithmName.SHA256);
        var san = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (name.Contains("://", StringComparison.Ordinal)) san.AddUri(new Uri(name));
            else if (IPAddress.TryParse(name, out var address)) san.AddIpAddress(address);
            else san.AddDnsName(name);
        }

        request.CertificateExtensions.Add(san.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        var serial = new byte[] { 0x10, 0, 0, 0 };
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(serial, 0x10000000 + ++_serial);
        using var certificate = request.Create(_root, Now.AddDays(validFromDays), Now.AddDays(validToDays), serial);
        return new TestCertificate(certificate.ExportCertificatePem() + "\n" + _chain, key.ExportPkcs8PrivateKeyPem() + "\n", Convert.ToHexStringLower(serial));
    }

    /// <summary>Signs a workload's request, as a mesh's authority does: the names that are given, else those that it asks for. Leaf, PEM.</summary>
    public string Sign(string request, string[] names, DateTimeOffset validFrom, DateTimeOffset validTo)
    {
        var read = CertificateRequest.LoadSigningRequestPem(request, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);
        var made = new CertificateRequest(new X500DistinguishedName([0x30, 0x00]), read.PublicKey, HashAlgorithmName.SHA256);
        var san = new SubjectAlternativeNameBuilder();
        foreach (var name in names) san.AddUri(new Uri(name));
        made.CertificateExtensions.Add(names.Length > 0 ? san.Build(critical: true) : read.CertificateExtensions.First(one => one.Oid?.Value == "2.5.29.17"));
        made.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        made.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        var serial = new byte[] { 0x20, 0, 0, 0 };
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(serial, 0x20000000 + Interlocked.Increment(ref _serial));
        using var key = _root.GetECDsaPrivateKey()!;
        using var certificate = made.Create(_root.SubjectName, X509SignatureGenerator.CreateForECDsa(key), validFrom, validTo, serial);
        return certificate.ExportCertificatePem() + "\n";
    }

    public void Dispose() => _root.Dispose();

    private static CertificateRequest Request(string name, ECDsa key)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request;
    }
}

/// <summary>A leaf with what leads to its root, and its key, PEM, and its serial number in lower-case hex.</summary>
internal sealed record TestCertificate(string Chain, string Key, string Serial)
{
    public X509Certificate2 ToX509()
    {
        // By way of PKCS#12: a key that came from PEM is not usable by SslStream on all platforms.
        using var ephemeral = X509Certificate2.CreateFromPem(Chain, Key);
        return X509CertificateLoader.LoadPkcs12(ephemeral.Export(X509ContentType.Pkcs12), null);
    }
}
