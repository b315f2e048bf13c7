using System.Text;
using Lateen.Proxy.Tests.Harness;

namespace Lateen.Proxy.Tests.Adversarial;

/// <summary>
/// Random but lawful conversations: pipelined requests of every framing in random pieces, answered with every framing in random pieces. Each
/// response must be the one that its request asked for. Seeds are fixed, so a failure repeats.
/// </summary>
public sealed class PipelineFuzzTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Every_response_belongs_to_its_request_whatever_the_pieces(int seed)
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            var random = new Random((seed * 1000) + peer.Number);
            while (await peer.ReadRequestAsync() is { } request) await SendInPiecesAsync(Answer(request, random), peer.SendAsync, random);
        });
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            recipe.Http1 = recipe.Http1 with { EnableTrailers = true };
        });
        var random = new Random(seed);
        for (var conversation = 0; conversation < 25; conversation++)
        {
            using var client = await RawClient.ConnectAsync(proxy.Address);
            var asked = Enumerable.Range(0, random.Next(1, 12)).Select(i => Ask($"{conversation}-{i}", random)).ToList();
            var sending = SendInPiecesAsync(string.Concat(asked.Select(one => one.Wire)), client.SendAsync, random);
            foreach (var one in asked)
            {
                var response = await client.ReadResponseAsync(one.IsHead);
                while (response.Status < 200) response = await client.ReadResponseAsync(one.IsHead);
                Assert.Equal(one.Id, response.Header("x-id"));
                Assert.Equal(response.Status is 204 or 304 || one.IsHead ? "" : $"{one.Id}:{one.Body}", response.Body);
            }

            await sending;
        }
    }

    private static (string Id, string Wire, string Body, bool IsHead) Ask(string id, Random random)
    {
        var body = new string((char)('a' + random.Next(26)), random.Next(4) switch { 0 => 1, 1 => random.Next(1, 100), 2 => random.Next(1000, 5000), _ => random.Next(1, 20_000) });
        var head = $"/{id} HTTP/1.1\r\nHost: shop\r\nX-Id: {id}\r\n";
        return random.Next(5) switch
        {
            0 => (id, $"GET {head}\r\n", "", false),
            1 => (id, $"HEAD {head}\r\n", "", true),
            2 => (id, $"POST {head}Content-Length: {body.Length}\r\n\r\n{body}", body, false),
            3 => (id, $"PUT {head}Transfer-Encoding: chunked\r\n\r\n{Chunks(body, random)}0\r\n\r\n", body, false),
            _ => (id, $"POST {head}Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n{Chunks(body, random)}0;last\r\n\r\n", body, false),
        };
    }

    private static string Answer(UpstreamRequest request, Random random)
    {
        var lines = request.Head.Split("\r\n");
        var id = lines.Single(line => line.StartsWith("X-Id: ", StringComparison.Ordinal))[6..];
        var isHead = request.Head.StartsWith("HEAD ", StringComparison.Ordinal);
        var body = $"{id}:{request.Body}";
        var start = (random.Next(4) == 0 ? "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" : "") + "HTTP/1.1 ";
        return random.Next(isHead ? 2 : 6) switch
        {
            0 => $"{start}200 OK\r\nx-id: {id}\r\ncontent-length: {body.Length}\r\n\r\n{(isHead ? "" : body)}",
            1 => $"{start}200 OK\r\nX-Id: {id}\r\nTransfer-Encoding: chunked\r\n\r\n{(isHead ? "" : $"{Chunks(body, random)}0\r\nx-sum: 1\r\n\r\n")}",
            2 => $"{start}204 No Content\r\nx-id: {id}\r\n\r\n",
            3 => $"{start}304 Not Modified\r\nx-id: {id}\r\ncontent-length: 77\r\n\r\n",
            4 => $"{start}404 Not Found\r\nx-id: {id}\r\ncontent-length: {body.Length}\r\nconnection: x-hop\r\nx-hop: 1\r\n\r\n{body}",
            _ => $"{start}500 Oops\r\nx-id: {id}\r\ntransfer-encoding: chunked\r\n\r\n{Chunks(body, random)}0\r\n\r\n",
        };
    }

    private static string Chunks(string body, Random random)
    {
        var chunks = new StringBuilder();
        for (var at = 0; at < body.Length;)
        {
            var length = random.Next(1, Math.Min(body.Length - at, 6000) + 1);
            chunks.Append(length.ToString(random.Next(2) == 0 ? "x" : "X4")).Append(random.Next(3) == 0 ? ";ext=\"v\"\r\n" : "\r\n").Append(body, at, length).Append("\r\n");
            at += length;
        }

        return chunks.ToString();
    }

    private static async Task SendInPiecesAsync(string text, Func<string, Task> send, Random random)
    {
        for (var at = 0; at < text.Length;)
        {
            var length = Math.Min(text.Length - at, random.Next(3) == 0 ? random.Next(1, 40) : random.Next(1, 30_000));
            await send(text.Substring(at, length));
            at += length;
        }
    }
}
