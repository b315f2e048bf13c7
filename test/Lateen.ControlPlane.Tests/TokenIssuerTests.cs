using System.Security.Cryptography;
using Lateen.ControlPlane.Certificates.Callers;
using Lateen.Identity;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Lateen.ControlPlane.Tests;

public sealed class TokenIssuerTests
{
    private const string Issuer = "https://issuer.example";
    private static readonly DateTimeOffset Now = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);

    private readonly ECDsaSecurityKey _key = new(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = "one" };

    private string Jwks
    {
        get
        {
            var p = _key.ECDsa.ExportParameters(false).Q;
            return $$"""{"keys": [{"kty": "EC", "crv": "P-256", "kid": "one", "use": "sig", "x": "{{Base64UrlEncoder.Encode(p.X)}}", "y": "{{Base64UrlEncoder.Encode(p.Y)}}"}]}""";
        }
    }

    private JwtProof Proof(Func<TokenIssuer, TokenIssuer>? change = null)
    {
        var issuer = new TokenIssuer { Issuer = Issuer, Audiences = ["lateen-ca"], Jwks = Jwks };
        return new JwtProof(change is null ? issuer : change(issuer), TrustDomain.Default, new FakeTimeProvider(Now));
    }

    private string Token(string subject = "system:serviceaccount:shop:web", string audience = "lateen-ca", string issuer = Issuer, double minutes = 10, SecurityKey? key = null, Dictionary<string, object>? claims = null) =>
        new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = audience,
            Expires = Now.AddMinutes(minutes).UtcDateTime,
            Claims = new Dictionary<string, object>(claims ?? []) { ["sub"] = subject },
            SigningCredentials = new SigningCredentials(key ?? _key, key is SymmetricSecurityKey ? SecurityAlgorithms.HmacSha256 : SecurityAlgorithms.EcdsaSha256),
        });

    private static async Task<CallerVerdict?> Judge(JwtProof proof, string token) => await proof.JudgeAsync(new CallerCredentials(null, token), TestContext.Current.CancellationToken);

    [Fact]
    public async Task Subject_of_Kubernetes_form_and_claims_by_name_prove_a_workload()
    {
        var verdict = await Judge(Proof(), Token());
        Assert.Equal("spiffe://cluster.local/ns/shop/sa/web", verdict!.Caller!.Identity!.Uri);
        Assert.Equal($"token of {Issuer}", verdict.Caller.Method);

        var mapped = Proof(issuer => issuer with { NamespaceClaim = "team", ServiceAccountClaim = "app" });
        verdict = await Judge(mapped, Token(subject: "anything", claims: new() { ["team"] = "bank", ["app"] = "ledger" }));
        Assert.Equal("spiffe://cluster.local/ns/bank/sa/ledger", verdict!.Caller!.Identity!.Uri);
    }

    [Fact]
    public async Task Anything_but_a_good_token_of_the_issuer_for_this_audience_proves_nothing()
    {
        var other = new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = "one" };
        string good = Token();
        string[] parts = good.Split('.');
        string none = $"{Base64UrlEncoder.Encode("{\"alg\":\"none\"}")}.{parts[1]}.";
        string[] refused =
        [
            Token(audience: "somebody-else"), Token(minutes: -6), Token(key: other), Token(subject: "nobody"), Token(subject: "system:serviceaccount:shop:"),
            Token(subject: "system:serviceaccount:sh/op:web"), Token(key: new SymmetricSecurityKey(new byte[32])), none, $"{parts[0]}.{parts[1]}.{parts[2][..^4]}AAAA",
            $"{parts[0]}.{parts[1]}.",
        ];
        foreach (string token in refused)
        {
            var verdict = await Judge(Proof(), token);
            Assert.Null(verdict!.Caller);
            Assert.DoesNotContain(token, verdict.Reason, StringComparison.Ordinal);
        }

        string[] foreign = ["", ".", "..", "a.b.c", "...", Token(issuer: "https://evil.example"), $"{parts[0]}.{Base64UrlEncoder.Encode("[]")}.{parts[2]}"];
        foreach (string token in foreign) Assert.Null(await Judge(Proof(), token));
        Assert.NotNull((await Judge(Proof(), Token(minutes: -4)))!.Caller); // Five minutes are for clocks.
    }

    [Fact]
    public void Issuers_that_would_admit_too_much_are_refused_at_the_start()
    {
        Assert.Throws<FormatException>(() => Proof(issuer => issuer with { Audiences = [] }));
        Assert.Throws<FormatException>(() => Proof(issuer => issuer with { Jwks = "{\"keys\": []}" }));
        Assert.Throws<FormatException>(() => Proof(issuer => issuer with { Jwks = "nonsense" }));
        Assert.Throws<FormatException>(() => Proof(issuer => issuer with { Jwks = "{\"keys\": [{\"kty\": \"oct\", \"k\": \"AAAA\"}]}" }));
        Assert.Throws<FormatException>(() => Proof(issuer => issuer with { NamespaceClaim = "team" }));
    }
}
