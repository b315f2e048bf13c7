using System.Text;

namespace Lateen.Http.Tests;

/// <summary>
/// What one message turned out to be, as text, so that two readings of the same bytes can be compared whole: verdict, canonical head,
/// payload, trailers, and how many octets were left for the next message.
/// </summary>
internal sealed record Reading(string Verdict, string Head, string Payload, string Trailers, int Rest)
{
    public HttpRejectionCode Code { get; init; }

    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);
}

/// <summary>
/// Feeds messages to the codec in pieces. <see cref="Request(byte[], Http1RequestOptions?)"/> and <see cref="Response(byte[], RequestMethod, Http1Limits?)"/> read the same bytes whole, one octet at
/// a time, and cut in two at every position, and fail unless all readings agree.
/// </summary>
internal static class Exchange
{
    public static Reading Request(string message, Http1RequestOptions? options = null) => Request(Reading.Bytes(message), options);

    public static Reading Request(byte[] message, Http1RequestOptions? options = null)
    {
        options ??= new Http1RequestOptions();
        return AllCuts(message, pieces => ReadRequest(message, pieces, options));
    }

    public static Reading Response(string message, RequestMethod method = RequestMethod.Get, Http1Limits? limits = null) =>
        Response(Reading.Bytes(message), method, limits);

    public static Reading Response(byte[] message, RequestMethod method = RequestMethod.Get, Http1Limits? limits = null)
    {
        limits ??= Http1Limits.Default;
        return AllCuts(message, pieces => ReadResponse(message, pieces, method, limits));
    }

    /// <summary>The head of an accepted request, for tests that look at its properties.</summary>
    public static HttpRequestHead Head(string message, Http1RequestOptions? options = null)
    {
        var head = new HttpRequestHead();
        ParseStatus status = new Http1RequestParser(options ?? new Http1RequestOptions()).Parse(head, Reading.Bytes(message), out _);
        Assert.True(status == ParseStatus.Complete, $"{status}: {head.Rejection}");
        return head;
    }

    /// <summary>The head of an accepted response.</summary>
    public static HttpResponseHead ResponseHead(string message, RequestMethod method = RequestMethod.Get)
    {
        var head = new HttpResponseHead();
        ParseStatus status = new Http1ResponseParser(Http1Limits.Default).Parse(head, method, Reading.Bytes(message), out _);
        Assert.True(status == ParseStatus.Complete, $"{status}: {head.Rejection}");
        return head;
    }

    public static Reading ReadRequest(ReadOnlySpan<byte> message, int[] pieces, Http1RequestOptions options)
    {
        var head = new HttpRequestHead();
        var parser = new Http1RequestParser(options);
        var decoder = new Http1BodyDecoder();
        var payload = new StringBuilder();
        bool headDone = false;
        int at = 0;
        foreach (int end in pieces)
        {
            ReadOnlySpan<byte> piece = message[at..end];
            if (!headDone)
            {
                ParseStatus status = parser.Parse(head, piece, out int consumed);
                CheckConsumed(status, consumed, piece.Length);
                if (status == ParseStatus.Rejected) return Refused(head.Rejection, "");
                at += consumed;
                if (status == ParseStatus.NeedMore) continue;
                headDone = true;
                if (head.Framing == BodyFraming.Tunnel) break;
                decoder.Start(head, options.Limits);
            }

            DecodeSoFar(decoder, message[..end], ref at, payload);
            if (decoder.Rejection.Code != HttpRejectionCode.None) return Refused(decoder.Rejection, Describe(head));
            if (decoder.IsComplete) break;
        }

        if (!headDone) return new Reading("incomplete", "", "", "", 0);
        string verdict = decoder.IsComplete ? "complete" : "incomplete body";
        return new Reading(verdict, Describe(head), payload.ToString(), decoder.Trailers?.ToString() ?? "", decoder.IsComplete ? message.Length - at : 0);
    }

