using System.Text;
using Lateen.Bench.LoadGenerator;

namespace Lateen.Bench.Tests;

public sealed class ResponseReaderTests
{
    public static TheoryData<string, int, bool> Complete => new()
    {
        { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, true },
        { "HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", 200, true },
        { "HTTP/1.1 204 No Content\r\n\r\n", 204, true },
        { "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n", 304, true },
        { "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno", 503, false },
        { "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, false },
        { "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx", 200, true },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, true },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nA;name=value\r\n0123456789\r\n1\r\nx\r\n0\r\nTrailer: yes\r\nMore: 1\r\n\r\n", 200, true },
        { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, true },
        { "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, true },
    };

    public static TheoryData<string> Malformed => new()
    {
        "SSH-2.0-OpenSSH_9.2p1 Debian\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
    };

    [Theory]
    [MemberData(nameof(Complete))]
    public void Response_ends_where_its_framing_says_whatever_pieces_it_comes_in(string text, int status, bool keepsAlive)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        foreach (var pieceBytes in new[] { bytes.Length, 1, 2, 3, 7 })
        {
            var reader = new ResponseReader();
            reader.Reset(isHeadRequest: false);
            var outcome = Feed(reader, bytes, pieceBytes, out var consumed);
            Assert.Equal(ResponseReader.Outcome.Complete, outcome);
            Assert.Equal(bytes.Length, consumed);
            Assert.Equal((status, keepsAlive), (reader.Status, reader.KeepsAlive));
        }
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public void What_is_no_response_is_malformed_whatever_pieces_it_comes_in(string text)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        foreach (var pieceBytes in new[] { bytes.Length, 1, 5 })
        {
            var reader = new ResponseReader();
            reader.Reset(isHeadRequest: false);
            Assert.Equal(ResponseReader.Outcome.Malformed, Feed(reader, bytes, pieceBytes, out _));
        }
    }

    [Fact]
    public void Bytes_after_the_response_are_not_consumed()
    {
        var reader = new ResponseReader();
        reader.Reset(isHeadRequest: false);
        Assert.Equal(ResponseReader.Outcome.Complete, reader.Read("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP"u8, out var consumed));
        Assert.Equal(39, consumed);
    }

    [Fact]
    public void Answer_to_head_has_no_body_whatever_its_length_says()
    {
        var reader = new ResponseReader();
        reader.Reset(isHeadRequest: true);
        Assert.Equal(ResponseReader.Outcome.Complete, reader.Read("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"u8, out _));
    }

    [Fact]
    public void Body_without_framing_ends_with_the_connection()
    {
        var reader = new ResponseReader();
        reader.Reset(isHeadRequest: false);
        Assert.Equal(ResponseReader.Outcome.NeedMore, reader.Read("HTTP/1.1 200 OK\r\n\r\nsome bytes"u8, out _));
        Assert.True(reader.EndOfStreamCompletes());
    }

    [Fact]
    public void Head_without_end_is_malformed_at_the_bound()
    {
        var reader = new ResponseReader();
        reader.Reset(isHeadRequest: false);
        var endless = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nX: " + new string('x', 70_000));
        Assert.Equal(ResponseReader.Outcome.Malformed, Feed(reader, endless, 1000, out _));
    }

    private static ResponseReader.Outcome Feed(ResponseReader reader, byte[] bytes, int pieceBytes, out int consumed)
    {
        consumed = 0;
        while (consumed < bytes.Length)
        {
            var piece = bytes.AsSpan(consumed, Math.Min(pieceBytes, bytes.Length - consumed));
            var outcome = reader.Read(piece, out var taken);
            consumed += taken;
            if (outcome != ResponseReader.Outcome.NeedMore)
                return outcome;
        }

        return ResponseReader.Outcome.NeedMore;
    }
}
