namespace Lateen.Proxy.Clusters;

/// <summary>
/// A repeating order in which weighted choices take turns: an item of weight 3 beside one of weight 1 gives 0 0 1 0, never 0 0 0 1.
/// </summary>
/// <remarks>
/// The problem: smooth weighted round robin (nginx's or the earliest-deadline-first queue that Envoy keeps) costs O(n) or O(log n) per
/// request and has state per host. The choice: run it once, when the configuration is compiled. Item j of the m items of weight w takes
/// turn k at the moment (k + (j + 1/2) / m) / w, so that the turns of one item are evenly spread and items of one weight do not bunch. The
/// schedule is all turns sorted by that moment: a request costs one array read and the only state is a cursor. Weights are first divided
/// by their greatest common divisor; a sum above <see cref="MaxTurns"/> is scaled down to it, which moves a share by less than one turn in
/// <see cref="MaxTurns"/> and never drops an item.
/// </remarks>
internal static class WeightedSchedule
{
    /// <summary>
    /// Turns before the order repeats. Count; 8,192 keeps the table of a large cluster at 32 KiB and an error below 0.02%.
    /// </summary>
    internal const int MaxTurns = 8192;

    /// <summary>The order as indexes into <paramref name="weights"/>, or null when all weights are equal and plain turns do.</summary>
    public static int[]? TryBuild(ReadOnlySpan<uint> weights)
    {
        if (!weights.ContainsAnyExcept(weights.IsEmpty ? 0 : weights[0])) return null;

        Span<uint> turns = weights.Length <= 256 ? stackalloc uint[weights.Length] : new uint[weights.Length];
        var total = Reduce(weights, turns);

        var members = new Dictionary<uint, (int Count, int Seen)>();
        foreach (var weight in turns) members[weight] = (members.GetValueOrDefault(weight).Count + 1, 0);

        var due = new double[total];
        var order = new int[total];
        var next = 0;
        for (var item = 0; item < turns.Length; item++)
        {
            var (count, seen) = members[turns[item]];
            members[turns[item]] = (count, seen + 1);
            var phase = (seen + 0.5) / count;
            for (var turn = 0u; turn < turns[item]; turn++)
            {
                due[next] = (turn + phase) / turns[item];
                order[next++] = item;
            }
        }

        Array.Sort(due, order);
        return order;
    }

    private static int Reduce(ReadOnlySpan<uint> weights, Span<uint> turns)
    {
        var divisor = 0u;
        ulong sum = 0;
        foreach (var weight in weights)
        {
            divisor = GreatestCommonDivisor(divisor, weight);
            sum += weight;
        }

        divisor = Math.Max(divisor, 1);
        sum /= divisor;
        var total = 0;
        for (var i = 0; i < weights.Length; i++)
        {
            ulong turn = weights[i] / divisor;
            if (sum > MaxTurns) turn = ((turn * MaxTurns) + (sum / 2)) / sum;
            turns[i] = (uint)Math.Max(turn, 1);
            total += (int)turns[i];
        }

        return total;
    }

    private static uint GreatestCommonDivisor(uint a, uint b)
    {
        while (b != 0) (a, b) = (b, a % b);
        return a;
    }
}
