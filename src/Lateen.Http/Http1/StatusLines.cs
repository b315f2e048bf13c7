using System.Text;

namespace Lateen.Http;

/// <summary>Ready-made status lines, 100 to 599, with the registered reason phrase; others have an empty one (RFC 9112 section 4).</summary>
internal static class StatusLines
{
    private static readonly byte[][] Lines = Build();

    internal static ReadOnlySpan<byte> For(int status) => Lines[status - 100];

    private static byte[][] Build()
    {
        var lines = new byte[500][];
        for (int status = 100; status < 600; status++)
            lines[status - 100] = Encoding.ASCII.GetBytes($"HTTP/1.1 {status} {ReasonPhrases.For(status)}\r\n");
        return lines;
    }
}
