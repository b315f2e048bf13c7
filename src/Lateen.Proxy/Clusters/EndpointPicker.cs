using System.Runtime.InteropServices;

namespace Lateen.Proxy.Clusters;

/// <summary>Picks one endpoint out of a set whose members are all fit to serve. The innermost part of a load balancer.</summary>
/// <remarks>Shared by all reactors; cursors are per reactor and on cache lines of their own.</remarks>
internal abstract class EndpointPicker
{
    /// <summary>A picker for the set, or null for an empty one.</summary>
    public static EndpointPicker? Create(EndpointSnapshot[] endpoints, LoadBalancingOptions options, int reactorCount)
    {
        if (endpoints.Length == 0) return null;
        if (endpoints.Length == 1) return new OnlyEndpoint(endpoints[0]);

        var weights = new uint[endpoints.Length];
        for (var i = 0; i < weights.Length; i++) weights[i] = endpoints[i].Weight;
        var schedule = WeightedSchedule.TryBuild(weights);
        return options.Algorithm switch
        {
            LoadBalancingAlgorithm.LeastRequest => new LeastRequestPicker(endpoints, schedule, options.LeastRequestChoices),
            LoadBalancingAlgorithm.Random => new RandomPicker(endpoints, schedule),
            _ => new RoundRobinPicker(endpoints, schedule, reactorCount),
        };
    }

    public abstract EndpointSnapshot Pick(int reactorIndex, ReactorRandom random);

    private sealed class OnlyEndpoint(EndpointSnapshot endpoint) : EndpointPicker
    {
        public override EndpointSnapshot Pick(int reactorIndex, ReactorRandom random) => endpoint;
    }
}

/// <summary>
/// Each endpoint in turn, weighted ones more often and evenly spread (<see cref="WeightedSchedule"/>). Every reactor has its own turn and
/// starts at a random place, so that many proxies or reactors that start together do not all send their first request to the same
/// endpoint.
/// </summary>
internal sealed class RoundRobinPicker : EndpointPicker
{
    private const int NotStarted = -1;

    private readonly EndpointSnapshot[] _turns;
    private readonly Cursor[] _cursors;

    public RoundRobinPicker(EndpointSnapshot[] endpoints, int[]? schedule, int reactorCount)
    {
        _turns = schedule is null ? endpoints : Array.ConvertAll(schedule, index => endpoints[index]);
        _cursors = new Cursor[reactorCount];
        Array.Fill(_cursors, new Cursor { Next = NotStarted });
    }

    public override EndpointSnapshot Pick(int reactorIndex, ReactorRandom random)
    {
        ref var next = ref _cursors[reactorIndex].Next;
        if (next == NotStarted) next = random.Below(_turns.Length);
        var turn = next;
        next = turn + 1 == _turns.Length ? 0 : turn + 1;
        return _turns[turn];
    }

    // One cache line each: the cursor is written on every request by its reactor only.
    [StructLayout(LayoutKind.Sequential, Size = 64)]
    private struct Cursor
    {
        public int Next;
    }
}

/// <summary>
/// The power of two choices (Mitzenmacher 2001): of a few endpoints drawn at random, the one with the fewest requests in flight. It needs
/// no global view, reacts at once to a slow endpoint and does not herd.
/// </summary>
/// <remarks>
/// "In flight" counts this reactor's requests only: connections are spread over reactors by the kernel, so each sees a fair sample. With
/// unequal weights the draw itself follows the weights (that alone gives the right shares to an idle cluster) and the comparison is of
/// requests per weight. A tie goes to the first one drawn. The draws are of different endpoints whenever the weights are equal.
/// </remarks>
internal sealed class LeastRequestPicker(EndpointSnapshot[] endpoints, int[]? schedule, int choices) : EndpointPicker
{
    public override EndpointSnapshot Pick(int reactorIndex, ReactorRandom random)
    {
        var first = Draw(random);
        var best = endpoints[first];
        var bestActive = best.State.ActiveRequestsOn(reactorIndex);
        for (var choice = 1; choice < choices; choice++)
        {
            var candidate = endpoints[schedule is null && choice == 1 ? DrawOther(random, first) : Draw(random)];
            var active = candidate.State.ActiveRequestsOn(reactorIndex);
            if (active * best.Weight >= bestActive * candidate.Weight) continue;
            best = candidate;
            bestActive = active;
        }

        return best;
    }

    private int Draw(ReactorRandom random) => schedule is null ? random.Below(endpoints.Length) : schedule[random.Below(schedule.Length)];

    private int DrawOther(ReactorRandom random, int first)
    {
        var other = random.Below(endpoints.Length - 1);
        return other >= first ? other + 1 : other;
    }
}

/// <summary>Any endpoint, as likely as its weight.</summary>
internal sealed class RandomPicker(EndpointSnapshot[] endpoints, int[]? schedule) : EndpointPicker
{
    public override EndpointSnapshot Pick(int reactorIndex, ReactorRandom random) =>
        endpoints[schedule is null ? random.Below(endpoints.Length) : schedule[random.Below(schedule.Length)]];
}
