namespace Lateen.Http;

/// <summary>
/// Cuts a head into its lines. Every octet is looked at once for a line end, however the head is cut into pieces, and every limit is
/// applied at the octet that crosses it, so that the verdict does not depend on the pieces.
/// </summary>
internal static class HeadScanner
{
    /// <summary>Finds the end of the line that starts at <paramref name="lineStart"/>.</summary>
    /// <param name="text">The head so far, from its first octet.</param>
    /// <param name="scan">Where the search for LF goes on; kept between calls.</param>
    /// <param name="lineStart">First octet of the line.</param>
    /// <param name="maxHead">Octets that the whole head may have.</param>
    /// <param name="maxLine">Octets that this line may have before its LF, or <see cref="int.MaxValue"/>.</param>
    /// <param name="lineEnd">Position of the CR, when the line is complete.</param>
    /// <returns>
    /// <see cref="LineStatus.Line"/> when there is one, and then <paramref name="scan"/> is the first octet after it.
    /// </returns>
    internal static LineStatus Next(ReadOnlySpan<byte> text, ref int scan, int lineStart, int maxHead, int maxLine, out int lineEnd)
    {
        int found = text[scan..].IndexOf((byte)'\n');
        int lineFeed = found < 0 ? text.Length : scan + found;
        lineEnd = lineFeed - 1;

        // The line is too long at the octet lineStart + maxLine unless that is its LF, the head at the octet maxHead: the nearer one decides.
        if (lineFeed - lineStart > maxLine && (long)lineStart + maxLine <= maxHead) return LineStatus.LineTooLong;
        if (lineFeed >= maxHead && text.Length > maxHead) return LineStatus.HeadTooLarge;
        scan = lineFeed;
        if (found < 0) return LineStatus.NeedMore;
        if (lineFeed == lineStart || text[lineEnd] != '\r') return LineStatus.BareLineFeed;
        scan = lineFeed + 1;
        return LineStatus.Line;
    }
}

/// <summary>What <see cref="HeadScanner"/> found.</summary>
internal enum LineStatus : byte
{
    NeedMore,
    Line,
    LineTooLong,
    HeadTooLarge,
    BareLineFeed,
}
