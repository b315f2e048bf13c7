namespace Lateen.Http.Tests;

public sealed class HeaderBlockTests
{
    [Fact]
    public void Every_known_name_is_recognised_in_any_case_and_not_when_a_letter_differs()
    {
        foreach (KnownHeader id in Enum.GetValues<KnownHeader>())
        {
            if (id == KnownHeader.None) continue;
            string name = Reading.Text(KnownHeaders.NameOf(id));
            Assert.Equal(id, KnownHeaders.Recognize(Reading.Bytes(name)));
            Assert.Equal(id, KnownHeaders.Recognize(Reading.Bytes(name.ToUpperInvariant())));
            for (int i = 0; i < name.Length; i++)
            {
                char other = name[i] == 'q' ? 'z' : 'q';
                Assert.Equal(KnownHeader.None, KnownHeaders.Recognize(Reading.Bytes(name[..i] + other + name[(i + 1)..])));
            }

            Assert.NotEqual(id, KnownHeaders.Recognize(Reading.Bytes(name + "s")));
            Assert.NotEqual(id, KnownHeaders.Recognize(Reading.Bytes(name[..^1])));
        }
    }

    [Fact]
    public void Known_names_are_distinct_and_fit_the_presence_bitmap()
    {
        string[] names = Enum.GetValues<KnownHeader>().Skip(1).Select(id => Reading.Text(KnownHeaders.NameOf(id))).ToArray();
        Assert.Equal(names.Length, names.Distinct().Count());
        Assert.Equal(KnownHeaders.Count, names.Length + 1);
        Assert.InRange(KnownHeaders.Count, 1, 128);
    }

    [Fact]
    public void No_other_token_byte_passes_for_a_byte_of_a_known_name()
    {
        for (int b = 0; b < 128; b++)
        {
            byte[] name = Reading.Bytes("Host");
            name[0] = (byte)b;
            bool isToken = Grammar.IsToken(name);
            Assert.Equal(isToken && b is 'h' or 'H' ? KnownHeader.Host : KnownHeader.None, isToken ? KnownHeaders.Recognize(name) : KnownHeader.None);
            name = Reading.Bytes("content-length");
            name[7] = (byte)b;
            if (Grammar.IsToken(name)) Assert.Equal(b == '-' ? KnownHeader.ContentLength : KnownHeader.None, KnownHeaders.Recognize(name));
        }
    }

    [Fact]
    public void Set_replaces_in_place_and_removes_the_others()
    {
        HeaderBlock headers = Exchange.Head("GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nVia: v\r\nx-a: 2\r\nvia: w\r\nB: 3\r\n\r\n").Headers;
        headers.Set("x-A"u8, "new"u8);
        headers.Set(KnownHeader.Via, "me"u8);
        headers.Set(KnownHeader.Server, "s"u8);
        headers.Set(HeaderName.Create("B"), ""u8);
        Assert.Equal("X-A: new\nVia: me\nB: \nserver: s\n", headers.ToString());
    }

    [Fact]
    public void Changed_fields_are_written_in_their_place()
    {
        HttpRequestHead head = Exchange.Head("GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-B:2\r\nX-C: 3\r\nX-D: 4\r\n\r\n");
        head.Headers.Set("X-C"u8, "three"u8);
        head.Headers.Add(KnownHeader.XRequestId, "id"u8);
        head.Headers.Add("last"u8, ""u8);
        Assert.Equal("GET / HTTP/1.1\r\nhost: a\r\nX-A: 1\r\nX-B: 2\r\nX-C: three\r\nX-D: 4\r\nx-request-id: id\r\nlast: \r\n\r\n", Wire.Of(head));
    }

    [Fact]
    public void Removing_by_any_key_takes_all_of_the_name()
    {
        HeaderBlock headers = Exchange.Head("GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nVia: v\r\nx-a: 2\r\nvia: w\r\nB: 3\r\n\r\n").Headers;
        Assert.Equal(2, headers.Remove("X-a"u8));
        Assert.Equal(2, headers.Remove(HeaderName.Create("VIA")));
        Assert.Equal(0, headers.Remove(KnownHeader.Via));
        Assert.False(headers.Contains(KnownHeader.Via));
        Assert.Equal("B: 3\n", headers.ToString());
    }

