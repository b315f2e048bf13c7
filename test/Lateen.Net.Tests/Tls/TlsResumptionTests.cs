using Lateen.Net.Tls;

namespace Lateen.Net.Tests.Tls;

/// <summary>Sessions: where they are resumed and where they must not be.</summary>
public sealed class TlsResumptionTests : IDisposable
{
    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Theory]
    [InlineData(TlsVersion.Tls12, true, true, true)]
    [InlineData(TlsVersion.Tls12, true, false, true)]
    [InlineData(TlsVersion.Tls12, false, true, true)]
    [InlineData(TlsVersion.Tls12, false, false, false)]
    [InlineData(TlsVersion.Tls13, true, true, true)]
    [InlineData(TlsVersion.Tls13, true, false, true)]
    [InlineData(TlsVersion.Tls13, false, true, true)]
    [InlineData(TlsVersion.Tls13, false, false, false)]
    public async Task Sessions_are_resumed_from_tickets_or_ids_unless_both_are_disabled(TlsVersion version, bool tickets, bool ids, bool isResumed)
    {
        await using var harness = new TlsHarness();
        using var server = TlsHarness.Server(Options() with { MaxVersion = version, AllowTickets = tickets, AllowSessionIds = ids });
        using var client = TlsHarness.Client(ClientOptions());
        var first = await Meet(harness, server, client);
        Assert.False(first.Server.Session.IsResumed);
        // More often than one handshake has tickets.
        for (var i = 0; i < 5; i++)
        {
            var again = await Meet(harness, server, client);
            Assert.Equal(isResumed, again.Server.Session.IsResumed);
            Assert.Equal(isResumed, again.Client.Session.IsResumed);
            // Both sides go on knowing whom they speak with.
            Assert.Equal(first.Server.Session.PeerCertificate!.Sha256, again.Server.Session.PeerCertificate!.Sha256);
            Assert.Equal(first.Client.Session.PeerCertificate!.Sha256, again.Client.Session.PeerCertificate!.Sha256);
            Assert.True(again.Server.Session.IsPeerTrusted);
            Assert.True(again.Client.Session.IsPeerTrusted);
            Assert.Equal("a.example", again.Server.Session.ServerName);
        }
    }

    [Theory]
    [InlineData(TlsVersion.Tls12)]
    [InlineData(TlsVersion.Tls13)]
    public async Task Sessions_survive_a_new_context_with_the_same_keys_and_no_other(TlsVersion version)
    {
        await using var harness = new TlsHarness();
        var keys = TlsTicketKeys.SelfMade(TimeProvider.System);
        using var old = TlsHarness.Server(Options() with { MaxVersion = version, TicketKeys = keys });
        using var client = TlsHarness.Client(ClientOptions());
        await Meet(harness, old, client);
        using var next = TlsHarness.Server(Options() with { MaxVersion = version, TicketKeys = keys });
        Assert.True((await Meet(harness, next, client)).Server.Session.IsResumed);
        using var other = TlsHarness.Server(Options() with { MaxVersion = version });
        Assert.False((await Meet(harness, other, client)).Server.Session.IsResumed);
    }

    [Fact]
    public async Task Shared_keys_carry_no_client_past_roots_that_it_never_faced()
    {
        await using var harness = new TlsHarness();
        using var stranger = new TestAuthority("Stranger");
        var keys = TlsTicketKeys.SelfMade(TimeProvider.System);
        using var old = TlsHarness.Server(Options() with { TicketKeys = keys });
        using var client = TlsHarness.Client(ClientOptions());
        await Meet(harness, old, client);
        using var strict = TlsHarness.Server(Options() with { TicketKeys = keys, Verification = stranger.Trust });
        var (_, far) = await harness.Handshake(strict, client, new() { ServerName = "a.example" });
        Assert.Equal(TlsFailureCause.UnknownAuthority, far.Failure?.Cause);
    }

    [Fact]
    public async Task Names_are_judged_on_a_resumed_session_too()
    {
        await using var harness = new TlsHarness();
        var accepted = true;
        var keys = TlsTicketKeys.SelfMade(TimeProvider.System);
        using var server = TlsHarness.Server(Options() with
        {
            TicketKeys = keys,
            Verification = _authority.Trust with { AcceptsName = _ => Volatile.Read(ref accepted) },
        });
        using var client = TlsHarness.Client(ClientOptions());
        await Meet(harness, server, client);
        var (near, _) = await harness.Handshake(server, client, new() { ServerName = "a.example", VerifyHost = "b.example" });
        Assert.Equal(TlsFailureCause.NameMismatch, near.Failure?.Cause);
        await Meet(harness, server, client);
        Volatile.Write(ref accepted, false);
        var (_, far) = await harness.Handshake(server, client, new() { ServerName = "a.example" });
        Assert.Equal(TlsFailureCause.NameMismatch, far.Failure?.Cause);
    }

    [Fact]
    public async Task Session_outlives_no_certificate()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TestAuthority.Now);
        await using var harness = new TlsHarness(time);
        using var server = TlsHarness.Server(Options());
        using var client = TlsHarness.Client(ClientOptions());
        await Meet(harness, server, client);
        time.Advance(TimeSpan.FromDays(31));
        var (near, _) = await harness.Handshake(server, client, new() { ServerName = "a.example" }, timeoutMilliseconds: long.MaxValue / 2_000_000);
        Assert.Equal(TlsFailureCause.CertificateExpired, near.Failure?.Cause);
    }

    [Fact]
    public async Task Session_of_an_untrusted_peer_that_was_let_in_stays_untrusted()
    {
        await using var harness = new TlsHarness();
        using var stranger = new TestAuthority("Stranger");
        using var server = TlsHarness.Server(Options() with { Verification = stranger.Trust with { AcceptUntrusted = true } });
        using var client = TlsHarness.Client(ClientOptions() with { Verification = stranger.Trust with { AcceptUntrusted = true } });
        await Meet(harness, server, client);
        var again = await Meet(harness, server, client);
        Assert.True(again.Server.Session.IsResumed);
        Assert.False(again.Server.Session.IsPeerTrusted);
        Assert.False(again.Client.Session.IsPeerTrusted);
    }

    [Fact]
    public async Task Session_that_would_fail_today_gives_way_to_a_full_handshake()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TestAuthority.Now);
        await using var harness = new TlsHarness(time);
        var keys = TlsTicketKeys.SelfMade(TimeProvider.System);
        using var server = TlsHarness.Server(Options() with { TicketKeys = keys });
        using var client = TlsHarness.Client(ClientOptions());
        await Meet(harness, server, client);
        // The server's certificate ran out, and was renewed in time; tickets of before are about still.
        time.Advance(TimeSpan.FromDays(31));
        using var renewed = TlsHarness.Server(Options() with
        {
            TicketKeys = keys,
            Certificates = [_authority.Issue(["a.example"], notAfter: TestAuthority.Now.AddDays(60)).Options],
        });
        Assert.False((await Meet(harness, renewed, client)).Client.Session.IsResumed);
        // A client that does not judge offers its session; the server judges the client's certificate of then.
        using var careless = TlsHarness.Client(ClientOptions() with { Verification = new() });
        Assert.False((await Meet(harness, renewed, careless)).Server.Session.IsResumed);
        Assert.True((await Meet(harness, renewed, careless)).Server.Session.IsResumed);
        time.Advance(TimeSpan.FromDays(60));
        var (near, far) = await harness.Handshake(renewed, careless, new() { ServerName = "a.example" });
        Assert.Equal(TlsFailureCause.CertificateExpired, far.Failure?.Cause);
    }

    [Fact]
    public async Task Sessions_belong_to_their_server_name_and_are_bounded()
    {
        await using var harness = new TlsHarness();
        using var server = TlsHarness.Server(Options());
        using var client = TlsHarness.Client(ClientOptions() with { MaxSessions = 3 });
        await Meet(harness, server, client, "a.example");
        Assert.False((await Meet(harness, server, client, "b.example")).Client.Session.IsResumed);
        Assert.Equal(3, client.SessionCount);
        Assert.True((await Meet(harness, server, client, "b.example")).Client.Session.IsResumed);
        using var forgetful = TlsHarness.Client(ClientOptions() with { MaxSessions = 0 });
        await Meet(harness, server, forgetful);
        Assert.Equal(0, forgetful.SessionCount);
        Assert.False((await Meet(harness, server, forgetful)).Client.Session.IsResumed);
    }

    [Fact]
    public async Task Self_made_keys_open_for_one_period_after_theirs()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TestAuthority.Now);
        await using var harness = new TlsHarness();
        using var server = TlsHarness.Server(Options() with { TicketKeys = TlsTicketKeys.SelfMade(time, TimeSpan.FromHours(1)) });
        using var client = TlsHarness.Client(ClientOptions());
        await Meet(harness, server, client);
        time.Advance(TimeSpan.FromMinutes(61));
        Assert.True((await Meet(harness, server, client)).Server.Session.IsResumed);
        time.Advance(TimeSpan.FromMinutes(121));
        Assert.False((await Meet(harness, server, client)).Server.Session.IsResumed);
    }

    [Fact]
    public async Task Given_keys_seal_with_the_first_and_open_with_all()
    {
        await using var harness = new TlsHarness();
        var a = System.Security.Cryptography.RandomNumberGenerator.GetBytes(TlsTicketKeys.KeyBytes);
        var b = System.Security.Cryptography.RandomNumberGenerator.GetBytes(TlsTicketKeys.KeyBytes);
        using var client = TlsHarness.Client(ClientOptions());
        await Meet(harness, Keyed(a), client);
        Assert.True((await Meet(harness, Keyed(b, a), client)).Server.Session.IsResumed);
        Assert.True((await Meet(harness, Keyed(b), client)).Server.Session.IsResumed);
        Assert.False((await Meet(harness, Keyed(a), client)).Server.Session.IsResumed);
        Assert.Null(TlsTicketKeys.TryCreate([new byte[48]], out var error));
        Assert.Equal("session ticket key 0: 48 octets, must be 80", error);
        Assert.Null(TlsTicketKeys.TryCreate([], out error));
        Assert.NotNull(error);
    }

    [Fact]
    public async Task Context_is_replaced_under_connections_a_hundred_times()
    {
        await using var harness = new TlsHarness();
        using var client = TlsHarness.Client(ClientOptions());
        var open = new List<(TlsConnection Client, TlsConnection Server)>();
        for (var i = 0; i < 100; i++)
        {
            var context = TlsHarness.Server(Options() with { Certificates = [_authority.Issue(["a.example"], subject: $"v{i}").Options] });
            var pair = await harness.Establish(context, client, new() { ServerName = $"v{i}.example" });
            Assert.Equal($"CN=v{i},O=Example", pair.Client.Session.PeerCertificate!.Subject);
            open.Add(pair);
            context.Dispose();
            var (near, far) = await harness.Handshake(context, client, timeoutMilliseconds: 10_000);
            Assert.Equal(TlsFailureCause.ClosedLocally, far.Failure?.Cause);
            Assert.Equal(TlsFailureCause.PeerClosed, near.Failure?.Cause);
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        foreach (var (near, far) in open)
        {
            await harness.Exchange(near, far);
            await harness.Exchange(far, near);
        }
    }

    private TlsServerContext Keyed(params byte[][] keys)
    {
        return TlsHarness.Server(Options() with
        {
            TicketKeys = TlsTicketKeys.TryCreate([.. keys.Select(key => (ReadOnlyMemory<byte>)key)], out _),
        });
    }

    private static async Task<(TlsConnection Client, TlsConnection Server)> Meet(
        TlsHarness harness, TlsServerContext server, TlsClientContext client, string name = "a.example")
    {
        var (near, far) = await harness.Establish(server, client, new() { ServerName = name });
        // The client's tickets come before this byte.
        await harness.Exchange(far, near);
        await harness.Test.Run(() =>
        {
            near.Dispose();
            far.Dispose();
        });
        return (near, far);
    }

    private TlsServerOptions Options() => new()
    {
        Certificates = [_authority.Issue(["a.example"]).Options],
        ClientCertificates = TlsClientCertificateMode.Required,
        Verification = _authority.Trust,
    };

    private TlsClientOptions ClientOptions() => new()
    {
        Certificates = [_authority.Issue(["client.example"], notAfter: TestAuthority.Now.AddDays(90)).Options],
        Verification = _authority.Trust,
    };
}
