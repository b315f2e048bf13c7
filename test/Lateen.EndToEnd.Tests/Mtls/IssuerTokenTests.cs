using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Lateen.EndToEnd.Tests.Mtls;

/// <summary>Workloads that prove themselves by a token of an issuer that the operator names with <c>lateen up --token-issuer</c>, as those of Kubernetes do.</summary>
public sealed class IssuerTokenTests : IDisposable
{
    private const string Issuer = "https://issuer.example";

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly string _folder = Directory.CreateTempSubdirectory("lateen-issuer-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _key.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact(Timeout = 120_000)]
    public async Task Sidecars_join_by_tokens_of_the_issuer_and_speak_mutual_tls()
    {
        string file = Path.Combine(_folder, "issuer.json");
        var point = _key.ExportParameters(includePrivateParameters: false).Q;
        await File.WriteAllTextAsync(file, $$$"""
            {
              "issuer": "{{{Issuer}}}", "audiences": ["lateen-ca"],
              "jwks": {"keys": [{"kty": "EC", "crv": "P-256", "kid": "one", "x": "{{{Base64Url.EncodeToString(point.X)}}}", "y": "{{{Base64Url.EncodeToString(point.Y)}}}"}]}
            }
            """, Cancel);

        await using var mesh = await MtlsMesh.StartAsync(Cancel, identities: new IdentityOptions(TokenOf: Token, Up: ["--token-issuer", file]));

        Assert.StartsWith("HTTP/1.1 200", await mesh.GetAsync(Cancel), StringComparison.Ordinal);
        Assert.True(mesh.Http.Tap.Conversations.Last().IsTls);
        string said = mesh.Mesh.ControlPlane.Output;
        foreach (string account in new[] { "web", "client" })
        {
            Assert.Contains(said.Split('\n'), line => line.Contains($"issued spiffe://cluster.local/ns/default/sa/{account} ", StringComparison.Ordinal)
                && line.Contains($"by token of {Issuer},", StringComparison.Ordinal));
            Assert.DoesNotContain(Token(account).Split('.')[1], said, StringComparison.Ordinal);
        }
    }

    /// <summary>A token as Kubernetes makes them, signed with ES256 (RFC 7515, RFC 7518 section 3.4).</summary>
    private string Token(string account)
    {
        long until = TimeProvider.System.GetUtcNow().AddHours(1).ToUnixTimeSeconds();
        string signed = Encoded("""{"alg": "ES256", "kid": "one", "typ": "JWT"}""")
            + "." + Encoded($$"""{"iss": "{{Issuer}}", "aud": "lateen-ca", "sub": "system:serviceaccount:default:{{account}}", "exp": {{until}}}""");
        return $"{signed}.{Base64Url.EncodeToString(_key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
    }

    private static string Encoded(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