    [Fact]
    public void Removing_one_of_two_keeps_the_name_present()
    {
        HeaderBlock headers = Exchange.Head("GET / HTTP/1.1\r\nHost: a\r\nVia: v\r\nvia: w\r\n\r\n").Headers;
        headers.RemoveAt(0);
        Assert.Equal("w", Reading.Text(headers.Get(KnownHeader.Via)));
        headers.RemoveAt(0);
        Assert.False(headers.TryGet(KnownHeader.Via, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => headers.RemoveAt(0));
    }

    [Fact]
    public void List_grows_with_a_comma_at_its_last_field()
    {
        HeaderBlock headers = Exchange.Head("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nx-forwarded-for: 2.2.2.2\r\n\r\n").Headers;
        headers.AppendToList(KnownHeader.XForwardedFor, "3.3.3.3"u8);
        headers.AppendToList(KnownHeader.Via, "1.1 me"u8);
        Assert.Equal("X-Forwarded-For: 1.1.1.1\nx-forwarded-for: 2.2.2.2,3.3.3.3\nvia: 1.1 me\n", headers.ToString());
    }

    [Theory]
    [InlineData("a\r\nEvil: 1")]
    [InlineData("a\nb")]
    [InlineData("a\0b")]
    public void Control_bytes_cannot_be_put_into_a_message(string value)
    {
        HeaderBlock headers = Exchange.Head("GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n\r\n").Headers;
        Assert.Throws<ArgumentException>(() => headers.Add("X-B"u8, Reading.Bytes(value)));
        Assert.Throws<ArgumentException>(() => headers.Set("X-A"u8, Reading.Bytes(value)));
        Assert.Throws<ArgumentException>(() => headers.AppendToList(KnownHeader.Via, Reading.Bytes(value)));
        Assert.Throws<ArgumentException>(() => headers.Add(Reading.Bytes(value), "x"u8));
        Assert.Equal("X-A: 1\n", headers.ToString());
    }

    [Fact]
    public void A_value_of_the_block_can_be_copied_into_it_while_it_grows()
    {
        HeaderBlock headers = Exchange.Head("GET / HTTP/1.1\r\nHost: a\r\nX-A: original\r\n\r\n").Headers;
        for (int i = 0; i < 500; i++) headers.Add("copy"u8, headers[i].Value);
        Assert.Equal(501, headers.Count);
        Assert.Equal("original", Reading.Text(headers[500].Value));
    }

    [Fact]
    public void Reset_forgets_all_and_gives_large_memory_back()
    {
        HttpRequestHead head = Exchange.Head("GET / HTTP/1.1\r\nHost: a\r\nX: " + new string('x', 50_000) + "\r\n\r\n");
        Assert.True(head.Headers.ResidentBytes > 50_000);
        string fresh = Exchange.Describe(new HttpRequestHead());
        head.Reset();
        Assert.InRange(head.Headers.ResidentBytes, 0, HeaderBlock.RetainedBytes + 2048);
        Assert.Equal(fresh, Exchange.Describe(head));
    }

    [Fact]
    public void Reset_forgets_every_property_of_a_request()
    {
        var head = new HttpRequestHead();
        var parser = new Http1RequestParser(new Http1RequestOptions());
        string fresh = Exchange.Describe(head);
        ReadOnlySpan<byte> message = "POST http://A:1/p?q HTTP/1.1\r\nHost: b\r\nConnection: upgrade, close\r\nUpgrade: x\r\nTE: trailers\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"u8;
        Assert.Equal(ParseStatus.Complete, parser.Parse(head, message, out _));
        string first = Exchange.Describe(head);
        head.Reset();
        Assert.Equal(fresh, Exchange.Describe(head));
        Assert.Equal(ParseStatus.Complete, parser.Parse(head, message, out _));
        Assert.Equal(first, Exchange.Describe(head));
    }

    [Fact]
    public void Names_that_are_no_tokens_cannot_be_configured()
    {
        Assert.False(HeaderName.TryCreate(":path", out _));
        Assert.False(HeaderName.TryCreate("", out _));
        Assert.False(HeaderName.TryCreate("a b", out _));
        Assert.Equal(KnownHeader.XRequestId, HeaderName.Create("X-Request-ID").Known);
    }
}
