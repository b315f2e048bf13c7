using System.Text;
using Lateen.Net.Tls;

namespace Lateen.Net.Tests.Tls;

/// <summary>What is wrong with options is found when the context is made, and said in words that hold no secret.</summary>
public sealed class TlsContextTests : IDisposable
{
    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Fact]
    public void Key_of_another_certificate_is_refused_by_the_certificates_name()
    {
        var leaf = _authority.Issue(["a"]);
        var other = _authority.Issue(["b"]);
        AssertRefused("private key: is not the key of the certificate CN=leaf,O=Example", new()
        {
            Certificates = [new() { CertificateChainPem = leaf.Options.CertificateChainPem, PrivateKeyPem = other.Options.PrivateKeyPem }],
        });
    }

    [Theory]
    [InlineData(null, "private key: is encrypted and no password was given")]
    [InlineData("wrong", "private key: does not open with the given password")]
    [InlineData("hunter2", null)]
    public void Encrypted_key_opens_with_its_password_only(string? password, string? error)
    {
        var options = new TlsServerOptions { Certificates = [_authority.Issue(["a"]).Encrypted("hunter2", password)] };
        var result = TlsServerContext.Create(options);
        Assert.Equal(error, result.Error);
        result.Context?.Dispose();
    }

    [Theory]
    [InlineData("", "certificate chain: no certificate in the PEM")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate chain: certificate 1: ")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA", "certificate chain: certificate 1: ")]
    public void Broken_certificates_are_refused(string pem, string error)
    {
        var leaf = _authority.Issue(["a"]);
        AssertRefused(error, new()
        {
            Certificates = [new() { CertificateChainPem = Encoding.ASCII.GetBytes(pem), PrivateKeyPem = leaf.Options.PrivateKeyPem }],
        });
    }

    [Fact]
    public void Errors_do_not_show_the_key()
    {
        var leaf = _authority.Issue(["a"]);
        var broken = leaf.KeyPem.Replace("MI", "MJ", StringComparison.Ordinal);
        var result = TlsServerContext.Create(new()
        {
            Certificates = [new() { CertificateChainPem = leaf.Options.CertificateChainPem, PrivateKeyPem = Encoding.ASCII.GetBytes(broken) }],
        });
        Assert.False(result.IsCreated);
        Assert.StartsWith("private key: ", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(leaf.KeyPem.Split('\n')[1][..8], result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(leaf.KeyPem.Split('\n')[1][..8], leaf.Options.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ECDHE-RSA-AES128-GCM-SHA999")]
    [InlineData("ALL")]
    [InlineData("@SECLEVEL=0")]
    [InlineData("eNULL")]
    [InlineData("!aNULL")]
    [InlineData("ADH-AES128-SHA")]
    [InlineData("[ECDHE-RSA-AES128-GCM-SHA256|NOPE]")]
    [InlineData("ECDHE-RSA-AES128-GCM-SHA256:ALL")]
    [InlineData("")]
    public void Unknown_suites_and_the_library_own_syntax_are_refused(string suite) =>
        AssertRefused("cipher suites: ", Good() with { CipherSuites = [suite] });

    [Theory]
    [InlineData("ECDHE-RSA-AES128-GCM-SHA256")]
    [InlineData("[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]")]
    [InlineData("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")]
    [InlineData("TLS_AES_128_GCM_SHA256")]
    [InlineData("AES256-GCM-SHA384")]
    [InlineData("ECDHE-ECDSA-AES128-SHA")]
    public void Suites_are_known_by_the_names_of_OpenSSL_and_IANA_and_in_groups(string suite) =>
        TlsHarness.Server(Good() with { CipherSuites = [suite] }).Dispose();

    [Theory]
    [InlineData("P-257")]
    [InlineData("X25519:P-256")]
    [InlineData("")]
    public void Unknown_curves_are_refused(string curve) => AssertRefused($"curves: \"{curve}\"", Good() with { Curves = [curve] });

    [Fact]
    public void Other_mistakes_are_refused_by_name()
    {
        AssertRefused("certificates: a server needs one", new());
        AssertRefused("protocol versions: ", Good() with { MinVersion = TlsVersion.Tls13, MaxVersion = TlsVersion.Tls12 });
        AssertRefused("session lifetime: ", Good() with { SessionLifetime = TimeSpan.FromDays(8) });
        AssertRefused("verify depth: ", Good() with { Verification = new() { MaxDepth = 101 } });
        AssertRefused("certificate pins: ", Good() with { Verification = new() { PublicKeyHashes = [new byte[20]] } });
        AssertRefused("trusted roots: no certificate", Good() with { Verification = new() { TrustedRootsPem = "nothing"u8.ToArray() } });
        AssertRefused("revocation lists: no revocation list", Good() with { Verification = _authority.Trust with { RevocationListsPem = "x"u8.ToArray() } });
        AssertRefused("revocation lists: are of no use", Good() with { Verification = new() { RevocationListsPem = "x"u8.ToArray() } });
        AssertRefused("names: without trusted roots", Good() with { Verification = new() { AcceptsName = static _ => true } });
        AssertRefused("cipher suites: none of TLS 1.2", Good() with { CipherSuites = ["TLS_AES_128_GCM_SHA256"], MaxVersion = TlsVersion.Tls12 });
        Assert.StartsWith("session cache: ", TlsClientContext.Create(new() { MaxSessions = -1 }).Error, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => AlpnProtocol.Get(""));
    }

    [Fact]
    public void Weak_keys_are_refused()
    {
        using var rsa = System.Security.Cryptography.RSA.Create(1024);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest(
            "CN=weak", rsa, System.Security.Cryptography.HashAlgorithmName.SHA256, System.Security.Cryptography.RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(TestAuthority.Now, TestAuthority.Now.AddDays(1));
        AssertRefused("certificate CN=weak: ", new()
        {
            Certificates =
            [
                new()
                {
                    CertificateChainPem = Encoding.ASCII.GetBytes(certificate.ExportCertificatePem()),
                    PrivateKeyPem = Encoding.ASCII.GetBytes(rsa.ExportPkcs8PrivateKeyPem()),
                },
            ],
        });
    }

    [Fact]
    public void Context_lists_its_certificates()
    {
        using var context = TlsHarness.Server(new() { Certificates = [_authority.Issue(["a"], subject: "x").Options, _authority.Issue(["b"], subject: "y").Options] });
        Assert.Equal(["CN=x,O=Example", "CN=y,O=Example"], context.Certificates.Select(certificate => certificate.Subject));
    }

    [Fact]
    public void Certificates_are_read_without_a_context()
    {
        using var intermediate = _authority.Intermediate();
        var leaf = intermediate.Issue(["a.example"], serial: [1, 2, 3]);
        var chain = TlsCertificate.TryReadAll(leaf.Options.CertificateChainPem.Span, out var error);
        Assert.Null(error);
        Assert.NotNull(chain);
        Assert.Equal(["CN=leaf,O=Example", "CN=Test Intermediate"], chain.Select(certificate => certificate.Subject));
        Assert.Equal("010203", chain[0].Serial);
        Assert.Null(TlsCertificate.TryReadAll("x"u8, out error));
        Assert.Equal("no certificate in the PEM", error);
    }

    [Fact]
    public void System_roots_load_or_say_where_they_were_looked_for()
    {
        var result = TlsClientContext.Create(new() { Verification = new() { UseSystemRoots = true } });
        if (!result.IsCreated)
            Assert.StartsWith("system roots: none of ", result.Error, StringComparison.Ordinal);
        result.Context?.Dispose();
    }

    private static void AssertRefused(string error, TlsServerOptions options)
    {
        var result = TlsServerContext.Create(options);
        Assert.False(result.IsCreated);
        Assert.StartsWith(error, result.Error, StringComparison.Ordinal);
    }

    private TlsServerOptions Good() => new() { Certificates = [_authority.Issue(["a"]).Options] };
}
