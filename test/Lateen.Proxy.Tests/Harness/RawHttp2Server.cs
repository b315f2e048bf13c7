using System.Text;

namespace Lateen.Proxy.Tests.Harness;

/// <summary>A server of HTTP/2 that answers with the frames that it is told to, legal or not. It reads requests as far as it has to.</summary>
internal static class RawHttp2Server
{
    private const int PrefaceOctets = 24;

    /// <summary>Answers each request, when it has ended, with what the function sends.</summary>
    /// <param name="answer">Gets the connection and the number of the stream.</param>
    public static TestUpstream Answering(Func<UpstreamPeer, int, Task> answer) => TestUpstream.Serving(async peer =>
    {
        await peer.ReadExactlyAsync(PrefaceOctets);
        await peer.SendAsync(Text(RawHttp2Client.Frame(RawFrame.Settings, 0, 0, [])));
        while (true)
        {
            var header = Encoding.Latin1.GetBytes(await peer.ReadExactlyAsync(9));
            await peer.ReadExactlyAsync((header[0] << 16) | (header[1] << 8) | header[2]);
            var (type, flags, stream) = (header[3], header[4], (header[7] << 8) | header[8]);
            if (type == RawFrame.Settings && (flags & RawFrame.Ack) == 0) await peer.SendAsync(Text(RawHttp2Client.Frame(RawFrame.Settings, RawFrame.Ack, 0, [])));
            if (type is RawFrame.Headers or RawFrame.Data && (flags & RawFrame.EndStream) != 0) await answer(peer, stream);
        }
    });

    /// <summary>A response head of literal fields.</summary>
    public static string Head(int stream, int status, bool endStream, params (string Name, string Value)[] fields)
    {
        // Literal without indexing (RFC 7541 section 6.2.2): name 8 of the static table is :status; name 0 is given in full.
        var block = new StringBuilder($"\u0008\u0003{status}");
        foreach (var (name, value) in fields) block.Append('\0').Append((char)name.Length).Append(name).Append((char)value.Length).Append(value);
        return Text(RawHttp2Client.Frame(RawFrame.Headers, RawFrame.EndHeaders | (endStream ? RawFrame.EndStream : 0), stream, Encoding.Latin1.GetBytes(block.ToString())));
    }

    /// <summary>The last content of a response.</summary>
    public static string Content(int stream, string content) =>
        Text(RawHttp2Client.Frame(RawFrame.Data, RawFrame.EndStream, stream, Encoding.Latin1.GetBytes(content)));

    private static string Text(byte[] frame) => Encoding.Latin1.GetString(frame);
}
