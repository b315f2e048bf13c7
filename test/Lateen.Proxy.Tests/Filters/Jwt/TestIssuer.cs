using System.Buffers.Text;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Lateen.Proxy.Tests.Harness;

namespace Lateen.Proxy.Tests.Filters.Jwt;

/// <summary>Someone who signs tokens: keys of every kind, made anew for each run, and their public halves as a JWK Set.</summary>
internal sealed class TestIssuer : IDisposable
{
    public const string Name = "https://issuer.example";

    private readonly RSA _rsa = RSA.Create(2048);
    private readonly ECDsa _p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private readonly ECDsa _p521 = ECDsa.Create(ECCurve.NamedCurves.nistP521);
    private readonly TemporaryFolder _folder = new();
    private byte[]? _ed25519;

    /// <summary>What RSA's public key looks like to someone who takes it for a shared secret.</summary>
    public byte[] RsaPublicKeyPem => Encoding.ASCII.GetBytes(_rsa.ExportSubjectPublicKeyInfoPem());

    public string KeySet => $$"""
        {"keys": [{{string.Join(",", Rsa(), Ec("P-256", _p256), Ec("P-384", _p384), Ec("P-521", _p521), Ed25519())}}]}
        """;

    public static long Now => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();

    public static string Claims(string more = "", long expiresIn = 3600) =>
        $$"""{"iss":"{{Name}}","sub":"alice","aud":"shop","exp":{{Now + expiresIn}}{{more}}}""";

    /// <summary>A good token of an algorithm, with the key that goes with it.</summary>
    public string Sign(string algorithm, string? claims = null, string? header = null)
    {
        header ??= $$"""{"alg":"{{algorithm}}","kid":"{{KeyIdOf(algorithm)}}"}""";
        var content = Encode(Encoding.UTF8.GetBytes(header)) + "." + Encode(Encoding.UTF8.GetBytes(claims ?? Claims()));
        return content + "." + Encode(Signature(algorithm, Encoding.ASCII.GetBytes(content)));
    }

    public byte[] Signature(string algorithm, byte[] content) => algorithm switch
    {
        "RS256" => _rsa.SignData(content, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        "RS384" => _rsa.SignData(content, HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1),
        "RS512" => _rsa.SignData(content, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1),
        "PS256" => _rsa.SignData(content, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
        "PS384" => _rsa.SignData(content, HashAlgorithmName.SHA384, RSASignaturePadding.Pss),
        "PS512" => _rsa.SignData(content, HashAlgorithmName.SHA512, RSASignaturePadding.Pss),
        "ES256" => _p256.SignData(content, HashAlgorithmName.SHA256),
        "ES384" => _p384.SignData(content, HashAlgorithmName.SHA384),
        "ES512" => _p521.SignData(content, HashAlgorithmName.SHA512),
        "ES256-DER" => _p256.SignData(content, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence),
        "ES384-by-P256" => _p256.SignData(content, HashAlgorithmName.SHA384),
        "HS256" => HMACSHA256.HashData(RsaPublicKeyPem, content),
        "EdDSA" => SignEd25519(content),
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
    };

    public static string KeyIdOf(string algorithm) => algorithm switch
    {
        "ES256" or "ES256-DER" => "P-256",
        "ES384" => "P-384",
        "ES512" => "P-521",
        "EdDSA" => "ed",
        _ => "rsa",
    };

    public static string Encode(ReadOnlySpan<byte> octets) => Base64Url.EncodeToString(octets);

    public void Dispose()
    {
        _rsa.Dispose();
        _p256.Dispose();
        _p384.Dispose();
        _p521.Dispose();
        _folder.Dispose();
    }

    private string Rsa()
    {
        var numbers = _rsa.ExportParameters(false);
        return $$"""{"kty":"RSA","kid":"rsa","n":"{{Encode(numbers.Modulus)}}","e":"{{Encode(numbers.Exponent)}}"}""";
    }

    private static string Ec(string curve, ECDsa key)
    {
        var numbers = key.ExportParameters(false);
        return $$"""{"kty":"EC","kid":"{{curve}}","crv":"{{curve}}","use":"sig","x":"{{Encode(numbers.Q.X)}}","y":"{{Encode(numbers.Q.Y)}}"}""";
    }

    private string Ed25519()
    {
        if (_ed25519 is null)
        {
            OpenSsl("genpkey", "-algorithm", "ed25519", "-out", _folder.PathOf("ed.pem"));
            OpenSsl("pkey", "-in", _folder.PathOf("ed.pem"), "-pubout", "-outform", "DER", "-out", _folder.PathOf("ed.der"));
            _ed25519 = File.ReadAllBytes(_folder.PathOf("ed.der"))[^32..];
        }

        return $$"""{"kty":"OKP","kid":"ed","crv":"Ed25519","alg":"EdDSA","x":"{{Encode(_ed25519)}}"}""";
    }

    private byte[] SignEd25519(byte[] content)
    {
        Ed25519();
        File.WriteAllBytes(_folder.PathOf("content"), content);
        OpenSsl("pkeyutl", "-sign", "-rawin", "-inkey", _folder.PathOf("ed.pem"), "-in", _folder.PathOf("content"), "-out", _folder.PathOf("signature"));
        return File.ReadAllBytes(_folder.PathOf("signature"));
    }

    /// <summary>.NET has no Ed25519; OpenSSL's program signs as a peer of ours would.</summary>
    private static void OpenSsl(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("openssl", arguments) { RedirectStandardError = true })!;
        var complaint = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, complaint);
    }
}
