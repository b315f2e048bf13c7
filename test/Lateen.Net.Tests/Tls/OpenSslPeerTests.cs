using System.Net;
using System.Text;
using Lateen.Net.Tls;

namespace Lateen.Net.Tests.Tls;

/// <summary>Against the openssl program, which we did not write: both sides of each.</summary>
public sealed class OpenSslPeerTests : IDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("lateen-tls-").FullName;

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task Client_of_openssl_is_served_and_verifies_us(string version)
    {
        await using var server = new EchoServer(Options());
        await using var client = OpenSslPeer.Start(
            "s_client", "-connect", server.Address, "-CAfile", Save("ca.pem", _authority.Pem), "-verify_return_error", "-verify_hostname", "a.example",
            "-servername", "a.example", "-alpn", "h2,http/1.1", version);
        await client.Say("Verify return code: 0 (ok)");
        await client.Say("ALPN protocol: h2");
        await client.Type("hello from openssl");
        await client.Say("hello from openssl");
        Assert.Equal("a.example", server.Last.Session.ServerName);
        Assert.Equal(version == "-tls1_2" ? TlsVersion.Tls12 : TlsVersion.Tls13, server.Last.Session.Version);
        // Ends in good order both ways.
        client.EndInput();
        await client.Exit();
        Assert.Equal(IoStatus.EndOfStream, await server.Ended.Task.WaitAsync(TestReactor.Patience, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Key_updates_of_the_client_asked_back_or_not_disturb_nothing()
    {
        await using var server = new EchoServer(Options());
        await using var client = OpenSslPeer.Start("s_client", "-connect", server.Address, "-tls1_3");
        await client.Say("Verify return code");
        for (var i = 0; i < 3; i++)
        {
            await UpdateKey(client, "K");
            await client.Type($"after update {i}");
            await client.Say($"after update {i}");
            await UpdateKey(client, "k");
            await client.Type($"and one way {i}");
            await client.Say($"and one way {i}");
        }
    }

    private static async Task UpdateKey(OpenSslPeer client, string command)
    {
        var from = client.Output.Length;
        await client.Type(command);
        await client.Say("KEYUPDATE", from);
    }

    [Fact]
    public async Task Rfc9113_9_2_versions_below_1_2_are_refused()
    {
        await using var server = new EchoServer(Options());
        await using var client = OpenSslPeer.Start("s_client", "-connect", server.Address, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", "-alpn", "h2");
        await client.Say("alert protocol version");
        await client.Exit();
    }

    [Theory]
    [InlineData("-alpn", "h2")] // RFC 9113 forbids both for HTTP/2; for the rest they are as harmful.
    [InlineData("-alpn", "http/1.1")]
    public async Task Rfc9113_9_2_1_nothing_is_compressed_and_renegotiation_is_refused(params string[] alpn)
    {
        await using var server = new EchoServer(Options());
        await using var client = OpenSslPeer.Start(["s_client", "-connect", server.Address, "-tls1_2", "-comp", .. alpn]);
        await client.Say("Compression: NONE");
        await client.Say("Verify return code");
        await client.Type("R");
        await client.Say("no renegotiation");
        await client.Exit();
    }

    [Theory]
    [InlineData("ECDHE-ECDSA-AES128-SHA")] // Of appendix A: no AEAD.
    [InlineData("ECDHE-ECDSA-AES256-SHA384")]
    public async Task Rfc9113_9_2_2_suites_that_are_prohibited_are_not_agreed_on(string suite)
    {
        await using var server = new EchoServer(Options());
        await using var client = OpenSslPeer.Start("s_client", "-connect", server.Address, "-tls1_2", "-cipher", suite, "-alpn", "h2");
        await client.Say("alert handshake failure");
        await client.Exit();
    }

    [Fact]
    public async Task Rfc9113_9_2_3_client_of_ours_lets_no_server_ask_for_a_certificate_after_the_handshake()
    {
        var leaf = _authority.Issue(["b.example"]);
        await using var peer = OpenSslPeer.Start(
            "s_server", "-accept", "127.0.0.1:0", "-cert", Save("c.pem", leaf.ChainPem), "-key", Save("k.pem", leaf.KeyPem), "-tls1_3", "-alpn", "h2");
        var output = await peer.Say("ACCEPT 127.0.0.1:");
        var port = int.Parse(output[(output.IndexOf("ACCEPT 127.0.0.1:", StringComparison.Ordinal) + 17)..].Split('\n')[0]);
        await using var test = new TestReactor();
        using var context = TlsHarness.Client(new() { Alpn = [AlpnProtocol.Http2], Certificates = [_authority.Issue(["client"]).Options] });
        var asked = new TaskCompletionSource();
        var talking = test.Run(async () =>
        {
            var plain = await TransportConnector.ConnectAsync(test.Reactor, new IPEndPoint(IPAddress.Loopback, port), ConnectOptions.Default);
            var result = await TlsHandshake.ConnectAsync(plain.Connection!, context, TlsClientParameters.None, TlsHarness.HandshakeMilliseconds);
            using var connection = result.Connection!;
            await connection.WriteAll("connected\n"u8.ToArray());
            await asked.Task;
            return result.IsEstablished;
        });
        await peer.Say("connected");
        await peer.Type("c");
        // Our ClientHello has not offered it (RFC 8446 section 4.2.6), so the server cannot even send the request.
        await peer.Say("extension not received");
        asked.SetResult();
        Assert.True(await talking);
    }

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task Client_of_openssl_resumes_its_session_with_us(string version)
    {
        await using var server = new EchoServer(Options());
        var session = Path.Combine(_folder, "session.pem");
        await using (var first = OpenSslPeer.Start("s_client", "-connect", server.Address, version, "-sess_out", session))
        {
            await first.Type("one");
            await first.Say("one");
            first.EndInput();
            await first.Exit();
        }

        await using var second = OpenSslPeer.Start("s_client", "-connect", server.Address, version, "-sess_in", session);
        await second.Say("Reused, TLSv1.");
        await second.Type("two");
        await second.Say("two");
        Assert.True(server.Last.Session.IsResumed);
    }

    [Fact]
    public async Task Client_certificate_of_openssl_is_asked_for_and_read()
    {
        var leaf = _authority.Issue(["spiffe://m/ns/a/sa/b"], isRsa: true);
        await using var server = new EchoServer(Options() with { ClientCertificates = TlsClientCertificateMode.Required, Verification = _authority.Trust });
        await using var client = OpenSslPeer.Start(
            "s_client", "-connect", server.Address, "-cert", Save("c.pem", leaf.ChainPem), "-key", Save("k.pem", leaf.KeyPem));
        await client.Say("Acceptable client certificate CA names\nCN = Test Root");
        await client.Type("mutual");
        await client.Say("mutual");
        Assert.Equal("spiffe://m/ns/a/sa/b", server.Last.Session.PeerCertificate!.FirstUri);
        Assert.True(server.Last.Session.IsPeerTrusted);
    }

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task Server_of_openssl_is_spoken_with_and_resumes(string version)
    {
        var leaf = _authority.Issue(["b.example"]);
        await using var peer = OpenSslPeer.Start(
            "s_server", "-accept", "127.0.0.1:0", "-cert", Save("c.pem", leaf.ChainPem), "-key", Save("k.pem", leaf.KeyPem), "-rev", "-alpn", "http/1.1",
            version, "-Verify", "2", "-CAfile", Save("ca.pem", _authority.Pem));
        var output = await peer.Say("ACCEPT 127.0.0.1:");
        var port = int.Parse(output[(output.IndexOf("ACCEPT 127.0.0.1:", StringComparison.Ordinal) + 17)..].Split('\n')[0]);
        await using var test = new TestReactor();
        using var context = TlsHarness.Client(new()
        {
            Verification = _authority.Trust,
            Alpn = [AlpnProtocol.Http11],
            Certificates = [_authority.Issue(["client"]).Options],
        });
        for (var i = 0; i < 2; i++)
        {
            var (answer, session) = await test.Run(async () =>
            {
                var plain = await TransportConnector.ConnectAsync(test.Reactor, new IPEndPoint(IPAddress.Loopback, port), ConnectOptions.Default);
                var result = await TlsHandshake.ConnectAsync(
                    plain.Connection!, context, new() { ServerName = "b.example", VerifyHost = "b.example" }, TlsHarness.HandshakeMilliseconds);
                Assert.True(result.IsEstablished, result.Failure?.Text);
                using var connection = result.Connection;
                await connection.WriteAll("stressed desserts\n"u8.ToArray());
                var buffer = new byte[100];
                var read = await connection.ReadSome(buffer);
                return (Encoding.ASCII.GetString(buffer, 0, read.Bytes), connection.Session);
            });
            Assert.Equal("stressed desserts\n", answer);
            Assert.Same(AlpnProtocol.Http11, session.Alpn);
            Assert.Equal(i == 1, session.IsResumed);
        }
    }

    [Fact]
    public async Task Server_of_openssl_that_refuses_us_says_why_by_an_alert()
    {
        var leaf = _authority.Issue(["b.example"]);
        await using var peer = OpenSslPeer.Start(
            "s_server", "-accept", "127.0.0.1:0", "-cert", Save("c.pem", leaf.ChainPem), "-key", Save("k.pem", leaf.KeyPem), "-tls1_2",
            "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384");
        var output = await peer.Say("ACCEPT 127.0.0.1:");
        var port = int.Parse(output[(output.IndexOf("ACCEPT 127.0.0.1:", StringComparison.Ordinal) + 17)..].Split('\n')[0]);
        await using var test = new TestReactor();
        async Task<TlsFailure?> Try(TlsClientOptions options)
        {
            using var context = TlsHarness.Client(options);
            return await test.Run(async () =>
            {
                var plain = await TransportConnector.ConnectAsync(test.Reactor, new IPEndPoint(IPAddress.Loopback, port), ConnectOptions.Default);
                var result = await TlsHandshake.ConnectAsync(plain.Connection!, context, TlsClientParameters.None, TlsHarness.HandshakeMilliseconds);
                result.Connection?.Dispose();
                return result.Failure;
            });
        }

        var failure = await Try(new() { CipherSuites = ["ECDHE-ECDSA-AES128-GCM-SHA256"] });
        Assert.Equal((TlsFailureCause.PeerAlert, 40), (failure!.Cause, failure.Alert));
        failure = await Try(new() { MinVersion = TlsVersion.Tls13 });
        Assert.Equal((TlsFailureCause.NoSharedVersion, 70), (failure!.Cause, failure.Alert));
    }

    private TlsServerOptions Options() => new()
    {
        Certificates = [_authority.Issue(["a.example"]).Options],
        Alpn = [AlpnProtocol.Http2, AlpnProtocol.Http11],
    };

    private string Save(string name, string text) => Save(name, Encoding.ASCII.GetBytes(text));

    private string Save(string name, byte[] content)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
