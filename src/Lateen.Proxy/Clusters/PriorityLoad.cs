namespace Lateen.Proxy.Clusters;

/// <summary>How many endpoints of one priority are in which health.</summary>
internal readonly record struct PriorityHealth(int Healthy, int Degraded, int Total);

/// <summary>Shares of the traffic in percent that one priority gets, and whether its health is believed.</summary>
internal readonly record struct PriorityShare(int Healthy, int Degraded, bool IsPanicking);

/// <summary>
/// Spreads traffic over priorities, as Envoy documents it. A priority can carry min(100, overprovisioning x usable share) percent. Healthy
/// endpoints of all priorities are used first, in order of priority, then degraded ones. When all together can carry less than 100, the
/// shares are scaled up, and every priority whose usable share is below the panic threshold sends its part to all of its endpoints. When
/// all priorities panic, each gets traffic by the number of its endpoints.
/// </summary>
/// <remarks>Pure. The shares add up to 100, unless there is no endpoint at all.</remarks>
internal static class PriorityLoad
{
    public static PriorityShare[] Distribute(ReadOnlySpan<PriorityHealth> priorities, uint overprovisioningPercent, double panicThresholdPercent)
    {
        var healthy = new int[priorities.Length];
        var degraded = new int[priorities.Length];
        var available = 0;
        for (var p = 0; p < priorities.Length; p++)
        {
            healthy[p] = Capacity(priorities[p].Healthy, priorities[p].Total, overprovisioningPercent);
            degraded[p] = Capacity(priorities[p].Degraded, priorities[p].Total, overprovisioningPercent);
            available += healthy[p] + degraded[p];
        }

        available = Math.Min(available, 100);
        var panicking = Panicking(priorities, available, panicThresholdPercent, out var allPanic);
        return allPanic ? ByEndpointCount(priorities) : ByCapacity(healthy, degraded, available, panicking);
    }

    private static int Capacity(int usable, int total, uint overprovisioningPercent) =>
        total == 0 ? 0 : (int)Math.Min(100, (ulong)usable * overprovisioningPercent / (ulong)total);

    private static bool[] Panicking(ReadOnlySpan<PriorityHealth> priorities, int available, double threshold, out bool all)
    {
        var panicking = new bool[priorities.Length];
        all = false;
        if (available == 100 || threshold <= 0) return panicking;

        all = true;
        for (var p = 0; p < priorities.Length; p++)
        {
            var (usable, total) = (priorities[p].Healthy + priorities[p].Degraded, priorities[p].Total);
            panicking[p] = total == 0 || 100.0 * usable / total < threshold;
            all &= panicking[p];
        }

        return panicking;
    }

    private static PriorityShare[] ByEndpointCount(ReadOnlySpan<PriorityHealth> priorities)
    {
        long total = 0;
        foreach (var priority in priorities) total += priority.Total;

        var shares = new PriorityShare[priorities.Length];
        var left = 100;
        var first = -1;
        for (var p = 0; p < shares.Length; p++)
        {
            var share = total == 0 ? 0 : (int)(100L * priorities[p].Total / total);
            left -= share;
            if (first < 0 && share > 0) first = p;
            shares[p] = new PriorityShare(share, 0, IsPanicking: true);
        }

        // What rounding left over goes to the first priority that gets traffic at all.
        if (first >= 0) shares[first] = shares[first] with { Healthy = shares[first].Healthy + left };
        return shares;
    }

    private static PriorityShare[] ByCapacity(int[] healthy, int[] degraded, int available, bool[] panicking)
    {
        var shares = new PriorityShare[healthy.Length];
        var left = 100;
        for (var p = 0; p < shares.Length && available > 0; p++)
        {
            var share = Math.Min(left, healthy[p] * 100 / available);
            shares[p] = new PriorityShare(share, 0, panicking[p]);
            left -= share;
        }

        for (var p = 0; p < shares.Length && available > 0; p++)
        {
            var share = Math.Min(left, degraded[p] * 100 / available);
            shares[p] = shares[p] with { Degraded = share };
            left -= share;
        }

        if (left == 0 || available == 0) return shares;

        // Rounding: the remainder is too small to matter, but it has to go to somebody who can serve.
        for (var p = 0; p < shares.Length; p++)
        {
            if (shares[p].Healthy > 0) return WithRemainder(shares, p, shares[p] with { Healthy = shares[p].Healthy + left });
            if (shares[p].Degraded > 0) return WithRemainder(shares, p, shares[p] with { Degraded = shares[p].Degraded + left });
        }

        return shares;
    }

    private static PriorityShare[] WithRemainder(PriorityShare[] shares, int priority, PriorityShare share)
    {
        shares[priority] = share;
        return shares;
    }
}
