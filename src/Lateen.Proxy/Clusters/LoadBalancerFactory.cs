namespace Lateen.Proxy.Clusters;

/// <summary>
/// Compiles a set of endpoints into a <see cref="LoadBalancer"/>. Everything that health, priority and locality decide is decided here; a
/// request only draws a number (not even that with one priority) and picks.
/// </summary>
public static class LoadBalancerFactory
{
    /// <summary>A balancer that has no endpoint to give: a cluster that is empty or waits for its first answer.</summary>
    public static LoadBalancer Empty { get; } = new NoEndpoints();

    public static LoadBalancer Create(IReadOnlyList<EndpointGroup> groups, LoadBalancingOptions options, int reactorCount)
    {
        var priorityCount = 0;
        foreach (var group in groups) priorityCount = Math.Max(priorityCount, group.Priority + 1);
        if (priorityCount == 0) return Empty;

        var byPriority = new List<EndpointGroup>[priorityCount];
        for (var p = 0; p < priorityCount; p++) byPriority[p] = [];
        foreach (var group in groups) byPriority[group.Priority].Add(group);

        var shares = PriorityLoad.Distribute(Array.ConvertAll(byPriority, Count), options.OverprovisioningPercent, options.PanicThresholdPercent);
        return Compile(byPriority, shares, options, reactorCount);
    }

    private static LoadBalancer Compile(List<EndpointGroup>[] byPriority, PriorityShare[] shares, LoadBalancingOptions options, int reactorCount)
    {
        var sources = new List<EndpointPicker?>();
        var upperBounds = new List<int>();
        var members = new List<EndpointSnapshot>();
        var sum = 0;
        for (var p = 0; p < shares.Length; p++)
        {
            var share = shares[p];
            if (share.Healthy > 0)
            {
                Add(share.Healthy, byPriority[p], share.IsPanicking ? null : EndpointHealth.Healthy);
            }

            if (share.Degraded > 0)
            {
                Add(share.Degraded, byPriority[p], share.IsPanicking ? null : EndpointHealth.Degraded);
            }
        }

        if (sources.Count == 0) return Empty;
        return sources is [{ } only] ? new OneSource(only, [.. members]) : new SharedSources([.. sources], [.. upperBounds], [.. members]);

        void Add(int share, List<EndpointGroup> groups, EndpointHealth? wanted)
        {
            foreach (var group in groups) AddFit(group.Endpoints, wanted, members);
            sum += share;
            sources.Add(PickerFor(groups, wanted, options, reactorCount));
            upperBounds.Add(sum);
        }
    }

    private static EndpointPicker? PickerFor(List<EndpointGroup> groups, EndpointHealth? wanted, LoadBalancingOptions options, int reactorCount)
    {
        if (options.IsLocalityWeighted) return LocalityPicker.Create(groups, wanted, options, reactorCount);

        var endpoints = new List<EndpointSnapshot>();
        foreach (var group in groups) AddFit(group.Endpoints, wanted, endpoints);
        return EndpointPicker.Create([.. endpoints], options, reactorCount);
    }

    internal static void AddFit(EndpointSnapshot[] from, EndpointHealth? wanted, List<EndpointSnapshot> to)
    {
        foreach (var endpoint in from)
        {
            if (wanted is null || endpoint.Health == wanted) to.Add(endpoint);
        }
    }

    private static PriorityHealth Count(List<EndpointGroup> groups)
    {
        int healthy = 0, degraded = 0, total = 0;
        foreach (var group in groups)
        {
            total += group.Endpoints.Length;
            foreach (var endpoint in group.Endpoints)
            {
                if (endpoint.Health == EndpointHealth.Healthy) healthy++;
                else if (endpoint.Health == EndpointHealth.Degraded) degraded++;
            }
        }

        return new PriorityHealth(healthy, degraded, total);
    }

    private sealed class NoEndpoints() : LoadBalancer([])
    {
        public override EndpointSnapshot? Choose(int reactorIndex, ReactorRandom random) => null;
    }

    private sealed class OneSource(EndpointPicker picker, EndpointSnapshot[] members) : LoadBalancer(members)
    {
        public override EndpointSnapshot? Choose(int reactorIndex, ReactorRandom random) => picker.Pick(reactorIndex, random);
    }

    private sealed class SharedSources(EndpointPicker?[] sources, int[] upperBounds, EndpointSnapshot[] members) : LoadBalancer(members)
    {
        public override EndpointSnapshot? Choose(int reactorIndex, ReactorRandom random)
        {
            var draw = random.Below(upperBounds[^1]);
            var source = 0;
            while (draw >= upperBounds[source]) source++;
            return sources[source]?.Pick(reactorIndex, random);
        }
    }
}

/// <summary>
/// Picks a locality by weight, then an endpoint in it. The effective weight of a locality is its configured one times
/// min(1, overprovisioning x usable share), so that a locality loses traffic as its endpoints fail, but not at the first one.
/// </summary>
internal sealed class LocalityPicker : EndpointPicker
{
    private readonly EndpointPicker[] _localities;
    private readonly ulong[] _upperBounds;

    private LocalityPicker(EndpointPicker[] localities, ulong[] upperBounds)
    {
        _localities = localities;
        _upperBounds = upperBounds;
    }

    public static EndpointPicker? Create(List<EndpointGroup> groups, EndpointHealth? wanted, LoadBalancingOptions options, int reactorCount)
    {
        var localities = new List<EndpointPicker>();
        var upperBounds = new List<ulong>();
        ulong sum = 0;
        var fit = new List<EndpointSnapshot>();
        foreach (var group in groups)
        {
            fit.Clear();
            LoadBalancerFactory.AddFit(group.Endpoints, wanted, fit);
            if (fit.Count == 0 || group.Weight is not > 0) continue;

            var availability = wanted is null
                ? 100
                : Math.Min(100, (ulong)fit.Count * options.OverprovisioningPercent / (ulong)group.Endpoints.Length);
            sum += group.Weight.Value * Math.Max(availability, 1);
            localities.Add(EndpointPicker.Create([.. fit], options, reactorCount)!);
            upperBounds.Add(sum);
        }

        return localities.Count switch
        {
            0 => null,
            1 => localities[0],
            _ => new LocalityPicker([.. localities], [.. upperBounds]),
        };
    }

    public override EndpointSnapshot Pick(int reactorIndex, ReactorRandom random)
    {
        var draw = random.Below(_upperBounds[^1]);
        var locality = 0;
        while (draw >= _upperBounds[locality]) locality++;
        return _localities[locality].Pick(reactorIndex, random);
    }
}
