using Lateen.Identity.Joining;

namespace Lateen.Identity.Tests;

public sealed class JoinTokenTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);
    private readonly List<JoinTokenFile> _saved = [];

    private JoinTokenTable Table(params JoinTokenRecord[] records) => new(records, _saved.Add);

    private static string Issue(JoinTokenTable table, out JoinTokenRecord record, int uses = 1)
    {
        Assert.True(table.TryIssue("shop", "web", TimeSpan.FromHours(1), uses, Now, out string? token, out var made, out string? reason), reason);
        record = made;
        return token;
    }

    [Fact]
    public void A_token_admits_its_workload_once_and_a_replay_nobody()
    {
        var table = Table();
        string token = Issue(table, out var issued);
        Assert.Equal(JoinTokenFailure.None, table.Check(token, Now, out var record));
        Assert.Equal("spiffe://cluster.local/ns/shop/sa/web", record!.OnlyIdentity(TrustDomain.Default)!.Uri);
        Assert.True(table.TryConsume(issued.Id, Now));
        Assert.Equal(JoinTokenFailure.UsedUp, table.Check(token, Now, out _));
        Assert.False(table.TryConsume(issued.Id, Now));
    }

    [Fact]
    public void A_use_is_kept_before_it_counts_and_survives_a_restart()
    {
        var table = Table();
        string token = Issue(table, out var issued);
        table.TryConsume(issued.Id, Now);
        var file = JoinTokenTable.Read(JoinTokenTable.ToJson(_saved[^1]), out _);
        var restarted = Table([.. file!.Tokens]);
        Assert.Equal(JoinTokenFailure.UsedUp, restarted.Check(token, Now, out _));

        bool isFull = false;
        var failing = new JoinTokenTable(_saved[0].Tokens, _ => { if (isFull) throw new IOException("disk full"); });
        isFull = true;
        Assert.Throws<IOException>(() => failing.TryConsume(issued.Id, Now));
        isFull = false;
        Assert.True(failing.TryConsume(issued.Id, Now));
    }

    [Fact]
    public void The_secret_is_in_no_file_and_no_record()
    {
        var table = Table();
        string token = Issue(table, out var record);
        string secret = token[(token.LastIndexOf('.') + 1)..];
        Assert.DoesNotContain(secret, System.Text.Encoding.UTF8.GetString(JoinTokenTable.ToJson(_saved[^1])), StringComparison.Ordinal);
        Assert.DoesNotContain(secret, record.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_token_works_from_its_issue_to_its_end()
    {
        var table = Table();
        string token = Issue(table, out var issued);
        Assert.Equal(JoinTokenFailure.None, table.Check(token, Now.AddMinutes(59), out _));
        Assert.Equal(JoinTokenFailure.Expired, table.Check(token, Now.AddHours(1), out _));
        Assert.False(table.TryConsume(issued.Id, Now.AddHours(1)));
    }

    [Fact]
    public void Anything_but_the_very_token_is_refused()
    {
        var table = Table();
        string token = Issue(table, out var issued);
        Assert.Equal(JoinTokenFailure.Unknown, Table().Check(token, Now, out _));
        for (int at = 0; at < token.Length; at++)
        {
            char[] changed = token.ToCharArray();
            changed[at] = changed[at] == 'A' ? 'B' : 'A';
            Assert.NotEqual(JoinTokenFailure.None, table.Check(new string(changed), Now, out _));
            Assert.NotEqual(JoinTokenFailure.None, table.Check(token[..at], Now, out _));
        }

        Assert.Equal(JoinTokenFailure.WrongSecret, table.Check(token[..^4] + "AAAA", Now, out _));
        Assert.Equal(JoinTokenFailure.Malformed, table.Check(token + "A", Now, out _));
        Assert.Equal(JoinTokenFailure.Malformed, table.Check(new string('é', token.Length), Now, out _));
        Assert.True(table.Remove(issued.Id));
        Assert.Equal(JoinTokenFailure.Unknown, table.Check(token, Now, out _));
    }

    [Fact]
    public void Of_many_that_come_at_once_as_many_are_admitted_as_there_are_uses()
    {
        var table = Table();
        Issue(table, out var issued, uses: 7);
        int admitted = 0;
        Parallel.For(0, 200, _ =>
        {
            if (table.TryConsume(issued.Id, Now)) Interlocked.Increment(ref admitted);
        });
        Assert.Equal(7, admitted);
    }

    [Fact]
    public void Bounds_of_life_uses_names_and_number_hold()
    {
        var table = Table();
        Assert.False(table.TryIssue("shop", "web", TimeSpan.Zero, 1, Now, out _, out _, out _));
        Assert.False(table.TryIssue("shop", "web", JoinTokenTable.MaxLifetime + TimeSpan.FromSeconds(1), 1, Now, out _, out _, out _));
        Assert.False(table.TryIssue("shop", "web", TimeSpan.FromHours(1), 0, Now, out _, out _, out _));
        Assert.False(table.TryIssue("shop", "web", TimeSpan.FromHours(1), JoinTokenTable.MaxUses + 1, Now, out _, out _, out _));
        Assert.False(table.TryIssue("sh/op", "web", TimeSpan.FromHours(1), 1, Now, out _, out _, out _));
        var full = Table([.. Enumerable.Range(0, JoinTokenTable.MaxTokens).Select(i => new JoinTokenRecord($"{i:x16}", "", "shop", "web", Now, Now.AddMinutes(i == 0 ? 1 : 60), 1))]);
        Assert.False(full.TryIssue("shop", "web", TimeSpan.FromHours(1), 1, Now, out _, out _, out string? reason));
        Assert.Contains("10000 tokens are out", reason, StringComparison.Ordinal);
        Assert.True(full.TryIssue("shop", "web", TimeSpan.FromHours(1), 1, Now.AddMinutes(2), out _, out _, out _));
    }

    [Theory]
    [InlineData("*", "*", "any", "any", true)]
    [InlineData("*", "web", "any", "web", true)]
    [InlineData("*", "web", "any", "admin", false)]
    [InlineData("shop", "*", "shop", "any", true)]
    [InlineData("shop", "*", "other", "any", false)]
    public void A_star_stands_for_any_name_where_the_operator_wrote_it(string @namespace, string account, string askedNamespace, string askedAccount, bool admits)
    {
        var record = new JoinTokenRecord("0", "", @namespace, account, Now, Now, 1);
        Assert.Equal(admits, record.Admits(SpiffeId.Create(TrustDomain.Default, askedNamespace, askedAccount)));
        Assert.Null(record.OnlyIdentity(TrustDomain.Default));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("{\"version\": 2, \"tokens\": []}")]
    public void A_damaged_file_is_told_from_an_empty_one(string json)
    {
        Assert.Null(JoinTokenTable.Read(System.Text.Encoding.UTF8.GetBytes(json), out string? reason));
        Assert.NotNull(reason);
    }
}
