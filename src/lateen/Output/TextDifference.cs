namespace Lateen.Cli.Output;

/// <summary>
/// A unified difference of two texts, three lines of context. By the longest common subsequence after the equal beginning and end are set aside: the
/// texts are single resources, so the quadratic table stays small.
/// </summary>
internal static class TextDifference
{
    private const int Context = 3;

    /// <summary>Lines the table is built for at most. Hit: the middle is shown as replaced whole, which is still true.</summary>
    private const int MostLines = 4000;

    public static IEnumerable<string> Unified(string before, string after)
    {
        var marked = Mark(Lines(before), Lines(after));
        int position = 0;
        while (position < marked.Count)
        {
            int change = marked.FindIndex(position, line => line.Mark != ' ');
            if (change < 0) yield break;
            int start = Math.Max(position, change - Context);
            int end = change;
            for (int next = change; next >= 0 && next - end <= 2 * Context; next = marked.FindIndex(next + 1, line => line.Mark != ' ')) end = next;
            end = Math.Min(marked.Count, end + Context + 1);
            var hunk = marked[start..end];
            int oldStart = marked.Take(start).Count(line => line.Mark != '+');
            int newStart = marked.Take(start).Count(line => line.Mark != '-');
            yield return $"@@ -{oldStart + 1},{hunk.Count(line => line.Mark != '+')} +{newStart + 1},{hunk.Count(line => line.Mark != '-')} @@";
            foreach (var (mark, text) in hunk) yield return $"{mark}{text}";
            position = end;
        }
    }

    private static string[] Lines(string text) => text.Length == 0 ? [] : text.TrimEnd('\n').Split('\n');

    private static List<(char Mark, string Text)> Mark(string[] before, string[] after)
    {
        int head = 0;
        while (head < before.Length && head < after.Length && before[head] == after[head]) head++;
        int tail = 0;
        while (tail < before.Length - head && tail < after.Length - head && before[^(tail + 1)] == after[^(tail + 1)]) tail++;
        var marked = new List<(char, string)>();
        foreach (string line in before.AsSpan(0, head)) marked.Add((' ', line));
        MarkMiddle(before[head..^tail], after[head..^tail], marked);
        foreach (string line in before.AsSpan(before.Length - tail)) marked.Add((' ', line));
        return marked;
    }

    private static void MarkMiddle(string[] before, string[] after, List<(char, string)> marked)
    {
        if (before.Length + after.Length > MostLines)
        {
            marked.AddRange(before.Select(line => ('-', line)));
            marked.AddRange(after.Select(line => ('+', line)));
            return;
        }

        int[,] common = new int[before.Length + 1, after.Length + 1];
        for (int i = before.Length - 1; i >= 0; i--)
        {
            for (int j = after.Length - 1; j >= 0; j--)
                common[i, j] = before[i] == after[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        }

        int x = 0, y = 0;
        while (x < before.Length || y < after.Length)
        {
            if (x < before.Length && y < after.Length && before[x] == after[y])
            {
                marked.Add((' ', before[x]));
                x++;
                y++;
            }
            else if (y == after.Length || (x < before.Length && common[x + 1, y] >= common[x, y + 1])) marked.Add(('-', before[x++]));
            else marked.Add(('+', after[y++]));
        }
    }
}
