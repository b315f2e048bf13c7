namespace Lateen.Proxy.Clusters;

/// <summary>
/// Chooses the endpoint of a request. One object per set of endpoints; what it remembers between requests (cursors) is kept per reactor,
/// so that choosing takes no lock and allocates nothing.
/// </summary>
/// <param name="members">Every endpoint that may be chosen.</param>
public abstract class LoadBalancer(EndpointSnapshot[] members)
{
    /// <summary>
    /// Choices made before an endpoint that was tried already is accepted after all, Envoy's host_selection_retry_max_attempts default.
    /// </summary>
    private const int DefaultMaxAttempts = 1;

    /// <summary>
    /// The endpoint for a request on the calling reactor, or null when no endpoint may be used (503 with flag UH).
    /// </summary>
    /// <param name="reactorIndex">The calling reactor.</param>
    /// <param name="random">The calling reactor's own random numbers.</param>
    public abstract EndpointSnapshot? Choose(int reactorIndex, ReactorRandom random);

    /// <summary>
    /// As <see cref="Choose(int, ReactorRandom)"/>, but an endpoint in <paramref name="tried"/> is passed over up to
    /// <paramref name="maxAttempts"/> times; then any other member is taken, and only when all were tried does the last choice stand.
    /// </summary>
    /// <remarks>
    /// Asking the policy again is not enough. Least request is drawn to an endpoint that refuses connections, which never has a request in
    /// flight: of two endpoints it would choose the dead one every time. Envoy has no such last step.
    /// </remarks>
    public EndpointSnapshot? Choose(int reactorIndex, ReactorRandom random, ReadOnlySpan<EndpointState?> tried, int maxAttempts = DefaultMaxAttempts)
    {
        var choice = Choose(reactorIndex, random);
        for (var attempt = 0; attempt < maxAttempts && choice is not null && Contains(tried, choice.State); attempt++)
        {
            choice = Choose(reactorIndex, random);
        }

        return choice is not null && Contains(tried, choice.State) ? AnyOther(random, tried) ?? choice : choice;
    }

    private EndpointSnapshot? AnyOther(ReactorRandom random, ReadOnlySpan<EndpointState?> tried)
    {
        var start = random.Below(members.Length);
        for (var offset = 0; offset < members.Length; offset++)
        {
            var member = members[(start + offset) % members.Length];
            if (!Contains(tried, member.State)) return member;
        }

        return null;
    }

    private static bool Contains(ReadOnlySpan<EndpointState?> tried, EndpointState state)
    {
        foreach (var one in tried)
        {
            if (ReferenceEquals(one, state)) return true;
        }

        return false;
    }
}
