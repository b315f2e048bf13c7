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

    private static MeshSnapshot Naming(params string[] uris)
    {
        var rules = uris.Select(uri => new JwtRule { Issuer = uri, JwksUri = uri, Timeout = FetchTimeout });
        var policy = new Resource<RequestAuthentication>(
            ResourceKind.RequestAuthentication, new ResourceMetadata { Name = "tokens", Namespace = "shop" }, new RequestAuthentication { JwtRules = [.. rules] });
        return MeshSnapshotBuilder.Build(null, [policy], 1);
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
        Assert.Contains("the last good ones stay", await LoggedAsync(), StringComparison.Ordinal);
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
    public async Task Sources_beyond_the_bound_are_not_fetched()
    {
        await using var bounded = Make(Local with { MaxSources = 1 });
        _server.Serve("/a", Set("a"));
        _server.Serve("/b", Set("b"));
        bounded.Want(Naming(_server.Url("/b"), _server.Url("/a")));
        Assert.Contains("beyond the first 1", await LoggedAsync(), StringComparison.Ordinal);
        await ChangedAsync();
        Assert.Equal("/a", await _server.NextAsync());
        Assert.NotNull(bounded.Current.Find(new KeySource(_server.Url("/a"), IsIssuer: false)));
        Assert.Equal(0, _server.Unread);
    }
}
