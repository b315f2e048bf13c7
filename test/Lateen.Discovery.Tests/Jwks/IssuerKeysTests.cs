using System.Net;
using System.Threading.Channels;
using Lateen.Discovery.Jwks;
using Lateen.Model;
using Lateen.Model.Security;

namespace Lateen.Discovery.Tests.Jwks;

public sealed class IssuerKeysTests : IAsyncLifetime
{
    private static readonly TimeSpan FetchTimeout = TimeSpan.FromHours(1);

    private static readonly JwksOptions Local = new() { AllowedNetworks = [IPNetwork.Parse("127.0.0.0/8")], AllowHttp = true };

    private readonly KeyServer _server = new();
    private readonly ArmedTime _time = new(notCounting: FetchTimeout);
    private readonly Channel<string> _log = Channel.CreateUnbounded<string>();
    private readonly Channel<bool> _changes = Channel.CreateUnbounded<bool>();
    private IssuerKeys _keys = null!;

    public ValueTask InitializeAsync()
    {
        _keys = Make(Local);
        return ValueTask.CompletedTask;
    }

    private IssuerKeys Make(JwksOptions options)
    {
        var keys = new IssuerKeys(options, _time, line => _log.Writer.TryWrite(line));
        keys.Changed += () => _changes.Writer.TryWrite(true);
        return keys;
    }

    public async ValueTask DisposeAsync()
    {
        await _keys.DisposeAsync();
        await _server.DisposeAsync();
    }

    private static string Set(string kid) => $$"""{"keys":[{"kty":"EC","kid":"{{kid}}"}]}""";

    private static MeshSnapshot Naming(params string[] uris) => MeshSnapshotBuilder.Build(null, [Policy("shop", "tokens", age: 0, uris)], 1);

    private static Resource<RequestAuthentication> Policy(string ns, string name, int age, params string[] uris)
    {
        var rules = uris.Select(uri => new JwtRule { Issuer = uri, JwksUri = uri, Timeout = FetchTimeout });
        return new Resource<RequestAuthentication>(
            ResourceKind.RequestAuthentication, new ResourceMetadata { Name = name, Namespace = ns, CreatedAt = DateTimeOffset.UnixEpoch.AddDays(-age) },
            new RequestAuthentication { JwtRules = [.. rules] });
    }

    private string? Held(string path) => _keys.Current.Find(new KeySource(_server.Url(path), IsIssuer: false))?.Text;

    private async Task ChangedAsync() => await _changes.Reader.ReadAsync(TestContext.Current.CancellationToken);

    private async Task<string> LoggedAsync() => await _log.Reader.ReadAsync(TestContext.Current.CancellationToken);

    /// <summary>Waits until the next fetch is armed, which must be for a time within the bounds, and lets that time pass: the server is asked then, and not before.</summary>
    private async Task PassUntilAskedAsync(TimeSpan atLeast, TimeSpan atMost)
    {
        var wait = await _time.ArmedAsync(TestContext.Current.CancellationToken);
        Assert.InRange(wait, atLeast, atMost);
        var last = TimeSpan.FromMilliseconds(1);
        _time.Advance(wait - last);
        Assert.Equal(0, _server.Unread);
        _time.Advance(last);
        await _server.NextAsync();
    }

    // Each source's waits are shorter than the option says by up to a tenth, so that sources are spread.
    private Task PassRefreshAsync() => PassUntilAskedAsync(Local.RefreshInterval * 0.9, Local.RefreshInterval);

    private Task PassRetryAsync(int failures) =>
        PassUntilAskedAsync(Local.FirstRetryDelay * Math.Pow(2, failures - 1) * 0.9, Local.FirstRetryDelay * Math.Pow(2, failures - 1));

    [Fact]
    public async Task Keys_are_fetched_when_a_policy_names_them_and_forgotten_when_none_does()
    {
        _server.Serve("/keys", Set("a"));
        _keys.Want(Naming(_server.Url("/keys")));
        await ChangedAsync();
        Assert.Equal(Set("a"), Held("/keys"));

        _keys.Want(MeshSnapshot.Empty);
        await ChangedAsync();
        Assert.Null(Held("/keys"));
    }

