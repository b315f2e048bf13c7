using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lateen.Identity.Signing;

namespace Lateen.Identity.Tests;

public sealed class SigningAuthorityTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);
    private static readonly SpiffeId Web = SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/web");

    [Theory]
    [InlineData(KeyAlgorithm.EcdsaP256)]
    [InlineData(KeyAlgorithm.Rsa2048)]
    public void A_leaf_has_the_identity_alone_and_the_usages_of_Istios(KeyAlgorithm algorithm)
    {
        using var key = WorkloadKey.Create(algorithm);
        var certificate = Issue(Rooted(), key);
        var leaf = certificate.Leaf;

        Assert.Equal("", leaf.Subject);
        Assert.Equal(Web, certificate.Identity);
        Assert.Equal(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, leaf.Extensions.OfType<X509KeyUsageExtension>().Single().KeyUsages);
        Assert.Equal(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"], leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages.OfType<Oid>().Select(oid => oid.Value));
        Assert.False(leaf.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority);
        Assert.True(SubjectNames.TryRead(leaf.Extensions[SubjectNames.Oid]!.RawData, out var names));
        Assert.Equal([new SubjectName(6, Web.Uri)], names);
        Assert.Equal(Now + LeafLifetime.Default, certificate.NotAfter);
        Assert.True(key.Matches(leaf));
        Assert.Single(certificate.Chain);
    }

    [Fact]
    public void Serial_numbers_are_random_and_positive()
    {
        var authority = Rooted();
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        var serials = Enumerable.Range(0, 64).Select(_ => Issue(authority, key).SerialNumber).ToList();
        Assert.Equal(64, serials.Distinct().Count());
        Assert.All(serials, serial => Assert.True(serial.Length == 32 && serial[0] is >= '4' and <= '7', serial));
    }

    [Fact]
    public void A_leaf_ends_with_its_authority_and_an_expired_authority_signs_nothing()
    {
        var authority = Rooted();
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        var end = authority.Signer.NotAfter;
        Assert.Equal(end, Issue(authority, key, at: end - TimeSpan.FromHours(2)).NotAfter);
        Assert.False(authority.TryIssue(Requested(key), Web, null, LeafLifetime.Default, end, out _, out string? reason));
        Assert.Contains("expired", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_identity_of_another_trust_domain_is_not_signed()
    {
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        Assert.False(Rooted().TryIssue(Requested(key), SpiffeId.Parse("spiffe://evil.example/ns/shop/sa/web"), null, LeafLifetime.Default, Now, out _, out string? reason));
        Assert.Contains("another trust domain", reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 24 * 3600)]
    [InlineData(-5, 24 * 3600)]
    [InlineData(1, 60)]
    [InlineData(3600, 3600)]
    [InlineData(90 * 24 * 3600, 90 * 24 * 3600)]
    public void Lifetimes_are_taken_within_their_bounds(long asked, int given)
    {
        Assert.True(LeafLifetime.TryChoose(asked, out var lifetime, out _));
        Assert.Equal(TimeSpan.FromSeconds(given), lifetime);
    }

    [Theory]
    [InlineData(90 * 24 * 3600 + 1)]
    [InlineData(long.MaxValue)]
    public void A_lifetime_over_90_days_is_refused(long asked) => Assert.False(LeafLifetime.TryChoose(asked, out _, out _));

    [Theory]
    [InlineData(0, TrustFailure.None)]
    [InlineData(-5 * 60, TrustFailure.None)]
    [InlineData(-10 * 60, TrustFailure.None)]
    [InlineData(-12 * 60, TrustFailure.NotYetValid)]
    [InlineData(24 * 3600 - 1, TrustFailure.None)]
    [InlineData(24 * 3600 + 1, TrustFailure.Expired)]
    public void A_leaf_is_believed_from_before_its_signing_until_its_end(int seconds, TrustFailure failure)
    {
        var authority = Rooted();
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        var certificate = Issue(authority, key);
        Assert.Equal(failure, authority.Bundle.Verify(certificate, Now.AddSeconds(seconds)).Failure);
    }

    [Fact]
    public void Leaves_of_strangers_foreign_domains_and_authorities_shown_as_leaves_are_not_believed()
    {
        var ours = Rooted();
        var theirs = Rooted();
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        Assert.Equal(TrustFailure.UnknownAuthority, ours.Bundle.Verify(Issue(theirs, key), Now).Failure);

        var foreign = Rooted("other.example");
        Assert.True(foreign.TryIssue(Requested(key), SpiffeId.Parse("spiffe://other.example/ns/shop/sa/web"), null, LeafLifetime.Default, Now, out var certificate, out _));
        Assert.Equal(TrustFailure.ForeignTrustDomain, ours.Bundle.Verify(certificate, Now).Failure);

        // A certificate that a leaf signed with its own key.
        var middle = Issue(ours, key);
        using var leafKey = ECDsa.Create();
        leafKey.ImportFromPem(key.ExportPrivateKeyPem());
        var request = new CertificateRequest(new X500DistinguishedName([0x30, 0x00]), ECDsa.Create(), HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(SubjectNames.Only(SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/admin")));
        var forged = request.Create(middle.Leaf.SubjectName, X509SignatureGenerator.CreateForECDsa(leafKey), Now.AddMinutes(-1), Now.AddHours(1), [1]);
        Assert.True(WorkloadCertificate.TryCreate([forged, middle.Leaf], out var chain, out _));
        Assert.False(ours.Bundle.Verify(chain, Now).IsTrusted);
    }

    [Fact]
    public void Names_for_clients_that_check_hosts_stand_beside_the_identity()
    {
        var authority = Rooted();
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        Assert.True(authority.TryIssue(Requested(key), Web, new ServerNames(["localhost"], [IPAddress.Loopback]), LeafLifetime.Default, Now, out var certificate, out _));
        Assert.True(certificate.Leaf.MatchesHostname("localhost"));
        Assert.True(certificate.Leaf.MatchesHostname("127.0.0.1"));
        Assert.True(authority.Bundle.Verify(certificate, Now).IsTrusted);
    }

    [Fact]
    public void An_intermediate_with_its_chain_signs_what_the_root_alone_is_needed_to_believe()
    {
        using var root = SigningAuthority.CreateRoot(TrustDomain.Default, Now);
        using var middle = SigningAuthority.CreateRoot(TrustDomain.Default, Now);
        string middlePem = root.CrossSign(middle, Now).ExportCertificatePem();
        string rootPem = root.Certificate.ExportCertificatePem();

        Assert.True(SigningAuthority.TryLoad(middlePem, middle.ExportPrivateKeyPem(), middlePem + "\n" + rootPem, out var authority, out string? reason), reason);
        Assert.True(TrustBundle.TryRead(TrustDomain.Default, rootPem, out var bundle, out _));
        var snapshot = new SigningSnapshot(authority, bundle);

        Assert.Null(snapshot.Fault(Now));
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        var certificate = Issue(snapshot, key);
        Assert.Equal(2, certificate.Chain.Length);
        Assert.True(bundle.Verify(certificate, Now).IsTrusted);
    }

    [Fact]
    public void An_authority_whose_parts_do_not_belong_together_is_not_loaded()
    {
        using var one = SigningAuthority.CreateRoot(TrustDomain.Default, Now);
        using var other = SigningAuthority.CreateRoot(TrustDomain.Default, Now);
        using var rsa = RSA.Create(2048);
        string certificate = one.Certificate.ExportCertificatePem();
        (string? Certificate, string? Key, string? Chain)[] wrong =
        [
            (certificate, other.ExportPrivateKeyPem(), null), (certificate, rsa.ExportPkcs8PrivateKeyPem(), null), (certificate, "", null), (certificate, null, null),
            (certificate, certificate, null), (null, one.ExportPrivateKeyPem(), null), (certificate, one.ExportPrivateKeyPem(), "-----BEGIN CERTIFICATE-----"),
            (certificate, one.ExportPrivateKeyPem(), one.ExportPrivateKeyPem()), (certificate + "\n" + certificate, one.ExportPrivateKeyPem(), null),
        ];
        Assert.All(wrong, parts =>
        {
            Assert.False(SigningAuthority.TryLoad(parts.Certificate, parts.Key, parts.Chain, out _, out string? reason));
            Assert.DoesNotContain("BEGIN", reason, StringComparison.Ordinal);
        });

        // A workload's certificate signs nothing.
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        Assert.False(SigningAuthority.TryLoad(Issue(Rooted(), key).Leaf.ExportCertificatePem(), key.ExportPrivateKeyPem(), null, out _, out _));
        Assert.False(TrustBundle.TryRead(TrustDomain.Default, Issue(Rooted(), key).ToPem(), out _, out _));
    }

    [Fact]
    public void A_bundle_of_more_than_16_roots_is_refused()
    {
        var roots = Enumerable.Range(0, TrustBundle.MaxRoots + 1).Select(_ => SigningAuthority.CreateRoot(TrustDomain.Default, Now).Certificate.ExportCertificatePem()).ToArray();
        Assert.True(TrustBundle.TryRead(TrustDomain.Default, string.Join('\n', roots[1..]), out _, out _));
        Assert.False(TrustBundle.TryRead(TrustDomain.Default, string.Join('\n', roots), out _, out _));
    }

    internal static SigningSnapshot Rooted(string trustDomain = "cluster.local")
    {
        var root = SigningAuthority.CreateRoot(TrustDomain.Parse(trustDomain), Now);
        return TrustBundle.TryCreate([TrustDomain.Parse(trustDomain)], [root.Certificate], out var bundle, out string? reason)
            ? new SigningSnapshot(root, bundle)
            : throw new InvalidOperationException(reason);
    }

    private static PublicKey Requested(WorkloadKey key) => SigningRequest.TryRead(key.CreateRequest(Web), out var request, out string? reason)
        ? request.PublicKey
        : throw new InvalidOperationException(reason);

    private static WorkloadCertificate Issue(SigningSnapshot authority, WorkloadKey key, DateTimeOffset? at = null) =>
        authority.TryIssue(Requested(key), Web, null, LeafLifetime.Default, at ?? Now, out var certificate, out string? reason)
            ? certificate
            : throw new InvalidOperationException(reason);
}
