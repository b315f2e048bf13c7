namespace Lateen.Http.Tests;

/// <summary>The request path allocates nothing once its objects exist. The count is of this thread, so tests beside it do not disturb.</summary>
public sealed class AllocationTests
{
    private static readonly byte[] Request =
    [
        .. "GET /api/v1/products/0/reviews?user=jason&lang=en HTTP/1.1\r\nHost: reviews.bookshop.example:9080\r\nUser-Agent: Mozilla/5.0 (X11) Gecko\r\n"u8,
        .. "Accept: application/json\r\nAccept-Encoding: gzip, br\r\nX-Request-Id: 5e7a1c1e-2f5b-4a1d-9b0a-3f6f0f0c9a11\r\nCookie: session=0123456789abcdef\r\n\r\n"u8,
    ];

    private static readonly byte[] Post =
    [
        .. "POST http://Reviews.Bookshop/a/../b//c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nExpect: 100-continue\r\n\r\n"u8,
        .. "5;ext\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"u8,
    ];

    private static readonly byte[] Response =
        [.. "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: application/json\r\nContent-Length: 11\r\nServer: upstream\r\n\r\nhello world"u8];

    [Fact]
    public void Large_heads_borrow_their_memory_and_give_it_back()
    {
        var parser = new Http1RequestParser(new Http1RequestOptions());
        var head = new HttpRequestHead();
        byte[] message = Reading.Bytes($"GET / HTTP/1.1\r\nHost: a\r\n{string.Concat(Enumerable.Range(0, 90).Select(i => $"x-{i}: {new string('x', 300)}\r\n"))}\r\n");
        int resident = 0;

        // The array pool sets up its shared part when it is first needed, or anew after a collection: that is one round's, a head's own cost every round's.
        Assert.Contains(0, Enumerable.Range(0, 5).Select(_ => Allocated()));
        Assert.True(resident > message.Length);
        Assert.InRange(head.Headers.ResidentBytes, 0, HeaderBlock.RetainedBytes + 4096);

        long Allocated()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 100; i++) Read();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        void Read()
        {
            if (parser.Parse(head, message, out _) != ParseStatus.Complete) throw new InvalidOperationException("refused");
            resident = head.Headers.ResidentBytes;
            head.Reset();
        }
    }

    [Fact]
    public void Request_and_response_through_the_codec_allocate_nothing()
    {
        var options = new Http1RequestOptions { Path = PathPolicy.For(PathNormalization.MergeSlashes) };
        var requestParser = new Http1RequestParser(options);
        var responseParser = new Http1ResponseParser(Http1Limits.Default);
        var head = new HttpRequestHead();
        var response = new HttpResponseHead();
        var decoder = new Http1BodyDecoder();
        byte[] buffer = new byte[4096];

        for (int i = 0; i < 100; i++) OneExchange(); // Tiered compilation and growth to the working size happen here.
        long least = long.MaxValue;
        for (int round = 0; round < 3; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++) OneExchange();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before); // The runtime may allocate once when it compiles a hot method again.
        }

        Assert.Equal(0, least);

        void OneExchange()
        {
            foreach (byte[] message in (ReadOnlySpan<byte[]>)[Request, Post])
            {
                head.Reset();
                Read(head, message);
                head.StripHopByHop();
                head.Headers.Set(KnownHeader.XRequestId, "0"u8);
                head.Headers.AppendToList(KnownHeader.XForwardedFor, "10.0.0.1"u8);
                head.SetPath("/rewritten"u8);
                head.SetAuthority("Other:80"u8);
                if (!Http1Writer.TryWriteRequest(head, RequestWriteOptions.None, buffer, out _)) throw new InvalidOperationException("too small");
            }

            response.Reset();
            if (responseParser.Parse(response, RequestMethod.Get, Response, out int used) != ParseStatus.Complete) throw new InvalidOperationException("refused");
            decoder.Start(response, Http1Limits.Default);
            decoder.Decode(Response.AsSpan(used));
            ResponsePlan plan = ResponsePlan.For(response, RequestMethod.Get, HttpProtocol.Http11, keepAlive: true);
            if (!Http1Writer.TryWriteResponse(response, plan, buffer, out _)) throw new InvalidOperationException("too small");
        }

        void Read(HttpRequestHead target, ReadOnlySpan<byte> message)
        {
            // In two pieces, so that the carrying over is measured too.
            requestParser.Parse(target, message[..40], out _);
            if (requestParser.Parse(target, message[40..], out int consumed) != ParseStatus.Complete) throw new InvalidOperationException("refused");
            decoder.Start(target, options.Limits);
            ReadOnlySpan<byte> rest = message[(40 + consumed)..];
            while (!decoder.IsComplete) rest = rest[decoder.Decode(rest).Consumed..];
        }
    }
}
