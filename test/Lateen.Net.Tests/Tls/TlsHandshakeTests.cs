using Lateen.Net.Tls;

namespace Lateen.Net.Tests.Tls;

/// <summary>Our client against our server: what is agreed on, and each cause of refusal.</summary>
public sealed class TlsHandshakeTests : IDisposable
{
    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Theory]
    [InlineData(TlsVersion.Tls12, "TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256")]
    [InlineData(TlsVersion.Tls13, "TLSv1.3", "TLS_AES_256_GCM_SHA384")]
    public async Task Both_sides_know_version_suite_protocol_and_name(TlsVersion version, string name, string suite)
    {
        await using var harness = new TlsHarness();
        using var server = TlsHarness.Server(new()
        {
            Certificates = [_authority.Issue(["web.example"]).Options],
            Alpn = [AlpnProtocol.Http2, AlpnProtocol.Http11],
            MaxVersion = version,
        });
        using var client = TlsHarness.Client(new() { Verification = _authority.Trust, Alpn = [AlpnProtocol.Http11, AlpnProtocol.Http2] });
        var (near, far) = await harness.Establish(server, client, new() { ServerName = "Web.Example", VerifyHost = "web.example" });
        foreach (var session in (TlsSession[])[near.Session, far.Session])
        {
            Assert.Equal(version, session.Version);
            Assert.Equal(name, session.VersionName);
            Assert.Equal(suite, session.CipherSuite);
            Assert.Same(AlpnProtocol.Http2, session.Alpn);
            Assert.Equal("web.example", session.ServerName);
            Assert.False(session.IsResumed);
            Assert.Equal("X25519", session.Group);
        }

        Assert.Equal("ecdsa_secp256r1_sha256", near.Session.PeerSignatureAlgorithm);
        Assert.Null(far.Session.PeerSignatureAlgorithm);

        Assert.True(near.Session.IsPeerTrusted);
        Assert.False(far.Session.IsPeerTrusted);
        Assert.Null(far.Session.PeerCertificate);
        Assert.Equal(near.Session.PeerCertificate!.Sha256, far.Session.LocalCertificate!.Sha256);
        await harness.Exchange(near, far);
        await harness.Exchange(far, near);
    }

    [Fact]
    public async Task Peer_certificate_tells_its_names_serial_and_dates()
    {
        await using var harness = new TlsHarness();
        using var server = TlsHarness.Server(new()
        {
            Certificates = [_authority.Issue(["web.example"]).Options],
            ClientCertificates = TlsClientCertificateMode.Required,
            Verification = _authority.Trust,
        });
        var leaf = _authority.Issue(
            ["spiffe://mesh/ns/a/sa/b", "a.example", "*.b.example", "10.0.0.1", "::1", "who@example"], serial: [0x0A, 0xBC, 0xDE], subject: "cliënt");
        using var client = TlsHarness.Client(new() { Certificates = [leaf.Options], Verification = _authority.Trust });
        var (_, far) = await harness.Establish(server, client);
        var peer = far.Session.PeerCertificate!;
        Assert.True(far.Session.IsPeerTrusted);
        Assert.Equal(leaf.Der, peer.Der.ToArray());
        Assert.Equal("CN=cliënt,O=Example", peer.Subject);
        Assert.Equal("CN=Test Root", peer.Issuer);
        Assert.Equal("0abcde", peer.Serial);
        Assert.Equal("spiffe://mesh/ns/a/sa/b", peer.FirstUri);
        Assert.Equal(
            [
                new(SubjectAltNameKind.Uri, "spiffe://mesh/ns/a/sa/b"),
                new(SubjectAltNameKind.Dns, "a.example"),
                new(SubjectAltNameKind.Dns, "*.b.example"),
                new(SubjectAltNameKind.IpAddress, "10.0.0.1"),
                new(SubjectAltNameKind.IpAddress, "::1"),
                new(SubjectAltNameKind.Email, "who@example"),
            ],
            peer.SubjectAltNames);
        Assert.Equal(TestAuthority.Now.AddDays(30).ToUnixTimeSeconds(), peer.NotAfter.ToUnixTimeSeconds());
    }

    [Theory]
    [InlineData("a.example", "exact")]
    [InlineData("x.b.example", "wild")]
    [InlineData("x.y.b.example", "first")]
    [InlineData("other.example", "first")]
    [InlineData(null, "first")]
    public async Task Server_name_picks_the_certificate(string? serverName, string subject)
    {
        await using var harness = new TlsHarness();
        using var server = TlsHarness.Server(new()
        {
            Certificates =
            [
                _authority.Issue(["first.example"], subject: "first").Options,
                _authority.Issue(["*.b.example"], subject: "wild").Options,
                _authority.Issue(["a.example"], subject: "exact").Options,
            ],
        });
        using var client = TlsHarness.Client(new() { Verification = _authority.Trust });
        var (near, far) = await harness.Establish(server, client, new() { ServerName = serverName });
        Assert.Equal($"CN={subject},O=Example", near.Session.PeerCertificate!.Subject);
        Assert.Equal(near.Session.PeerCertificate.Sha256, far.Session.LocalCertificate!.Sha256);
    }

    [Theory]
    [InlineData("ECDHE-RSA-AES128-GCM-SHA256", "rsa")]
    [InlineData("ECDHE-ECDSA-AES128-GCM-SHA256", "ec")]
    public async Task Kind_of_key_follows_what_the_client_can_verify(string suite, string subject)
    {
        await using var harness = new TlsHarness();
        using var server = TlsHarness.Server(new()
        {
            Certificates =
            [
                _authority.Issue(["a.example"], subject: "ec").Options,
                _authority.Issue(["a.example"], isRsa: true, subject: "rsa").Options,
            ],
        });
        using var client = TlsHarness.Client(new() { Verification = _authority.Trust, MaxVersion = TlsVersion.Tls12, CipherSuites = [suite] });
        foreach (var name in (string?[])["a.example", null])
        {
            var (near, _) = await harness.Establish(server, client, new() { ServerName = name });
            Assert.Equal($"CN={subject},O=Example", near.Session.PeerCertificate!.Subject);
            Assert.Equal(suite, near.Session.CipherSuite);
        }
    }

    [Theory]
    [InlineData("expired", TlsFailureCause.CertificateExpired)]
    [InlineData("future", TlsFailureCause.CertificateNotYetValid)]
    [InlineData("stranger", TlsFailureCause.UnknownAuthority)]
    [InlineData("name", TlsFailureCause.NameMismatch)]
    [InlineData("address", TlsFailureCause.NameMismatch)]
    [InlineData("matcher", TlsFailureCause.NameMismatch)]
    [InlineData("parameters", TlsFailureCause.NameMismatch)]
    [InlineData("revoked", TlsFailureCause.CertificateRevoked)]
    [InlineData("no list", TlsFailureCause.CertificateRevoked)]
    [InlineData("pin", TlsFailureCause.PinMismatch)]
    [InlineData("depth", TlsFailureCause.BadCertificate)]
    public async Task Client_refuses_the_server_with_the_exact_cause(string wrong, TlsFailureCause cause)
    {
        await using var harness = new TlsHarness();
        using var stranger = new TestAuthority("Stranger");
        using var intermediate = _authority.Intermediate();
        using var second = intermediate.Intermediate("Second");
        var leaf = wrong switch
        {
            "expired" => _authority.Issue(["a.example"], notBefore: TestAuthority.Now.AddDays(-9), notAfter: TestAuthority.Now.AddDays(-1)),
            "future" => _authority.Issue(["a.example"], notBefore: TestAuthority.Now.AddDays(1)),
            "stranger" => stranger.Issue(["a.example"]),
            "depth" or "no list" => intermediate.Issue(["a.example"]),
            _ => _authority.Issue(["a.example"], serial: [7, 7]),
        };
        using var server = TlsHarness.Server(new() { Certificates = [leaf.Options] });
        var trust = _authority.Trust;
        trust = wrong switch
        {
            "revoked" => trust with { RevocationListsPem = _authority.RevocationList([7, 7]) },
            "no list" => trust with { RevocationListsPem = _authority.RevocationList() },
            "pin" => trust with { CertificateHashes = [new byte[32]], PublicKeyHashes = [new byte[32]] },
            "depth" => trust with { MaxDepth = 0 },
            "matcher" => trust with { AcceptsName = name => name.Value == "b.example" },
            _ => trust,
        };
        using var client = TlsHarness.Client(new() { Verification = trust });
        var (near, far) = await harness.Handshake(server, client, new()
        {
            ServerName = "a.example",
            VerifyHost = wrong switch { "name" => "b.example", "address" => "127.0.0.1", _ => "a.example" },
            AcceptsName = wrong == "parameters" ? static name => name.Kind == SubjectAltNameKind.Uri : null,
        });
        Assert.Equal(cause, near.Failure?.Cause);
        Assert.True(
            far.Failure?.Cause is TlsFailureCause.PeerAlert or null, $"the server was told by an alert, or is told at its first read: {far.Failure}");
    }

    [Fact]
    public async Task Wildcards_addresses_and_matchers_accept_what_they_are_for()
    {
        await using var harness = new TlsHarness();
        using var server = TlsHarness.Server(new() { Certificates = [_authority.Issue(["*.a.example", "127.0.0.1", "spiffe://m/ns/x/sa/y"]).Options] });
        using var client = TlsHarness.Client(new()
        {
            Verification = _authority.Trust with { AcceptsName = name => name is (SubjectAltNameKind.Uri, "spiffe://m/ns/x/sa/y") },
        });
        await harness.Establish(server, client, new() { ServerName = "w.a.example", VerifyHost = "W.A.example." });
        await harness.Establish(server, client, new() { ServerName = "127.0.0.1", VerifyHost = "127.0.0.1" });
        await harness.Establish(server, client, new() { AcceptsName = name => name is (SubjectAltNameKind.Dns, "*.a.example") });
    }

    [Fact]
    public async Task Expired_and_untrusted_certificates_pass_where_that_is_configured()
    {
        await using var harness = new TlsHarness();
        using var stranger = new TestAuthority("Stranger");
        var expired = _authority.Issue(["a.example"], notBefore: TestAuthority.Now.AddDays(-9), notAfter: TestAuthority.Now.AddDays(-1));
        using var server = TlsHarness.Server(new() { Certificates = [expired.Options] });
        using var lenient = TlsHarness.Client(new() { Verification = _authority.Trust with { AllowExpired = true } });
        var (near, _) = await harness.Establish(server, lenient);
        Assert.True(near.Session.IsPeerTrusted);
        using var trusting = TlsHarness.Client(new()
        {
            Verification = stranger.Trust with { AcceptUntrusted = true, AcceptsName = static _ => false },
        });
        (near, _) = await harness.Establish(server, trusting);
        Assert.False(near.Session.IsPeerTrusted);
        using var careless = TlsHarness.Client(new());
        (near, _) = await harness.Establish(server, careless);
        Assert.False(near.Session.IsPeerTrusted);
    }

    [Fact]
    public async Task Either_pin_is_enough()
    {
        await using var harness = new TlsHarness();
        var leaf = _authority.Issue(["a.example"]);
        using var server = TlsHarness.Server(new() { Certificates = [leaf.Options] });
        var byHash = new TlsVerificationOptions
        {
            CertificateHashes = [System.Security.Cryptography.SHA256.HashData(leaf.Der)],
            PublicKeyHashes = [new byte[32]],
        };
        var byKey = new TlsVerificationOptions { PublicKeyHashes = [new byte[32], leaf.PublicKeyHash] };
        foreach (var pins in (TlsVerificationOptions[])[byHash, byKey])
        {
            using var client = TlsHarness.Client(new() { Verification = pins });
            var (near, _) = await harness.Establish(server, client);
            Assert.True(near.Session.IsPeerTrusted);
        }
    }

    [Fact]
    public async Task Intermediates_are_sent_and_an_intermediate_can_be_the_trust_anchor()
    {
        await using var harness = new TlsHarness();
        using var intermediate = _authority.Intermediate();
        using var server = TlsHarness.Server(new() { Certificates = [intermediate.Issue(["a.example"]).Options] });
        using var byRoot = TlsHarness.Client(new() { Verification = _authority.Trust });
        using var byIntermediate = TlsHarness.Client(new() { Verification = intermediate.Trust });
        await harness.Establish(server, byRoot);
        await harness.Establish(server, byIntermediate);
        using var leafOnly = TlsHarness.Client(new()
        {
            Verification = _authority.Trust with
            {
                RevocationListsPem = intermediate.RevocationList(),
                CheckLeafRevocationOnly = true,
            },
        });
        await harness.Establish(server, leafOnly);
    }

    [Theory]
    [InlineData(TlsVersion.Tls12)]
    [InlineData(TlsVersion.Tls13)]
    public async Task Client_without_a_certificate_is_refused_where_one_is_required_and_let_in_where_it_is_optional(TlsVersion version)
    {
        await using var harness = new TlsHarness();
        var options = new TlsServerOptions
        {
            Certificates = [_authority.Issue(["a.example"]).Options],
            ClientCertificates = TlsClientCertificateMode.Required,
            Verification = _authority.Trust,
            MaxVersion = version,
        };
        using var strict = TlsHarness.Server(options);
        using var client = TlsHarness.Client(new() { Verification = _authority.Trust });
        var (near, far) = await harness.Handshake(strict, client);
        Assert.Equal(TlsFailureCause.NoClientCertificate, far.Failure?.Cause);
        if (version == TlsVersion.Tls13)
        {
            // The client's handshake ends before the server judges it: the alert comes with the first read.
            Assert.True(near.IsEstablished, near.Failure?.Text);
            var read = await harness.ReadOne(near.Connection);
            Assert.Equal(IoStatus.Failed, read.Status);
            Assert.Equal(TransportError.ProtocolViolation, read.Error);
            Assert.Equal(TlsFailureCause.NoClientCertificate, near.Connection.Failure?.Cause);
        }
        else
        {
            Assert.Equal(TlsFailureCause.PeerAlert, near.Failure?.Cause);
            Assert.Equal(40, near.Failure?.Alert);
        }

        using var lenient = TlsHarness.Server(options with { ClientCertificates = TlsClientCertificateMode.Optional });
        await harness.Establish(lenient, client);
        using var stranger = new TestAuthority("Stranger");
        using var impostor = TlsHarness.Client(new() { Certificates = [stranger.Issue(["b"]).Options], Verification = _authority.Trust });
        (_, far) = await harness.Handshake(lenient, impostor);
        Assert.Equal(TlsFailureCause.UnknownAuthority, far.Failure?.Cause);
    }

    [Theory]
    [InlineData("suite", TlsFailureCause.NoSharedCipher)]
    [InlineData("curve", TlsFailureCause.NoSharedCipher)]
    [InlineData("version", TlsFailureCause.NoSharedVersion)]
    [InlineData("alpn", TlsFailureCause.AlpnMismatch)]
    [InlineData("name", TlsFailureCause.NoServerName)]
    public async Task Server_refuses_the_client_with_the_exact_cause(string wrong, TlsFailureCause cause)
    {
        await using var harness = new TlsHarness();
        var options = new TlsServerOptions
        {
            Certificates = [_authority.Issue(["a.example"]).Options],
            Alpn = [AlpnProtocol.Http2],
            RequireAlpnMatch = true,
            RequireServerName = wrong == "name",
            Curves = ["P-256"],
        };
        using var server = TlsHarness.Server(wrong switch
        {
            "suite" => options with { MaxVersion = TlsVersion.Tls12, CipherSuites = ["ECDHE-ECDSA-AES128-GCM-SHA256"] },
            "version" => options with { MinVersion = TlsVersion.Tls13 },
            _ => options,
        });
        var mine = new TlsClientOptions { Verification = _authority.Trust };
        using var client = TlsHarness.Client(wrong switch
        {
            "suite" => mine with { CipherSuites = ["ECDHE-ECDSA-AES256-GCM-SHA384"] },
            "version" => mine with { MaxVersion = TlsVersion.Tls12 },
            "curve" => mine with { Curves = ["P-384"] },
            "alpn" => mine with { Alpn = [AlpnProtocol.Http11] },
            _ => mine,
        });
        var (near, far) = await harness.Handshake(server, client, new() { ServerName = wrong == "name" ? null : "a.example" });
        Assert.Equal(cause, far.Failure?.Cause);
        Assert.NotNull(near.Failure);
        Assert.True(near.Failure.Alert > 0, $"the client got an alert, not a reset: {near.Failure}");
    }

    [Fact]
    public async Task Application_protocols_without_a_match_leave_none_as_Envoy_does()
    {
        await using var harness = new TlsHarness();
        using var server = TlsHarness.Server(new() { Certificates = [_authority.Issue(["a"]).Options], Alpn = [AlpnProtocol.Http2] });
        using var client = TlsHarness.Client(new() { Verification = _authority.Trust, Alpn = [AlpnProtocol.Http11] });
        var (near, far) = await harness.Establish(server, client);
        Assert.Null(near.Session.Alpn);
        Assert.Null(far.Session.Alpn);
        (near, _) = await harness.Establish(server, client, new() { Alpn = [AlpnProtocol.Get("istio"), AlpnProtocol.Http2] });
        Assert.Same(AlpnProtocol.Http2, near.Session.Alpn);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nhost: a\r\n\r\n", TlsFailureCause.NotTls)]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", TlsFailureCause.NotTls)]
    [InlineData("", TlsFailureCause.PeerClosed)]
    [InlineData("\u0016\u0003\u0001", TlsFailureCause.PeerClosed)]
    public async Task What_is_not_TLS_or_ends_too_soon_is_told(string sent, TlsFailureCause cause)
    {
        await using var harness = new TlsHarness();
        using var server = TlsHarness.Server(new() { Certificates = [_authority.Issue(["a"]).Options] });
        var (socket, accepted) = await harness.Test.ConnectPair();
        using var owned = socket;
        var accepting = harness.Test.Run(() => TlsHandshake.AcceptAsync(accepted, server, TlsHarness.HandshakeMilliseconds));
        await socket.SendText(sent);
        socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        Assert.Equal(cause, (await accepting).Failure?.Cause);
    }

    [Fact]
    public async Task Handshake_that_makes_no_progress_times_out()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TestAuthority.Now);
        await using var harness = new TlsHarness(time);
        using var server = TlsHarness.Server(new() { Certificates = [_authority.Issue(["a"]).Options] });
        var (near, far) = await harness.Connect();
        var accepting = harness.Test.Run(() => TlsHandshake.AcceptAsync(far, server, 15_000));
        // The greeting's first bytes do not stop the clock.
        await harness.Test.Run(() => near.WriteAll(new byte[] { 22, 3, 1 }));
        await harness.Test.Run(() => { });
        time.Advance(TimeSpan.FromSeconds(16));
        Assert.Equal(TlsFailureCause.TimedOut, (await accepting).Failure?.Cause);
        await harness.Test.Run(near.Dispose);
    }

    [Fact]
    public async Task Greeting_beyond_the_bound_is_refused()
    {
        await using var harness = new TlsHarness();
        using var server = TlsHarness.Server(new() { Certificates = [_authority.Issue(["a"]).Options] });
        var (near, far) = await harness.Connect();
        var accepting = harness.Test.Run(() => TlsHandshake.AcceptAsync(far, server, TlsHarness.HandshakeMilliseconds));
        var record = new byte[5 + 16_000];
        new byte[] { 22, 3, 1, 16_000 >> 8, 16_000 & 255 }.CopyTo(record, 0);
        new byte[] { 1, 1, 0, 0 }.CopyTo(record, 5);
        await harness.Test.Run(async () =>
        {
            for (var i = 0; i < 3; i++)
                await near.WriteAll(record);
        });
        Assert.Equal(TlsFailureCause.HelloTooLarge, (await accepting).Failure?.Cause);
        await harness.Test.Run(near.Dispose);
    }

    [Fact]
    public async Task Predicate_that_throws_costs_its_connection_and_is_not_swallowed()
    {
        await using var harness = new TlsHarness();
        using var server = TlsHarness.Server(new() { Certificates = [_authority.Issue(["a"]).Options] });
        using var client = TlsHarness.Client(new()
        {
            Verification = _authority.Trust with { AcceptsName = static _ => throw new InvalidOperationException("a bug") },
        });
        var exception = await Assert.ThrowsAsync<InvalidOperationException>(() => harness.Handshake(server, client));
        Assert.Equal("a bug", exception.Message);
    }
}