    public static Reading ReadResponse(ReadOnlySpan<byte> message, int[] pieces, RequestMethod method, Http1Limits limits)
    {
        var head = new HttpResponseHead();
        var parser = new Http1ResponseParser(limits);
        var decoder = new Http1BodyDecoder();
        var payload = new StringBuilder();
        bool headDone = false;
        int at = 0;
        foreach (int end in pieces)
        {
            ReadOnlySpan<byte> piece = message[at..end];
            if (!headDone)
            {
                ParseStatus status = parser.Parse(head, method, piece, out int consumed);
                CheckConsumed(status, consumed, piece.Length);
                if (status == ParseStatus.Rejected) return Refused(head.Rejection, "");
                at += consumed;
                if (status == ParseStatus.NeedMore) continue;
                headDone = true;
                decoder.Start(head, limits);
            }

            DecodeSoFar(decoder, message[..end], ref at, payload);
            if (decoder.Rejection.Code != HttpRejectionCode.None) return Refused(decoder.Rejection, Describe(head));
            if (decoder.IsComplete) break;
        }

        if (!headDone) return new Reading("incomplete", "", "", "", 0);
        string verdict = decoder.IsComplete ? "complete" : "incomplete body";
        return new Reading(verdict, Describe(head), payload.ToString(), decoder.Trailers?.ToString() ?? "", decoder.IsComplete ? message.Length - at : 0);
    }

    public static string Describe(HttpRequestHead head) =>
        $"{Reading.Text(head.MethodText)}|{head.Method}|{head.Protocol}|{head.Form}|{head.Scheme}|{Reading.Text(head.Authority)}|"
        + $"{Reading.Text(head.LowerAuthority)}|{Reading.Text(head.Host)}|{head.Port}|{Reading.Text(head.Path)}|{head.HasQuery}|{Reading.Text(head.Query)}|"
        + $"{Reading.Text(head.PathAndQuery)}|{Reading.Text(head.OriginalPathAndQuery)}|{head.Framing}|{head.ContentLength}|continue={head.ExpectsContinue}|"
        + $"keep={head.KeepAlive}|upgrade={Reading.Text(head.Upgrade)}|te={head.AcceptsTrailers}|redirect={head.WantsPathRedirect}\n{head.Headers}";

    public static string Describe(HttpResponseHead head) =>
        $"{head.Status}|{head.Protocol}|{Reading.Text(head.ReasonPhrase)}|{head.Framing}|{head.ContentLength}|keep={head.KeepAlive}|"
        + $"upgrade={Reading.Text(head.Upgrade)}|interim={head.IsInterim}\n{head.Headers}";

    private static Reading AllCuts(byte[] message, Func<int[], Reading> read)
    {
        Reading whole = read([message.Length]);
        Reading single = read(Enumerable.Range(1, message.Length).ToArray());
        Assert.Equal(whole, single);
        for (int cut = 1; cut < message.Length; cut++)
        {
            Reading halves = read([cut, message.Length]);
            if (whole != halves) Assert.Fail($"cut at {cut} reads\n{halves}\ninstead of\n{whole}");
        }

        return whole;
    }

    private static void DecodeSoFar(Http1BodyDecoder decoder, ReadOnlySpan<byte> available, ref int at, StringBuilder payload)
    {
        while (true)
        {
            ReadOnlySpan<byte> piece = available[at..];
            BodyStep step = decoder.Decode(piece);
            Assert.InRange(step.Consumed, 0, piece.Length);
            Assert.InRange(step.PayloadStart, 0, piece.Length);
            Assert.InRange(step.PayloadLength, 0, step.Consumed - step.PayloadStart);
            payload.Append(Reading.Text(piece.Slice(step.PayloadStart, step.PayloadLength)));
            at += step.Consumed;
            if (step.Status != BodyStatus.Payload) return;
            Assert.True(step.Consumed > 0, "a step with payload consumes it");
        }
    }

    private static void CheckConsumed(ParseStatus status, int consumed, int length)
    {
        if (status == ParseStatus.NeedMore) Assert.Equal(length, consumed);
        else Assert.InRange(consumed, 0, length);
    }

    private static Reading Refused(HttpRejection rejection, string head) =>
        new($"{rejection.Status} {rejection.Code}", head, "", "", 0) { Code = rejection.Code };
}
