namespace Lateen.Http.Tests.Http2;

/// <summary>Our client against our server in memory, in pieces of random size.</summary>
public sealed class RoundTripTests
{
    public static TheoryData<int> Pieces() => [1, 7, 100, 5000, int.MaxValue];

    [Theory]
    [MemberData(nameof(Pieces))]
    public void Request_and_response_without_content_arrive_as_they_were_sent(int maxPiece)
    {
        var pair = new ConnectionPair(maxPiece: maxPiece);
        Http2Stream stream = pair.Open("GET /a/b?c=d HTTP/1.1\r\nHost: Reviews.example:9080\r\nUser-Agent: test\r\nX-Mixed-Case: V\r\nTE: trailers\r\nConnection: te\r\n\r\n");
        pair.ServerSession.WhenRequest = s => pair.Server.SendResponse(s, ConnectionPair.Response("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n"), endStream: true);
        pair.Run();

        HttpRequestHead request = pair.ServerSession.Streams[1].Request!;
        Assert.Equal("/a/b?c=d", Reading.Text(request.PathAndQuery));
        Assert.Equal("Reviews.example:9080", Reading.Text(request.Authority));
        Assert.Equal("reviews.example", Reading.Text(request.Host));
        Assert.Equal(9080, request.Port);
        Assert.Equal(RequestMethod.Get, request.Method);
        Assert.Equal(HttpProtocol.Http2, request.Protocol);
        Assert.True(request.AcceptsTrailers);
        Assert.Equal("user-agent: test\nx-mixed-case: V\n", request.Headers.ToString());
        Assert.Equal(200, stream.Response!.Status);
        Assert.Equal("content-type: text/plain\ncontent-length: 0\n", stream.Response.Headers.ToString());
        Assert.True(stream.IsClosed);
        Assert.Equal(0, pair.Server.ActiveStreams + pair.Client.ActiveStreams);
    }

    [Theory]
    [MemberData(nameof(Pieces))]
    public void Content_larger_than_all_windows_arrives_whole_in_both_directions_with_trailers(int maxPiece)
    {
        const int Octets = 3_000_000;
        var pair = new ConnectionPair(maxPiece: maxPiece == 1 ? 97 : maxPiece);
        byte[] content = new byte[Octets];
        new Random(1).NextBytes(content);
        int sentUp = 0;
        int sentDown = 0;
        Http2Stream client = pair.Open("POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", endStream: false);
        pair.ClientSession.WhenWindow = SendUp;
        pair.ServerSession.WhenRequest = s =>
        {
            pair.Server.SendResponse(s, ConnectionPair.Response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), endStream: false);
            SendDown(s);
        };
        pair.ServerSession.WhenWindow = SendDown;
        SendUp(client);
        pair.Run();

        string expected = Reading.Text(content);
        Assert.Equal(expected, pair.ServerSession.ContentOf(1));
        Assert.Equal(expected, pair.ClientSession.ContentOf(1));
        Assert.Contains("trailers 1 3000000 x-sum: 1", pair.ServerSession.Log, StringComparison.Ordinal);
        Assert.Contains("trailers 1 3000000 grpc-status: 0", pair.ClientSession.Log, StringComparison.Ordinal);
        Assert.True(client.IsClosed);

        void SendUp(Http2Stream stream)
        {
            sentUp += pair.Client.SendData(stream, content.AsSpan(sentUp), endStream: false);
            if (sentUp == Octets) pair.Client.SendTrailers(stream, Trailers("x-sum", "1"));
        }

        void SendDown(Http2Stream stream)
        {
            while (sentDown < Octets)
            {
                Span<byte> room = pair.Server.ReserveData(stream, Octets - sentDown);
                if (room.IsEmpty) return;
                content.AsSpan(sentDown, room.Length).CopyTo(room);
                pair.Server.CommitData(stream, room.Length, endStream: false);
                sentDown += room.Length;
            }

            pair.Server.SendTrailers(stream, Trailers("grpc-status", "0"));
        }
    }

    private static HeaderBlock Trailers(string name, string value)
    {
        var block = new HeaderBlock();
        block.Add(Reading.Bytes(name), Reading.Bytes(value));
        return block;
    }
}
