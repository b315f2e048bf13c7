namespace Lateen.Identity.Tests;

public sealed class SpiffeIdTests
{
    [Theory]
    [InlineData("spiffe://cluster.local/ns/shop/sa/web", "cluster.local", "shop", "web")]
    [InlineData("spiffe://td_1.example-2/ns/a.b/sa/Web_1", "td_1.example-2", "a.b", "Web_1")]
    [InlineData("spiffe://1.2.3/ns/0/sa/0", "1.2.3", "0", "0")]
    public void An_identity_is_read_and_written_octet_for_octet(string uri, string domain, string @namespace, string account)
    {
        Assert.True(SpiffeId.TryParse(uri, out var id, out _));
        Assert.Equal((domain, @namespace, account, uri), (id.TrustDomain.Name, id.Namespace, id.ServiceAccount, id.ToString()));
        Assert.Equal(id, SpiffeId.Create(TrustDomain.Parse(domain), @namespace, account));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("spiffe://")]
    [InlineData("spiffe://cluster.local")]
    [InlineData("spiffe:///ns/shop/sa/web")]
    [InlineData("SPIFFE://cluster.local/ns/shop/sa/web")]
    [InlineData("spiffe://Cluster.local/ns/shop/sa/web")]
    [InlineData("spiffe://cluster.local:15012/ns/shop/sa/web")]
    [InlineData("spiffe://user@cluster.local/ns/shop/sa/web")]
    [InlineData("spiffe://cluster.local/ns/shop/sa/web/")]
    [InlineData("spiffe://cluster.local/ns/shop/sa/")]
    [InlineData("spiffe://cluster.local/ns//sa/web")]
    [InlineData("spiffe://cluster.local/ns/../sa/web")]
    [InlineData("spiffe://cluster.local/ns/shop/sa/%77eb")]
    [InlineData("spiffe://cluster.local/ns/shop/sa/web?x=1")]
    [InlineData("spiffe://cluster.local/ns/shop/sa/web#x")]
    [InlineData("spiffe://cluster.local/ns/shop/sa/wéb")]
    [InlineData("spiffe://cluster.local/ns/shop/sa/web\0")]
    [InlineData("spiffe://cluster.local/sa/web/ns/shop")]
    [InlineData("https://cluster.local/ns/shop/sa/web")]
    public void What_is_no_identity_is_refused_with_a_reason(string? text)
    {
        Assert.False(SpiffeId.TryParse(text, out var id, out string? reason));
        Assert.Null(id);
        Assert.NotEmpty(reason);
    }

    [Fact]
    public void Every_beginning_of_an_identity_is_refused()
    {
        const string whole = "spiffe://cluster.local/ns/shop/sa/w";
        for (int length = 0; length < whole.Length; length++) Assert.False(SpiffeId.TryParse(whole[..length], out _, out _), whole[..length]);
    }

    [Fact]
    public void The_bounds_of_length_hold_exactly()
    {
        string longest = new('a', SpiffeId.MaxSegmentLength);
        Assert.True(SpiffeId.TryCreate(TrustDomain.Default, longest, longest, out _, out _));
        Assert.False(SpiffeId.TryCreate(TrustDomain.Default, longest + "a", "web", out _, out _));
        Assert.False(SpiffeId.TryCreate(TrustDomain.Default, "shop", longest + "a", out _, out _));
        Assert.True(TrustDomain.TryParse(new string('a', TrustDomain.MaxLength), out _, out _));
        Assert.False(TrustDomain.TryParse(new string('a', TrustDomain.MaxLength + 1), out _, out _));
        Assert.False(SpiffeId.TryParse("spiffe://cluster.local/" + new string('a', SpiffeId.MaxLength), out _, out _));
    }
}
