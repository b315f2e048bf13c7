namespace Lateen.Yaml;

/// <summary>
/// Cuts a text at its document markers. A line that starts with <c>---</c> and then ends or goes on with white space begins a document;
/// comments, blank lines and <c>%</c> directives directly above it, when a directive is among them, belong to it.
/// </summary>
internal static class DocumentSplitter
{
    internal readonly record struct Chunk(string Text, int StartLine);

    public static List<Chunk> Split(string text)
    {
        var chunks = new List<Chunk>();
        int chunkStart = 0;
        int chunkLine = 1;
        // Start of the run of blank, comment and directive lines that ends just above the current line; -1 when there is none.
        int preambleStart = 0;
        int preambleLine = 1;
        bool hasDirective = false;
        int line = 1;
        for (int at = 0; at < text.Length; line++)
        {
            int end = text.AsSpan(at).IndexOf('\n');
            int next = end < 0 ? text.Length : at + end + 1;
            ReadOnlySpan<char> content = text.AsSpan(at, next - at).TrimEnd("\r\n");
            if (IsMarker(content, "---"))
            {
                bool ownsPreamble = hasDirective && preambleStart >= 0;
                int cut = ownsPreamble ? preambleStart : at;
                if (cut > chunkStart)
                {
                    chunks.Add(new Chunk(text[chunkStart..cut], chunkLine));
                }

                chunkStart = cut;
                chunkLine = ownsPreamble ? preambleLine : line;
                preambleStart = -1;
                hasDirective = false;
            }
            else if (IsMarker(content, "..."))
            {
                preambleStart = next;
                preambleLine = line + 1;
                hasDirective = false;
            }
            else if (preambleStart >= 0)
            {
                // Directives exist only at the start of the text or after "...": elsewhere '%' is content.
                if (content.StartsWith('%'))
                {
                    hasDirective = true;
                }
                else if (!content.IsWhiteSpace() && !content.TrimStart().StartsWith('#'))
                {
                    preambleStart = -1;
                }
            }

            at = next;
        }

        if (chunkStart < text.Length)
        {
            chunks.Add(new Chunk(chunkStart == 0 ? text : text[chunkStart..], chunkLine));
        }

        return chunks;
    }

    private static bool IsMarker(ReadOnlySpan<char> content, string marker) =>
        content.StartsWith(marker) && (content.Length == 3 || content[3] is ' ' or '\t');
}
