namespace Lateen.Http.Tests;

/// <summary>
/// Random and mutated messages: never an exception, never a read out of bounds (spans see to that by throwing), the same verdict however the
/// bytes are cut, and what is accepted means the same after it was written and read again. Seeds are fixed, so a failure repeats.
/// </summary>
public sealed class FuzzTests
{
    private static readonly byte[][] Requests = Load("*.req");
    private static readonly byte[][] Responses = Load("*.res");

    private static readonly string[] Splices =
    [
        "\r\n", "\n", "\r", "\0", " ", "\t", ":", ",", ";", "\"", "%", "%2e", "%2F", "/../", "//", "\\", "#", "@", "*", "0\r\n\r\n", "\r\n\r\n",
        "Transfer-Encoding: chunked\r\n", "Content-Length: 3\r\n", "Content-Length: 4", "Connection: close\r\n", "Connection: upgrade, te\r\n",
        "Host: b\r\n", "HTTP/1.0", "HTTP/1.1", "GET ", "CONNECT ", "http://", "ffffffffffffffff", "chunked, ", "Expect: 100-continue\r\n", "\u00e9", "\u007f",
    ];

    [Fact]
    public void Random_bytes_are_read_without_harm_and_the_same_in_any_pieces()
    {
        var random = new Random(1);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] message = new byte[random.Next(1, 200)];
            random.NextBytes(message);
            if (i % 2 == 0) MakeTextLike(message, random);
            CheckRequest(message, random);
            CheckResponse(message, random);
        }
    }

    [Fact]
    public void Mutated_requests_are_read_the_same_in_any_pieces_and_survive_a_round_trip()
    {
        var random = new Random(2);
        int accepted = 0;
        for (int i = 0; i < 40_000; i++) accepted += CheckRequest(Mutate(Requests, random), random) ? 1 : 0;
        Assert.InRange(accepted, 1000, 39_000); // Mutations that all fail, or all pass, would test nothing.
    }

    [Fact]
    public void Mutated_responses_are_read_the_same_in_any_pieces_and_survive_a_round_trip()
    {
        var random = new Random(3);
        int accepted = 0;
        for (int i = 0; i < 30_000; i++) accepted += CheckResponse(Mutate(Responses, random), random) ? 1 : 0;
        Assert.InRange(accepted, 1000, 29_000);
    }

    [Fact]
    public void Corpus_messages_accepted_survive_a_round_trip()
    {
        var random = new Random(4);
        Assert.True(Requests.Count(message => CheckRequest(message, random)) >= 10);
        Assert.True(Responses.Count(message => CheckResponse(message, random)) >= 5);
    }

    private static bool CheckRequest(byte[] message, Random random)
    {
        var options = new Http1RequestOptions
        {
            Path = PathPolicy.For((PathNormalization)random.Next(4)),
            Limits = random.Next(4) == 0
                ? new Http1Limits { MaxHeadOctets = random.Next(20, 200), MaxTargetOctets = random.Next(5, 50), MaxFields = random.Next(1, 6), MaxTrailerOctets = 20, MaxChunkExtensionOctets = 4 }
                : Http1Limits.Default,
        };
        Reading whole = Exchange.ReadRequest(message, [message.Length], options);
        Reading pieces = Exchange.ReadRequest(message, RandomCuts(message.Length, random), options);
        if (whole != pieces) Assert.Fail($"{Convert.ToHexString(message)}\n{whole}\n{pieces}");

        var head = new HttpRequestHead();
        if (new Http1RequestParser(options).Parse(head, message, out _) != ParseStatus.Complete) return false;
        CheckRoundTrip(head, message, options);
        return true;
    }

    /// <summary>Parse, write, parse: the canonical request is the same, but for what a hop may change: version, form, and its own hop's fields.</summary>
    private static void CheckRoundTrip(HttpRequestHead head, byte[] message, Http1RequestOptions options)
    {
        if (head.Authority.IsEmpty) return; // HTTP/1.0 without Host: it gets one from configuration before it is forwarded.
        string wire = Wire.Of(head, RequestWriteOptions.ForwardUpgrade);
        var again = new HttpRequestHead();
        var roomy = options with { Limits = Http1Limits.Default, Path = PathPolicy.None };
        ParseStatus status = new Http1RequestParser(roomy).Parse(again, Reading.Bytes(wire), out int consumed);
        if (status != ParseStatus.Complete || consumed != wire.Length) Assert.Fail($"{Convert.ToHexString(message)}\nwas forwarded as\n{wire}\n{again.Rejection}");
        again.StripHopByHop();
        if (Semantics(head) != Semantics(again)) Assert.Fail($"{Convert.ToHexString(message)}\n{Semantics(head)}\n{Semantics(again)}");
        Assert.Equal(wire, Wire.Of(again, RequestWriteOptions.ForwardUpgrade));
    }

    private static string Semantics(HttpRequestHead head)
    {
        string fields = "";
        for (int i = 0; i < head.Headers.Count; i++)
        {
            HeaderField field = head.Headers[i];
            if (field.Id is not KnownHeader.ContentLength) fields += $"{Reading.Text(field.Name)}: {Reading.Text(field.Value)}\n";
        }

        return $"{Reading.Text(head.MethodText)} {Reading.Text(head.PathAndQuery)} {head.HasQuery} {Reading.Text(head.Authority)} {head.Port} "
            + $"{head.Framing} {head.ContentLength} {Reading.Text(head.Upgrade)} {head.AcceptsTrailers}\n{fields}";
    }

    private static bool CheckResponse(byte[] message, Random random)
    {
        RequestMethod method = random.Next(4) switch { 0 => RequestMethod.Head, 1 => RequestMethod.Connect, _ => RequestMethod.Get };
        Reading whole = Exchange.ReadResponse(message, [message.Length], method, Http1Limits.Default);
        Reading pieces = Exchange.ReadResponse(message, RandomCuts(message.Length, random), method, Http1Limits.Default);
        if (whole != pieces) Assert.Fail($"{Convert.ToHexString(message)}\n{whole}\n{pieces}");

        var head = new HttpResponseHead();
        if (new Http1ResponseParser(Http1Limits.Default).Parse(head, method, message, out _) != ParseStatus.Complete) return false;
        if (head.IsInterim) return true;
        ResponsePlan plan = ResponsePlan.For(head, method, HttpProtocol.Http11, head.KeepAlive);
        string wire = Wire.Of(head, plan);
        var again = new HttpResponseHead();
        ParseStatus status = new Http1ResponseParser(Http1Limits.Default).Parse(again, method, Reading.Bytes(wire), out int consumed);
        if (status != ParseStatus.Complete || consumed != wire.Length) Assert.Fail($"{Convert.ToHexString(message)}\nwas forwarded as\n{wire}\n{again.Rejection}");
        Assert.Equal(head.Status, again.Status);
        Assert.Equal((head.HasBody, head.HasBody), (again.HasBody, plan.Framing is BodyFraming.Length or BodyFraming.Chunked));
        return true;
    }

    private static byte[] Mutate(byte[][] seeds, Random random)
    {
        var message = new List<byte>(seeds[random.Next(seeds.Length)]);
        for (int edits = random.Next(1, 4); edits > 0; edits--)
        {
            int at = random.Next(message.Count + 1);
            switch (random.Next(5))
            {
                case 0 when at < message.Count: message[at] = (byte)random.Next(256); break;
                case 1 when at < message.Count: message.RemoveRange(at, Math.Min(random.Next(1, 5), message.Count - at)); break;
                case 2: message.InsertRange(at, Reading.Bytes(Splices[random.Next(Splices.Length)])); break;
                case 3 when at < message.Count: message[at] ^= (byte)(1 << random.Next(8)); break;
                default:
                    byte[] other = seeds[random.Next(seeds.Length)];
                    int start = random.Next(other.Length);
                    message.InsertRange(at, other.AsSpan(start, random.Next(other.Length - start)).ToArray());
                    break;
            }
        }

        if (message.Count == 0) message.Add((byte)'G');
        return [.. message];
    }

    private static void MakeTextLike(byte[] message, Random random)
    {
        const string Alphabet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n:%chunked0123456789abcdef;,";
        for (int i = 0; i < message.Length; i++) message[i] = (byte)Alphabet[random.Next(Alphabet.Length)];
    }

    private static int[] RandomCuts(int length, Random random)
    {
        var cuts = new SortedSet<int> { length };
        for (int i = random.Next(8); i > 0; i--) cuts.Add(random.Next(1, length + 1));
        return [.. cuts];
    }

    private static byte[][] Load(string pattern) =>
        Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Corpus"), pattern).Order(StringComparer.Ordinal).Select(File.ReadAllBytes).ToArray();
}
