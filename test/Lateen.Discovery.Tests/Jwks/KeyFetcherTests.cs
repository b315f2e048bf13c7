using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lateen.Discovery.Jwks;
using Lateen.Model.Security;

namespace Lateen.Discovery.Tests.Jwks;

public sealed class KeyFetcherTests : IAsyncLifetime
{
    private const string Keys = """{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"AA","y":"AA"}]}""";

    private static readonly JwksOptions Local = new() { AllowedNetworks = [IPNetwork.Parse("127.0.0.0/8")], AllowHttp = true };

    private readonly KeyServer _server = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static async Task<KeyFetch> FetchAsync(string uri, JwksOptions options, bool isIssuer = false, TimeSpan? timeout = null)
    {
        using var fetcher = new KeyFetcher(options, TimeProvider.System);
        return await fetcher.FetchAsync(new KeySource(uri, isIssuer), timeout ?? TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Keys_are_fetched_by_their_url()
    {
        _server.Serve("/keys", Keys);
        var fetched = await FetchAsync(_server.Url("/keys"), Local);
        Assert.Null(fetched.Failure);
        Assert.Equal(Keys, fetched.Keys!.Text);
    }

    [Fact]
    public async Task Private_members_do_not_come_through()
    {
        _server.Serve("/keys", """{"keys":[{"kty":"EC","kid":"a","d":"secret"}]}""");
        Assert.Equal("""{"keys":[{"kty":"EC","kid":"a"}]}""", (await FetchAsync(_server.Url("/keys"), Local)).Keys!.Text);
    }

    [Fact]
    public async Task Keys_are_found_by_the_issuers_openid_configuration()
    {
        string issuer = _server.Url("/realm");
        _server.Serve("/realm/.well-known/openid-configuration", $$"""{"issuer": "{{issuer}}", "jwks_uri": "{{_server.Url("/realm/keys")}}"}""");
        _server.Serve("/realm/keys", Keys);
        Assert.Equal(Keys, (await FetchAsync(issuer, Local, isIssuer: true)).Keys?.Text);
    }

    [Fact]
    public async Task A_configuration_of_another_issuer_is_refused()
    {
        _server.Serve("/.well-known/openid-configuration", $$"""{"issuer": "https://other.example.org", "jwks_uri": "{{_server.Url("/keys")}}"}""");
        _server.Serve("/keys", Keys);
        var fetched = await FetchAsync(_server.Url(""), Local, isIssuer: true);
        Assert.Null(fetched.Keys);
        Assert.Contains("another issuer", fetched.Failure, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("nothing")]
    [InlineData("""{"jwks_uri": 1}""")]
    public async Task A_configuration_that_names_no_keys_is_a_failure(string configuration)
    {
        _server.Serve("/.well-known/openid-configuration", configuration);
        Assert.StartsWith("OpenID configuration:", (await FetchAsync(_server.Url(""), Local, isIssuer: true)).Failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_that_the_operator_did_not_allow_is_not_connected_to()
    {
        _server.Serve("/keys", Keys);
        foreach (string host in (string[])["127.0.0.1", "localhost"])
        {
            var fetched = await FetchAsync(_server.Url("/keys", host), new JwksOptions { AllowHttp = true });
            Assert.Contains("not on the public Internet", fetched.Failure, StringComparison.Ordinal);
        }

        Assert.Equal(0, _server.Unread);
    }

    [Fact]
    public async Task A_redirect_is_followed_and_judged_as_a_first_address_is()
    {
        await using var elsewhere = new KeyServer();
        elsewhere.Serve("/keys", Keys);
        _server.Redirect("/moved", "/again");
        _server.Redirect("/again", elsewhere.Url("/keys"));
        Assert.Equal(Keys, (await FetchAsync(_server.Url("/moved"), Local)).Keys?.Text);

        _server.Redirect("/inside", elsewhere.Url("/keys", "127.0.0.2"));
        var onlyOne = Local with { AllowedNetworks = [IPNetwork.Parse("127.0.0.1/32")] };
        Assert.Contains("not on the public Internet", (await FetchAsync(_server.Url("/inside"), onlyOne)).Failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Redirects_are_bounded()
    {
        _server.Redirect("/loop", "/loop");
        Assert.Contains("redirects more than", (await FetchAsync(_server.Url("/loop"), Local)).Failure, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://127.0.0.1/keys")]
    [InlineData("gopher://127.0.0.1/")]
    public async Task A_redirect_to_another_scheme_is_refused(string location)
    {
        _server.Redirect("/moved", location);
        Assert.Contains("neither https nor http", (await FetchAsync(_server.Url("/moved"), Local)).Failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Http_is_refused_unless_the_operator_allows_it()
    {
        _server.Serve("/keys", Keys);
        Assert.Contains("is not https", (await FetchAsync(_server.Url("/keys"), Local with { AllowHttp = false })).Failure, StringComparison.Ordinal);
        Assert.Equal(0, _server.Unread);
    }

    [Fact]
    public async Task A_body_over_the_bound_is_refused_with_and_without_a_length()
    {
        string body = new(' ', JsonWebKeySet.MaxBytes + 1);
        _server.Serve("/long", body);
        Assert.Contains("more than", (await FetchAsync(_server.Url("/long"), Local)).Failure, StringComparison.Ordinal);
        _server.Answer("/endless", () => $"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}");
        Assert.Contains("more than", (await FetchAsync(_server.Url("/endless"), Local)).Failure, StringComparison.Ordinal);
        _server.Serve("/fits", Keys + new string(' ', JsonWebKeySet.MaxBytes - Keys.Length));
        Assert.NotNull((await FetchAsync(_server.Url("/fits"), Local)).Keys);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_given_up()
    {
        _server.Answer("/keys", () => null);
        Assert.Contains("no answer within", (await FetchAsync(_server.Url("/keys"), Local, timeout: TimeSpan.FromMilliseconds(50))).Failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_status_and_another_content_are_failures()
    {
        Assert.Contains("answered 404", (await FetchAsync(_server.Url("/none"), Local)).Failure, StringComparison.Ordinal);
        _server.Serve("/page", "<html>");
        Assert.Contains("not a key set", (await FetchAsync(_server.Url("/page"), Local)).Failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Https_does_not_become_http_on_the_way_even_where_http_is_allowed()
    {
        using var certificate = CertificateOf("localhost");
        await using var server = new KeyServer(certificate);
        _server.Serve("/keys", Keys);
        server.Serve("/keys", Keys);
        server.Redirect("/down", _server.Url("/keys"));
        server.Redirect("/again", server.Url("/keys", "localhost"));
        server.Serve("/.well-known/openid-configuration", $$"""{"issuer": "{{server.Url("", "localhost")}}", "jwks_uri": "{{_server.Url("/keys")}}"}""");
        var trusting = Local with { ExtraRoots = [X509CertificateLoader.LoadCertificate(certificate.RawData)] };

        Assert.NotNull((await FetchAsync(server.Url("/again", "localhost"), trusting)).Keys);
        Assert.Contains("which is not https", (await FetchAsync(server.Url("/down", "localhost"), trusting)).Failure, StringComparison.Ordinal);
        Assert.Contains("is not https", (await FetchAsync(server.Url("", "localhost"), trusting, isIssuer: true)).Failure, StringComparison.Ordinal);
        Assert.Equal(0, _server.Unread);
    }

    [Fact]
    public async Task Tls_is_verified_and_roots_of_the_operators_own_are_believed()
    {
        using var certificate = CertificateOf("localhost");
        await using var server = new KeyServer(certificate);
        server.Serve("/keys", Keys);
        var strict = Local with { AllowHttp = false };
        Assert.NotNull((await FetchAsync(server.Url("/keys", "localhost"), strict)).Failure);

        var trusting = strict with { ExtraRoots = [X509CertificateLoader.LoadCertificate(certificate.RawData)] };
        Assert.Equal(Keys, (await FetchAsync(server.Url("/keys", "localhost"), trusting)).Keys?.Text);
        // The name counts all the same.
        Assert.NotNull((await FetchAsync(server.Url("/keys", "127.0.0.1"), trusting)).Failure);
    }

    private static X509Certificate2 CertificateOf(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=issuer", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }
}
