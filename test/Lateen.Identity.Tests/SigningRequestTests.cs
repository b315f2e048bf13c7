using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lateen.Identity.Signing;

namespace Lateen.Identity.Tests;

public sealed class SigningRequestTests
{
    private const string Web = "spiffe://cluster.local/ns/shop/sa/web";
    private static readonly SpiffeId Caller = SpiffeId.Parse(Web);

    [Theory]
    [InlineData(KeyAlgorithm.EcdsaP256)]
    [InlineData(KeyAlgorithm.Rsa2048)]
    public void A_workloads_own_request_is_taken(KeyAlgorithm algorithm)
    {
        using var key = WorkloadKey.Create(algorithm);
        Assert.True(SigningRequest.TryRead(key.CreateRequest(Caller), out var request, out string? reason), reason);
        Assert.Null(request.FaultFor(Caller));
    }

    [Theory]
    [InlineData("")]
    [InlineData("O=cluster.local")]
    public void A_request_without_a_name_leaves_the_identity_to_the_authority(string subject)
    {
        Assert.True(SigningRequest.TryRead(Requests.Make([], subject: subject), out var request, out string? reason), reason);
        Assert.Null(request.Identity);
        Assert.Null(request.FaultFor(Caller));
    }

    [Theory]
    [InlineData("spiffe://cluster.local/ns/shop/sa/admin", "which is not the caller")]
    [InlineData("spiffe://cluster.local/ns/other/sa/web", "which is not the caller")]
    [InlineData("spiffe://evil.example/ns/shop/sa/web", "another trust domain")]
    public void An_identity_other_than_the_callers_is_refused(string asked, string reason)
    {
        Assert.True(SigningRequest.TryRead(Requests.Make([asked]), out var request, out _));
        Assert.Contains(reason, request.FaultFor(Caller), StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Refused()
    {
        using var weak = RSA.Create(1024);
        using var wide = RSA.Create(8192 / 2 + 1024);
        using var odd = ECDsa.Create(ECCurve.CreateFromFriendlyName("brainpoolP256r1"));
        using var strong = RSA.Create(2048);
        using var good = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string plain = Requests.Make([Web]);
        return new TheoryData<string, string>
        {
            { "", "there is no request" },
            { "hello", "no CERTIFICATE REQUEST" },
            { plain.Replace("CERTIFICATE REQUEST", "CERTIFICATE", StringComparison.Ordinal), "no CERTIFICATE REQUEST" },
            { plain + "\n" + plain, "more than the request" },
            { plain + "\n-----BEGIN PRIVATE KEY-----\n", "more than the request" },
            { plain + new string(' ', SigningRequest.MaxLength), "the most" },
            { Requests.Make([Web, Web]), "names beside one identity" },
            { Requests.Make([Web, "spiffe://cluster.local/ns/shop/sa/admin"]), "names beside one identity" },
            { Requests.Make([Web], dns: "admin.shop.svc"), "names beside one identity" },
            { Requests.Make([], dns: "admin.shop.svc"), "names beside one identity" },
            { Requests.Make([Web + "\0x"]), "character" },
            { Requests.Make([Web], subject: "CN=admin"), "names a subject" },
            { Requests.Make([Web], subject: "O=cluster.local, CN=admin"), "names a subject" },
            { Requests.Make([Web], key: weak), "1024 bits" },
            { Requests.Make([Web], key: wide), "5120 bits" },
            { Requests.Make([Web], key: odd), "none of P-256" },
            { Requests.Make([Web], key: strong, withSha1: true), "algorithm that is not taken" },
            { Requests.Make([Web], key: good, withSha1: true), "algorithm that is not taken" },
            { Requests.Make([Web], extension: new X509BasicConstraintsExtension(true, false, 0, true)), "signs others" },
            { Requests.Make([Web], extension: new X509Extension("1.3.6.1.4.1.11129.2.4.2", [0x05, 0x00], false)), "1.3.6.1.4.1.11129.2.4.2" },
            { Tampered(plain), "signature is wrong" },
        };
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_an_authority_must_not_sign_is_refused_with_the_reason(string pem, string reason)
    {
        Assert.False(SigningRequest.TryRead(pem, out var request, out string? said));
        Assert.Null(request);
        Assert.Contains(reason, said, StringComparison.Ordinal);
    }

    [Fact]
    public void Usages_that_agents_ask_for_are_passed_over_because_the_authority_decides_them()
    {
        string pem = Requests.Make([Web], extension: new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        Assert.True(SigningRequest.TryRead(pem, out _, out string? reason), reason);
    }

    [Fact]
    public void Every_beginning_of_a_request_is_refused_without_an_exception()
    {
        byte[] der = Der(Requests.Make([Web]));
        for (int length = 0; length < der.Length; length++) Assert.False(SigningRequest.TryRead(Pem(der[..length]), out _, out _));
        string pem = Requests.Make([Web]);
        for (int length = 0; length < pem.Length - 1; length++) Assert.False(SigningRequest.TryRead(pem[..length], out _, out _));
    }

    [Fact]
    public void A_hundred_thousand_hostile_requests_are_refused_without_an_exception()
    {
        var random = new Random(20261129);
        using var rsa = RSA.Create(2048);
        byte[][] seeds = [.. Enumerable.Repeat(Der(Requests.Make([Web])), 9), Der(Requests.Make([Web], key: rsa)), Der(Requests.Make([], subject: "O=x"))];
        string[] originals = [.. seeds.Select(Pem)];
        int taken = 0;
        for (int round = 0; round < 100_000; round++)
        {
            string text;
            if (round % 10 == 0)
            {
                byte[] noise = new byte[random.Next(600)];
                random.NextBytes(noise);
                text = Pem(noise);
            }
            else
            {
                byte[] der = [.. seeds[round % seeds.Length]];
                for (int change = random.Next(1, 4); change > 0; change--) der[random.Next(der.Length)] = (byte)random.Next(256);
                text = Pem(der);
            }

            if (SigningRequest.TryRead(text, out _, out string? reason) && !originals.Contains(text)) taken++;
            else if (!originals.Contains(text)) Assert.NotNull(reason);
        }

        Assert.Equal(0, taken);
    }

    private static byte[] Der(string pem)
    {
        var fields = PemEncoding.Find(pem);
        return Convert.FromBase64String(pem[fields.Base64Data]);
    }

    private static string Pem(byte[] der) => PemEncoding.WriteString("CERTIFICATE REQUEST", der);

    /// <summary>The last octet belongs to the signature.</summary>
    private static string Tampered(string pem)
    {
        byte[] der = Der(pem);
        der[^1] ^= 1;
        return Pem(der);
    }
}
