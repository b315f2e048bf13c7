namespace Lateen.Proxy.Clusters;

/// <summary>One endpoint as the current configuration describes it: what may change without the endpoint becoming another one.</summary>
/// <remarks>Immutable. Several snapshots share one <see cref="State"/>.</remarks>
public sealed class EndpointSnapshot
{
    public required EndpointState State { get; init; }

    /// <summary><c>load_balancing_weight</c>, at least 1.</summary>
    public uint Weight { get; init; } = 1;

    public EndpointHealth Health { get; init; }

    /// <summary>0 is the most wanted.</summary>
    public int Priority { get; init; }

    public EndpointLocality Locality { get; init; } = EndpointLocality.None;

    /// <summary>
    /// The name that the endpoint was resolved from, or <c>Endpoint.hostname</c>; empty when there is none. Feeds auto_host_rewrite.
    /// </summary>
    public string Hostname { get; init; } = string.Empty;

    /// <summary><see cref="Hostname"/> in UTF-8, ready to be written as a Host header.</summary>
    public ReadOnlyMemory<byte> HostnameBytes { get; init; }

    /// <summary>How it is connected to; null: as the cluster says.</summary>
    public EndpointTransport? Transport { get; init; }

    /// <summary>Who runs there, from endpoint metadata <c>istio.workload</c>; null when the control plane said nothing.</summary>
    public WorkloadIdentity? Workload { get; init; }
}

/// <summary>Where an endpoint stands: <c>region/zone/subzone</c>, any part may be empty.</summary>
public sealed record EndpointLocality(string Region, string Zone, string SubZone)
{
    public static readonly EndpointLocality None = new(string.Empty, string.Empty, string.Empty);

    public override string ToString() =>
        SubZone.Length > 0 ? $"{Region}/{Zone}/{SubZone}" : Zone.Length > 0 ? $"{Region}/{Zone}" : Region;
}

/// <summary>
/// The workload behind an endpoint as Istio's metrics name it: endpoint metadata <c>filter_metadata.istio.workload</c> holds
/// <c>name;namespace;canonical-name;canonical-revision;cluster</c>. Parts that are missing are empty.
/// </summary>
public sealed record WorkloadIdentity(string Name, string Namespace, string CanonicalName, string CanonicalRevision, string Cluster)
{
    /// <summary>Reads the five parts separated by semicolons; extra parts are ignored, as Istio's own reader does.</summary>
    public static WorkloadIdentity Parse(string text)
    {
        Span<Range> parts = stackalloc Range[6];
        var count = text.AsSpan().Split(parts, ';');
        return new WorkloadIdentity(Part(text, parts, count, 0), Part(text, parts, count, 1), Part(text, parts, count, 2),
            Part(text, parts, count, 3), Part(text, parts, count, 4));
    }

    private static string Part(string text, ReadOnlySpan<Range> parts, int count, int index) => index < count ? text[parts[index]] : string.Empty;
}

/// <summary>The service that a cluster stands for, from cluster metadata <c>filter_metadata.istio.services[0]</c>.</summary>
public sealed record ServiceIdentity(string Host, string Name, string Namespace);
