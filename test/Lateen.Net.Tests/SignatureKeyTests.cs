using System.Buffers.Text;
using System.Security.Cryptography;
using Lateen.Net.Signatures;

namespace Lateen.Net.Tests;

public sealed class SignatureKeyTests
{
    [Fact]
    public void Rfc8037_A_4_the_example_of_ed25519_is_verified_and_nothing_near_it()
    {
        var key = SignatureKey.TryCreateEd25519(Base64Url.DecodeFromChars("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"), out _);
        var content = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"u8.ToArray();
        var signature = Base64Url.DecodeFromChars("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");

        Assert.True(key!.Verify(SignatureAlgorithm.EdDsa, content, signature));
        Assert.False(key.Verify(SignatureAlgorithm.EdDsa, content.AsSpan(1), signature));
        Assert.False(key.Verify(SignatureAlgorithm.EdDsa, content, signature.AsSpan(0, 63)));
        Assert.False(key.Verify(SignatureAlgorithm.Es256, content, signature));
    }

    [Theory]
    [InlineData(SignatureAlgorithm.Es256, SignatureKeyKind.P256)]
    [InlineData(SignatureAlgorithm.Es384, SignatureKeyKind.P384)]
    [InlineData(SignatureAlgorithm.Es512, SignatureKeyKind.P521)]
    public void Signatures_on_curves_are_two_numbers_of_fixed_length_whatever_their_leading_zeros(SignatureAlgorithm algorithm, SignatureKeyKind kind)
    {
        using var signer = ECDsa.Create(kind switch
        {
            SignatureKeyKind.P256 => ECCurve.NamedCurves.nistP256,
            SignatureKeyKind.P384 => ECCurve.NamedCurves.nistP384,
            _ => ECCurve.NamedCurves.nistP521,
        });
        var hash = kind switch { SignatureKeyKind.P256 => HashAlgorithmName.SHA256, SignatureKeyKind.P384 => HashAlgorithmName.SHA384, _ => HashAlgorithmName.SHA512 };
        var point = signer.ExportParameters(false).Q;
        var key = SignatureKey.TryCreateCurve(kind, point.X, point.Y, out _);
        // Of a few hundred signatures some have an r or s with leading zeros, and some with the highest bit set.
        for (var i = 0; i < 400; i++)
        {
            var content = BitConverter.GetBytes(i);
            var signature = signer.SignData(content, hash);
            Assert.True(key!.Verify(algorithm, content, signature));
            signature[^1] ^= 1;
            Assert.False(key.Verify(algorithm, content, signature));
        }

        Assert.False(key!.Verify(algorithm, [1], new byte[signer.SignData([1], hash).Length]));
        Assert.False(key.Verify(algorithm, [1], signer.SignData([1], hash, DSASignatureFormat.Rfc3279DerSequence)));
        Assert.False(key.Verify(SignatureAlgorithm.EdDsa, [1], signer.SignData([1], hash)));
    }

    [Fact]
    public void Rsa_verifies_by_both_paddings_and_takes_neither_for_the_other()
    {
        using var signer = RSA.Create(2048);
        var numbers = signer.ExportParameters(false);
        var key = SignatureKey.TryCreateRsa(numbers.Modulus, numbers.Exponent, out _);
        var content = "content"u8.ToArray();
        var plain = signer.SignData(content, HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1);
        var pss = signer.SignData(content, HashAlgorithmName.SHA384, RSASignaturePadding.Pss);

        Assert.True(key!.Verify(SignatureAlgorithm.Rs384, content, plain));
        Assert.True(key.Verify(SignatureAlgorithm.Ps384, content, pss));
        Assert.False(key.Verify(SignatureAlgorithm.Ps384, content, plain));
        Assert.False(key.Verify(SignatureAlgorithm.Rs384, content, pss));
        Assert.False(key.Verify(SignatureAlgorithm.Rs256, content, plain));
        Assert.False(key.Verify(SignatureAlgorithm.Rs384, content, []));
        Assert.False(key.Verify(SignatureAlgorithm.Rs384, content, [0, .. plain]));
    }

    [Fact]
    public async Task One_key_verifies_on_many_threads_at_once()
    {
        using var signer = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var point = signer.ExportParameters(false).Q;
        var key = SignatureKey.TryCreateCurve(SignatureKeyKind.P256, point.X, point.Y, out _)!;
        var content = "content"u8.ToArray();
        var signature = signer.SignData(content, HashAlgorithmName.SHA256);

        await Parallel.ForEachAsync(Enumerable.Range(0, 2000), TestContext.Current.CancellationToken, (_, _) =>
        {
            Assert.True(key.Verify(SignatureAlgorithm.Es256, content, signature));
            return ValueTask.CompletedTask;
        });
    }

    [Fact]
    public void Keys_that_are_none_are_refused_with_the_reason()
    {
        Assert.Null(SignatureKey.TryCreateRsa(new byte[300], [1, 0, 1], out var empty));
        Assert.Equal("an RSA key has 2048 to 8192 bits, this one 0", empty);
        var even = new byte[256];
        even[0] = 0x80;
        Assert.Null(SignatureKey.TryCreateRsa(even, [1, 0, 1], out var problem));
        Assert.Equal("an RSA key has an odd modulus and an odd exponent of 3 to 2^64", problem);
        even[255] = 1;
        Assert.Null(SignatureKey.TryCreateRsa(even, [1], out _));
        Assert.Null(SignatureKey.TryCreateRsa(even, [], out _));
        Assert.Null(SignatureKey.TryCreateCurve(SignatureKeyKind.P256, new byte[32], new byte[32], out var point));
        Assert.StartsWith("OpenSSL refuses the key", point, StringComparison.Ordinal);
        Assert.Null(SignatureKey.TryCreateEd25519(new byte[31], out _));
    }
}
