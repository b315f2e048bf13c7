using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lateen.Net.Certificates;
using Lateen.Net.Tests.Tls;
using Lateen.Net.Tls;

namespace Lateen.Net.Tests.Certificates;

public sealed class CertificateChainTests : IDisposable
{
    private readonly TestAuthority _root = new();
    private readonly TestAuthority _other = new("Other Root");

    public void Dispose()
    {
        _root.Dispose();
        _other.Dispose();
    }

    [Fact]
    public void A_chain_holds_when_a_root_stands_behind_it_with_or_without_an_intermediate()
    {
        using var middle = _root.Intermediate();
        Assert.Null(CertificateChain.Verify(Read(_root.Issue(["web"])), _root.Pem, TestAuthority.Now));
        Assert.Null(CertificateChain.Verify(Read(middle.Issue(["web"])), _root.Pem, TestAuthority.Now));
        Assert.Null(CertificateChain.Verify(Read(middle.Issue(["web"])), (byte[])[.. _other.Pem, (byte)'\n', .. _root.Pem], TestAuthority.Now));
    }

    [Fact]
    public void A_chain_of_another_root_or_without_its_intermediate_has_no_known_authority()
    {
        using var middle = _root.Intermediate();
        Assert.Equal(TlsFailureCause.UnknownAuthority, CauseOf(_other.Issue(["web"]), TestAuthority.Now));
        Assert.Equal(TlsFailureCause.UnknownAuthority, CertificateChain.Verify([Read(middle.Issue(["web"]))[0]], _root.Pem, TestAuthority.Now)?.Cause);
        // The same name and another key.
        using var namesake = new TestAuthority();
        Assert.Equal(TlsFailureCause.UnknownAuthority, CauseOf(namesake.Issue(["web"]), TestAuthority.Now));
    }

    [Theory]
    [InlineData(-2, TlsFailureCause.CertificateNotYetValid)]
    [InlineData(31, TlsFailureCause.CertificateExpired)]
    public void A_chain_holds_within_its_times_by_the_given_clock(int days, TlsFailureCause expected) =>
        Assert.Equal(expected, CauseOf(_root.Issue(["web"]), TestAuthority.Now.AddDays(days)));

    [Fact]
    public void Roots_that_are_no_certificates_stand_behind_nothing() =>
        Assert.Contains("no certificate in the PEM", CertificateChain.Verify(Read(_root.Issue(["web"])), "nonsense"u8.ToArray(), TestAuthority.Now)!.Text, StringComparison.Ordinal);

    [Fact]
    public void Traits_tell_authorities_from_leaves()
    {
        Assert.Equal(
            CertificateTraits.IsAuthority | CertificateTraits.MaySign | CertificateTraits.IsSelfIssued,
            TraitsOf(_root.Pem) & (CertificateTraits.IsAuthority | CertificateTraits.MaySign | CertificateTraits.IsSelfIssued));
        using var middle = _root.Intermediate();
        Assert.False(TraitsOf(middle.Pem).HasFlag(CertificateTraits.IsSelfIssued));
        var leaf = TraitsOf(Encoding.ASCII.GetBytes(_root.Issue(["web"]).ChainPem));
        Assert.False(leaf.HasFlag(CertificateTraits.IsAuthority));
        Assert.True(leaf.HasFlag(CertificateTraits.IsForClients | CertificateTraits.IsForServers));
    }

    [Theory]
    [InlineData("1.3.6.1.5.5.7.3.1", CertificateTraits.IsForServers)]
    [InlineData("1.3.6.1.5.5.7.3.2", CertificateTraits.IsForClients)]
    [InlineData("1.3.6.1.5.5.7.3.4", CertificateTraits.None)]
    public void Traits_tell_what_a_certificate_is_for(string purpose, CertificateTraits expected)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=one-sided", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], false));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        using var certificate = request.CreateSelfSigned(TestAuthority.Now, TestAuthority.Now.AddDays(1));
        var traits = CertificateChain.TraitsOf(TlsCertificate.TryDecode(certificate.RawData)!);
        Assert.Equal(expected, traits & (CertificateTraits.IsForServers | CertificateTraits.IsForClients));
        Assert.False(traits.HasFlag(CertificateTraits.MaySign));
    }

    [Fact]
    public void Octets_that_are_not_one_whole_certificate_are_none()
    {
        var der = _root.Issue(["web"]).Der;
        Assert.Equal(der, TlsCertificate.TryDecode(der)!.Der.ToArray());
        for (var i = 0; i < der.Length; i++) Assert.Null(TlsCertificate.TryDecode(der.AsSpan(0, i)));
        Assert.Null(TlsCertificate.TryDecode((byte[])[.. der, 0]));
        Assert.Null(TlsCertificate.TryDecode((byte[])[.. der, .. der]));
    }

    [Fact]
    public void Random_octets_are_no_certificate_and_never_an_exception()
    {
        var random = new Random(11);
        var der = _root.Issue(["spiffe://cluster.local/ns/shop/sa/web"]).Der;
        for (var round = 0; round < 5_000; round++)
        {
            var bytes = der.ToArray();
            for (var i = random.Next(1, 6); i > 0; i--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (TlsCertificate.TryDecode(bytes) is { } read) CertificateChain.TraitsOf(read);
        }
    }

    private TlsFailureCause? CauseOf(TestLeaf leaf, DateTimeOffset at) => CertificateChain.Verify(Read(leaf), _root.Pem, at)?.Cause;

    private static CertificateTraits TraitsOf(ReadOnlySpan<byte> pem) => CertificateChain.TraitsOf(TlsCertificate.TryReadAll(pem, out _)![0]);

    private static IReadOnlyList<TlsCertificate> Read(TestLeaf leaf) => TlsCertificate.TryReadAll(Encoding.ASCII.GetBytes(leaf.ChainPem), out _)!;
}
