namespace Lateen.Yaml;

/// <summary>Finds the name that a person most likely meant, for the hint of an error about an unknown one.</summary>
public static class Spelling
{
    /// <summary>
    /// The candidate nearest to <paramref name="written"/> by edits (insert, delete, replace, swap of neighbours; case and
    /// <c>_</c>/<c>-</c> count as no edit), or null when none is within a third of its length. Ties go to the first in order.
    /// </summary>
    public static string? Nearest(string written, IEnumerable<string> candidates)
    {
        string? best = null;
        string plain = Plain(written);
        int bound = Math.Max(1, plain.Length / 3) + 1;
        foreach (string candidate in candidates)
        {
            int distance = Distance(plain, Plain(candidate), bound);
            if (distance < bound)
            {
                bound = distance;
                best = candidate;
            }
        }

        return best;
    }

    private static string Plain(string name) =>
        name.Replace("_", string.Empty, StringComparison.Ordinal).Replace("-", string.Empty, StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>Optimal string alignment distance, given up (as <paramref name="bound"/>) once it cannot come below the bound.</summary>
    private static int Distance(string left, string right, int bound)
    {
        if (Math.Abs(left.Length - right.Length) >= bound)
        {
            return bound;
        }

        int[] beforeLast = new int[right.Length + 1];
        int[] last = new int[right.Length + 1];
        int[] row = new int[right.Length + 1];
        for (int j = 0; j <= right.Length; j++)
        {
            last[j] = j;
        }

        for (int i = 1; i <= left.Length; i++)
        {
            row[0] = i;
            int lowest = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int cost = left[i - 1] == right[j - 1] ? 0 : 1;
                int edits = Math.Min(Math.Min(last[j] + 1, row[j - 1] + 1), last[j - 1] + cost);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                {
                    edits = Math.Min(edits, beforeLast[j - 2] + 1);
                }

                row[j] = edits;
                lowest = Math.Min(lowest, edits);
            }

            if (lowest >= bound)
            {
                return bound;
            }

            (beforeLast, last, row) = (last, row, beforeLast);
        }

        return last[right.Length];
    }
}
