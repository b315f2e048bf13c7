using System.Net;
using Lateen.Proxy.Tests.Harness;
using Lateen.Testing;
using static Lateen.Proxy.Tests.Tls.TlsYaml;

namespace Lateen.Proxy.Tests.Tls;

/// <summary>The shipped proxy as TLS server and client, against curl and OpenSSL's s_client: what they see, what is logged, what is counted.</summary>
public sealed class RealPeerTests : IAsyncDisposable
{
    private const string Format =
        "%REQUESTED_SERVER_NAME%|%DOWNSTREAM_TLS_VERSION%|%DOWNSTREAM_TLS_CIPHER%|%DOWNSTREAM_PEER_SUBJECT%|%DOWNSTREAM_PEER_URI_SAN%|%DOWNSTREAM_LOCAL_DNS_SAN%|" +
        "%DOWNSTREAM_PEER_CERT_V_END(%Y)%|%DOWNSTREAM_TRANSPORT_FAILURE_REASON%\\n";

    private readonly TestAuthority _authority = new();
    private readonly TemporaryFolder _folder = new();
    private ProgramUnderTest? _proxy;
    private IPEndPoint _address = new(IPAddress.None, 0);
    private IPEndPoint _admin = new(IPAddress.None, 0);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (_proxy is not null) await _proxy.DisposeAsync();
        _folder.Dispose();
        _authority.Dispose();
    }

    [Fact]
    public async Task Curl_with_a_client_certificate_is_served_and_its_identity_logged()
    {
        await StartMutualAsync();
        var (code, output) = await CurlAsync(_authority.Issue(["spiffe://cluster.local/ns/a/sa/b"]));
        Assert.True(code == 0, output);
        Assert.Equal("hello", output);
        var line = (await LogAsync()).Split('|');
        Assert.Equal("a.test", line[0]);
        Assert.StartsWith("TLSv1.", line[1]);
        Assert.NotEqual("-", line[2]);
        Assert.Equal("spiffe://cluster.local/ns/a/sa/b", line[4]);
        Assert.Equal("a.test", line[5]);
        Assert.Equal(4, line[6].Length);
        Assert.Equal("-", line[7]);
        Assert.Equal(line, (await LogAsync("requests.log")).Split('|'));
        Assert.Equal(1, await StatAsync("ssl.handshake"));
        Assert.Equal(0, await StatAsync("ssl.no_certificate"));
    }

    [Theory]
    [InlineData("none", "ssl.fail_verify_no_cert")]
    [InlineData("expired", "ssl.fail_verify_error")]
    [InlineData("foreign", "ssl.fail_verify_error")]
    [InlineData("other name", "ssl.fail_verify_san")]
    public async Task Client_that_is_not_let_in_is_logged_with_the_cause_and_counted(string kind, string counter)
    {
        await StartMutualAsync();
        using var foreign = new TestAuthority("Foreign Root");
        var certificate = kind switch
        {
            "none" => null,
            "expired" => _authority.Issue(["spiffe://cluster.local/ns/a/sa/b"], validToDays: -1),
            "foreign" => foreign.Issue(["spiffe://cluster.local/ns/a/sa/b"]),
            _ => _authority.Issue(["spiffe://elsewhere/ns/a/sa/b"]),
        };
        var (code, _) = await CurlAsync(certificate);
        Assert.NotEqual(0, code);
        var reason = (await LogAsync()).Split('|')[7];
        Assert.StartsWith("TLS_error:", reason);
        Assert.Equal(1, await StatAsync(counter));
        Assert.Equal(0, await StatAsync("ssl.handshake"));
        TestContext.Current.TestOutputHelper?.WriteLine(reason);
    }

    [Fact]
    public async Task Client_whose_certificate_was_revoked_is_refused_with_the_cause_in_the_log()
    {
        var good = _authority.Issue(["spiffe://cluster.local/ns/a/sa/b"]);
        var revoked = _authority.Issue(["spiffe://cluster.local/ns/a/sa/b"]);
        await StartMutualAsync($"crl: {{inline_string: {Quoted(_authority.RevocationList(revoked))}}}, ");

        var (code, output) = await CurlAsync(good);
        Assert.True(code == 0, output);
        (code, _) = await CurlAsync(revoked);
        Assert.NotEqual(0, code);

        Assert.Equal("-", (await LogAsync()).Split('|')[7]);
        Assert.Contains("certificate revoked", (await LogAsync(line: 1)).Split('|')[7], StringComparison.OrdinalIgnoreCase);
        Assert.Equal(1, await StatAsync("ssl.handshake"));
        Assert.Equal(1, await StatAsync("ssl.fail_verify_error"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_revocation_list_for_leaves_alone_is_enough_where_the_configuration_says_so(bool isLeafOnly)
    {
        using var intermediate = _authority.Intermediate("Middle");
        var revoked = intermediate.Issue(["spiffe://cluster.local/ns/a/sa/b"]);
        await StartMutualAsync(
            $"crl: {{inline_string: {Quoted(intermediate.RevocationList(revoked))}}}, only_verify_leaf_cert_crl: {(isLeafOnly ? "true" : "false")}, ");

        Assert.Equal(isLeafOnly, (await CurlAsync(intermediate.Issue(["spiffe://cluster.local/ns/a/sa/b"]))).ExitCode == 0);
        Assert.NotEqual(0, (await CurlAsync(revoked)).ExitCode);
    }

    [Fact]
    public async Task Suites_and_curves_are_those_of_the_configuration_and_no_others()
    {
        await StartAsync(
            "common_tls_context: {tls_params: {tls_maximum_protocol_version: TLSv1_2, cipher_suites: [ECDHE-ECDSA-AES256-GCM-SHA384], ecdh_curves: [P-384]}, "
            + $"tls_certificates: [{Inline(_authority.Issue(["a.test"]))}]}}");

        var agreed = await OpenSslAsync();
        Assert.Contains("Cipher is ECDHE-ECDSA-AES256-GCM-SHA384", agreed, StringComparison.Ordinal);
        Assert.Contains("secp384r1", agreed, StringComparison.Ordinal);
        Assert.Contains("alert handshake failure", await OpenSslAsync("-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"), StringComparison.Ordinal);
        Assert.Contains("alert handshake failure", await OpenSslAsync("-curves", "P-256"), StringComparison.Ordinal);

        for (var line = 1; line <= 2; line++)
            Assert.Contains("no cipher suite in common", (await LogAsync(line: line)).Split('|')[7].Replace('_', ' '), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plain_HTTP_on_a_TLS_port_is_logged_as_such()
    {
        await StartMutualAsync();
        var (_, _) = await ProgramUnderTest.RunAsync("curl", ["-s", "--max-time", "10", $"http://127.0.0.1:{_address.Port}/"], Cancel);
        Assert.StartsWith("TLS_error:", (await LogAsync()).Split('|')[7]);
        Assert.Equal(1, await StatAsync("ssl.connection_error"));
    }

    [Fact]
    public async Task OpenSSL_agrees_on_the_protocol_and_resumes_its_session_over_a_new_certificate()
    {
        var files = WriteFiles(_authority.Issue(["a.test"]));
        await StartAsync($"common_tls_context: {{tls_certificates: [{files}], alpn_protocols: [http/1.1]}}");
        var session = _folder.PathOf("session.pem");
        Assert.Contains("ALPN protocol: http/1.1", await OpenSslAsync("-tls1_2", "-sess_out", session));
        var replacement = _authority.Issue(["a.test"]);
        WriteFiles(replacement);
        while (true)
        {
            var seen = await OpenSslAsync("-tls1_2", "-showcerts");
            if (seen.Contains(replacement.Chain.Trim(), StringComparison.Ordinal)) break;
        }

        // The ticket was sealed before the swap.
        Assert.Contains("Reused, TLSv1.2", await OpenSslAsync("-tls1_2", "-sess_in", session));
        Assert.True(await StatAsync("ssl.session_reused") > 0);
    }

    [Fact]
    public async Task Certificates_in_use_are_on_the_admin_page_without_keys()
    {
        var certificate = _authority.Issue(["a.test"]);
        await StartAsync($"common_tls_context: {{tls_certificates: [{WriteFiles(certificate)}], validation_context: {{trusted_ca: {{inline_string: {Quoted(_authority.Pem)}}}}}}}");
        var page = (await RawClient.ExchangeAsync(_admin, "GET /certs HTTP/1.1\r\nHost: localhost\r\n\r\n")).Body;
        Assert.Contains($"\"serial_number\": \"{certificate.Serial}\"", page);
        Assert.Contains($"\"path\": \"{_folder.PathOf("tls.crt")}\"", page);
        Assert.Contains("ca_cert", page);
        Assert.Contains("\"days_until_expiration\": \"4\"", page);
        var dump = (await RawClient.ExchangeAsync(_admin, "GET /config_dump HTTP/1.1\r\nHost: localhost\r\n\r\n")).Body;
        Assert.DoesNotContain("PRIVATE KEY", dump);
        var stats = (await RawClient.ExchangeAsync(_admin, "GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n")).Body;
        Assert.Contains("server.days_until_first_cert_expiring: 4", stats);
    }

    /// <param name="more">Fields of the validation context, each with a comma behind it.</param>
    private Task StartMutualAsync(string more = "") => StartAsync(
        $"require_client_certificate: true, common_tls_context: {{tls_certificates: [{Inline(_authority.Issue(["a.test"]))}], validation_context: " +
        $"{{{more}trusted_ca: {{inline_string: {Quoted(_authority.Pem)}}}, match_typed_subject_alt_names: [{{san_type: URI, matcher: {{prefix: 'spiffe://cluster.local/'}}}}]}}}}");

    private async Task StartAsync(string context)
    {
        if (!File.Exists("/usr/bin/curl") || !File.Exists("/usr/bin/openssl")) Assert.Skip("curl and openssl are not both in /usr/bin; install the packages of these names");
        var type = "\"@type\": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";
        string Log(string name) =>
            $"access_log: [{{name: file, typed_config: {{{type}, path: {_folder.PathOf(name)}, log_format: {{text_format_source: {{inline_string: \"{Format}\"}}}}}}}}]";
        var config = _folder.Write(
            "envoy.yaml",
            "admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}\nstatic_resources:\n  listeners:\n  - "
            + Routing.Routes.Indent(Listener("main", 0, DownstreamContext(context), Log("access.log"), Log("requests.log")), 4).TrimStart());
        var adminPath = _folder.PathOf("admin.txt");
        _proxy = ProgramUnderTest.Start("proxy", Programs.Proxy, ["-c", config, "--concurrency", "1", "--admin-address-path", adminPath, "--drain-time-s", "1"]);
        var line = await _proxy.WaitForLineAsync("listener 'main' listens on", Cancel);
        _address = IPEndPoint.Parse(line[(line.LastIndexOf(' ') + 1)..]);
        await _proxy.WaitForLineAsync("serving", Cancel);
        _admin = IPEndPoint.Parse(await File.ReadAllTextAsync(adminPath, Cancel));
    }

    private Task<(int ExitCode, string Output)> CurlAsync(TestCertificate? certificate)
    {
        var root = _folder.Write("root.pem", _authority.Pem);
        List<string> arguments = ["-s", "--max-time", "10", "--cacert", root, "--resolve", $"a.test:{_address.Port}:127.0.0.1", $"https://a.test:{_address.Port}/"];
        if (certificate is not null)
            arguments.AddRange(["--cert", _folder.Write("client.crt", certificate.Chain), "--key", _folder.Write("client.key", certificate.Key)]);
        return ProgramUnderTest.RunAsync("curl", [.. arguments], Cancel);
    }

    private async Task<string> OpenSslAsync(params string[] more)
    {
        // Without input it would end before a ticket came; -ign_eof waits for the server, whom Connection: close ends.
        string[] arguments = ["-c", $"printf 'GET / HTTP/1.1\\r\\nHost: a.test\\r\\nConnection: close\\r\\n\\r\\n' | openssl s_client -connect 127.0.0.1:{_address.Port} -servername a.test -alpn h2,http/1.1 -ign_eof {string.Join(' ', more)} 2>&1"];
        return (await ProgramUnderTest.RunAsync("sh", arguments, Cancel)).Output;
    }

    private string WriteFiles(TestCertificate certificate)
    {
        _folder.Write("tls.crt", certificate.Chain);
        _folder.Write("tls.key", certificate.Key);
        return $"{{certificate_chain: {{filename: {_folder.PathOf("tls.crt")}}}, private_key: {{filename: {_folder.PathOf("tls.key")}}}}}";
    }

    /// <summary>A line of the log, once it is there: it is written when the connection ends, by another thread.</summary>
    private async Task<string> LogAsync(string name = "access.log", int line = 0)
    {
        var path = _folder.PathOf(name);
        while (true)
        {
            if (File.Exists(path) && await File.ReadAllTextAsync(path, Cancel) is { Length: > 0 } text && text.EndsWith('\n') && text.Split('\n') is var lines && lines.Length > line + 1)
                return lines[line];

            await Task.Yield();
        }
    }

    private async Task<long> StatAsync(string name)
    {
        var text = (await RawClient.ExchangeAsync(_admin, "GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n")).Body;
        var line = text.Split('\n').FirstOrDefault(line => line.StartsWith("listener.", StringComparison.Ordinal) && line.Contains($".{name}: ", StringComparison.Ordinal));
        return line is null ? -1 : long.Parse(line[(line.IndexOf(": ", StringComparison.Ordinal) + 2)..], System.Globalization.CultureInfo.InvariantCulture);
    }
}