    [Fact]
    public async Task Keys_are_fetched_again_after_the_refresh_interval_and_not_before()
    {
        _server.Serve("/keys", Set("a"));
        _keys.Want(Naming(_server.Url("/keys")));
        await ChangedAsync();
        await _server.NextAsync();

        _server.Serve("/keys", Set("b"));
        await PassRefreshAsync();
        await ChangedAsync();
        Assert.Equal(Set("b"), Held("/keys"));
    }

    [Fact]
    public async Task An_issuer_that_answers_as_before_changes_nothing()
    {
        _server.Serve("/keys", Set("a"));
        _keys.Want(Naming(_server.Url("/keys")));
        await ChangedAsync();
        await _server.NextAsync();
        var held = _keys.Current;
        await PassRefreshAsync();
        await PassRefreshAsync();
        Assert.Same(held, _keys.Current);
    }

    [Fact]
    public async Task The_last_good_keys_stay_while_their_issuer_is_away_and_the_log_says_it_once()
    {
        _server.Serve("/keys", Set("a"));
        _keys.Want(Naming(_server.Url("/keys")));
        await ChangedAsync();
        await _server.NextAsync();
        Assert.Contains("keys of", await LoggedAsync(), StringComparison.Ordinal);

        _server.Answer("/keys", () => "HTTP/1.1 500 Oops\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        await PassRefreshAsync();
        Assert.Contains("the last good ones stay for 24 h", await LoggedAsync(), StringComparison.Ordinal);
        // Retries come sooner than refreshes, with growing delay.
        await PassRetryAsync(failures: 1);
        await PassRetryAsync(failures: 2);
        Assert.Equal(Set("a"), Held("/keys"));
        Assert.Equal(0, _log.Reader.Count);
    }

    [Fact]
    public async Task Keys_that_were_never_fetched_become_a_set_that_no_token_passes_until_they_are_there()
    {
        var rule = new JwtRule { JwksUri = _server.Url("/keys") };
        _keys.Want(Naming(_server.Url("/keys")));
        await _server.NextAsync();
        Assert.Contains("tokens are refused", await LoggedAsync(), StringComparison.Ordinal);
        Assert.Equal(FetchedKeySets.Nobody, _keys.Current.Of(rule));
        Assert.NotNull(JsonWebKeySet.Read(FetchedKeySets.Nobody, out _));

        _server.Serve("/keys", Set("a"));
        await PassRetryAsync(failures: 1);
        await ChangedAsync();
        Assert.Equal(Set("a"), _keys.Current.Of(rule));
    }

    [Fact]
    public async Task Keys_that_nobody_confirmed_for_as_long_as_they_may_be_believed_are_given_up_until_their_issuer_answers()
    {
        _server.Serve("/keys", Set("a"));
        _keys.Want(Naming(_server.Url("/keys")));
        await ChangedAsync();
        await _server.NextAsync();
        await LoggedAsync();
        _server.Answer("/keys", () => "HTTP/1.1 500 Oops\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        var refresh = await _time.ArmedAsync(TestContext.Current.CancellationToken);
        _time.Advance(refresh);
        await _server.NextAsync();
        Assert.Contains("stay for 24 h at most", await LoggedAsync(), StringComparison.Ordinal);
        await _time.ArmedAsync(TestContext.Current.CancellationToken);

        var last = TimeSpan.FromMilliseconds(1);
        _time.Advance(Local.MaxAge - refresh - last);
        await _server.NextAsync();
        var retry = await _time.ArmedAsync(TestContext.Current.CancellationToken);
        Assert.Equal(Set("a"), Held("/keys"));
        _time.Advance(last);
        await ChangedAsync();
        Assert.Null(Held("/keys"));
        Assert.Equal(FetchedKeySets.Nobody, _keys.Current.Of(new JwtRule { JwksUri = _server.Url("/keys") }));
        Assert.Contains("for 24 h and are given up", await LoggedAsync(), StringComparison.Ordinal);

        _server.Serve("/keys", Set("a"));
        _time.Advance(retry);
        await ChangedAsync();
        Assert.Equal(Set("a"), Held("/keys"));
    }

    [Fact]
    public async Task Each_answer_of_the_issuer_makes_its_keys_good_for_the_whole_age_again()
    {
        await using var keys = Make(Local with { MaxAge = Local.RefreshInterval * 1.5 });
        _server.Serve("/keys", Set("a"));
        keys.Want(Naming(_server.Url("/keys")));
        await ChangedAsync();
        await _server.NextAsync();
        for (int i = 0; i < 3; i++) await PassRefreshAsync();
        // The timer is armed once the answer was taken.
        await _time.ArmedAsync(TestContext.Current.CancellationToken);
        Assert.NotNull(keys.Current.Find(new KeySource(_server.Url("/keys"), IsIssuer: false)));
    }

    [Fact]
    public async Task Keys_that_cannot_be_used_are_left_out_and_said()
    {
        _server.Serve("/keys", """{"keys":[{"kid":"odd"},{"kty":"EC","kid":"a"}]}""");
        _keys.Want(Naming(_server.Url("/keys")));
        await ChangedAsync();
        Assert.Equal(Set("a"), Held("/keys"));
        Assert.EndsWith("keys: 1", await LoggedAsync(), StringComparison.Ordinal);
        Assert.EndsWith("1 cannot be used and are left out: keys[0] has no type 'kty'", await LoggedAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_namespace_with_many_sources_takes_none_of_another_and_its_oldest_policies_come_first()
    {
        var options = new JwksOptions { MaxSources = 6, MaxSourcesPerNamespace = 4 };
        string[] many = [.. Enumerable.Range(0, 9).Select(static i => $"https://a.example/{i}")];
        var snapshot = MeshSnapshotBuilder.Build(
            null,
            [
                Policy("aaa", "young", age: 1, many), Policy("aaa", "old", age: 2, "https://a.example/first"), Policy("istio-system", "mesh", age: 0, "https://mesh.example"),
                Policy("zzz", "tokens", age: 0, "https://z.example/1", "https://z.example/2", "https://a.example/0"),
            ], 1);

        var wanted = WantedSources.Of(snapshot, options);

        Assert.Equal(
            ["https://a.example/0", "https://a.example/1", "https://a.example/first", "https://mesh.example", "https://z.example/1", "https://z.example/2"],
            wanted.Sources.Keys.Select(static source => source.Uri).Order(StringComparer.Ordinal));
        Assert.Equal("7 of the sources that the namespace aaa names", wanted.LeftOut);
        // Alone it has what one namespace may have, not what is free.
        var alone = WantedSources.Of(MeshSnapshotBuilder.Build(null, [Policy("aaa", "young", age: 1, many)], 1), options);
        Assert.Equal((4, "5 of the sources that the namespace aaa names"), (alone.Sources.Count, alone.LeftOut));
    }

    [Fact]
    public async Task Sources_beyond_the_bound_are_not_fetched_and_that_is_said_once()
    {
        await using var bounded = Make(Local with { MaxSources = 1 });
        _server.Serve("/a", Set("a"));
        _server.Serve("/b", Set("b"));
        bounded.Want(Naming(_server.Url("/a"), _server.Url("/b")));
        bounded.Want(Naming(_server.Url("/a"), _server.Url("/b")));
        Assert.Contains("1 of the sources that the namespace shop names", await LoggedAsync(), StringComparison.Ordinal);
        await ChangedAsync();
        Assert.Equal("/a", await _server.NextAsync());
        Assert.NotNull(bounded.Current.Find(new KeySource(_server.Url("/a"), IsIssuer: false)));
        Assert.Equal(0, _server.Unread);
        Assert.StartsWith("keys of", await LoggedAsync(), StringComparison.Ordinal);
    }
}
