namespace Lateen.Model.Reading;

/// <summary>Finds the word that somebody probably meant.</summary>
public static class DidYouMean
{
    /// <summary>The nearest candidate, or null when none is near: equal but for case, dashes and underscores, or at most two edits away
    /// (one for words of up to four letters).</summary>
    public static string? Nearest(string word, IEnumerable<string> candidates)
    {
        ArgumentNullException.ThrowIfNull(word);
        ArgumentNullException.ThrowIfNull(candidates);
        var plain = Plain(word);
        string? best = null;
        var bestDistance = plain.Length <= 4 ? 2 : 3;
        foreach (var candidate in candidates)
        {
            var distance = Distance(plain, Plain(candidate), bestDistance);
            if (distance >= bestDistance) continue;
            best = candidate;
            bestDistance = distance;
        }

        return best;
    }

    /// <summary><c>did you mean 'x'?</c>, or null.</summary>
    public static string? Hint(string word, IEnumerable<string> candidates) =>
        Nearest(word, candidates) is { } nearest ? $"did you mean '{nearest}'?" : null;

    private static string Plain(string word) => word.Replace("_", "").Replace("-", "").ToLowerInvariant();

    /// <summary>Levenshtein's distance with swaps of neighbours, or <paramref name="limit"/> when it is no less.</summary>
    private static int Distance(string left, string right, int limit)
    {
        if (Math.Abs(left.Length - right.Length) >= limit) return limit;
        var rows = new int[3][];
        for (var i = 0; i < rows.Length; i++) rows[i] = new int[right.Length + 1];
        for (var j = 0; j <= right.Length; j++) rows[0][j] = j;
        for (var i = 1; i <= left.Length; i++)
        {
            var (current, above, twoAbove) = (rows[i % 3], rows[(i - 1) % 3], rows[(i + 1) % 3]);
            current[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var cost = left[i - 1] == right[j - 1] ? 0 : 1;
                current[j] = Math.Min(Math.Min(current[j - 1], above[j]) + 1, above[j - 1] + cost);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                    current[j] = Math.Min(current[j], twoAbove[j - 2] + 1);
            }
        }

        return Math.Min(rows[left.Length % 3][right.Length], limit);
    }
}
