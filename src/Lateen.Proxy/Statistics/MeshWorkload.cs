using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Clusters;

namespace Lateen.Proxy.Statistics;

/// <summary>Who a workload is, as Istio's metrics name it and as two proxies tell each other in <c>x-envoy-peer-metadata</c>. Parts that
/// are not known are empty. Immutable.</summary>
public sealed class MeshWorkload
{
    private const string CanonicalNameLabel = "service.istio.io/canonical-name";
    private const string CanonicalRevisionLabel = "service.istio.io/canonical-revision";

    /// <summary>A peer that told nothing.</summary>
    public static readonly MeshWorkload Unknown = new();

    /// <summary>The instance: a pod's name.</summary>
    public string Name { get; init; } = string.Empty;

    public string Namespace { get; init; } = string.Empty;

    /// <summary>What the instance belongs to: a deployment's name.</summary>
    public string WorkloadName { get; init; } = string.Empty;

    public string ClusterId { get; init; } = string.Empty;

    public string App { get; init; } = string.Empty;

    public string Version { get; init; } = string.Empty;

    public string CanonicalName { get; init; } = string.Empty;

    public string CanonicalRevision { get; init; } = string.Empty;

    /// <summary>Reads node metadata, or what a peer sent, which has the same keys: NAME, NAMESPACE, WORKLOAD_NAME, CLUSTER_ID, LABELS.
    /// Values of another type than Istio's are taken as missing.</summary>
    public static MeshWorkload Read(Struct metadata)
    {
        var labels = metadata.Fields.TryGetValue("LABELS", out var value) ? value.StructValue : null;
        var workloadName = Text(metadata, "WORKLOAD_NAME");
        return new MeshWorkload
        {
            Name = Text(metadata, "NAME"),
            Namespace = Text(metadata, "NAMESPACE"),
            WorkloadName = workloadName,
            ClusterId = Text(metadata, "CLUSTER_ID"),
            App = Text(labels, "app"),
            Version = Text(labels, "version"),
            CanonicalName = First(Text(labels, CanonicalNameLabel), Text(labels, "app.kubernetes.io/name"), Text(labels, "app"), workloadName),
            CanonicalRevision = First(Text(labels, CanonicalRevisionLabel), Text(labels, "app.kubernetes.io/version"), Text(labels, "version"), "latest"),
        };
    }

    /// <summary>What the control plane said of an endpoint; it knows neither instance nor labels.</summary>
    public static MeshWorkload Of(WorkloadIdentity endpoint) => new()
    {
        WorkloadName = endpoint.Name,
        Namespace = endpoint.Namespace,
        CanonicalName = endpoint.CanonicalName,
        CanonicalRevision = endpoint.CanonicalRevision,
        ClusterId = endpoint.Cluster,
    };

    /// <summary>What this workload tells its peers.</summary>
    public Struct ToStruct()
    {
        var labels = new Struct();
        Add(labels, "app", App);
        Add(labels, CanonicalNameLabel, CanonicalName);
        Add(labels, CanonicalRevisionLabel, CanonicalRevision);
        Add(labels, "version", Version);
        var told = new Struct();
        Add(told, "CLUSTER_ID", ClusterId);
        if (labels.Fields.Count > 0) told.Fields["LABELS"] = Value.ForStruct(labels);
        Add(told, "NAME", Name);
        Add(told, "NAMESPACE", Namespace);
        Add(told, "WORKLOAD_NAME", WorkloadName);
        return told;
    }

    private static void Add(Struct target, string key, string value)
    {
        if (value.Length > 0) target.Fields[key] = Value.ForString(value);
    }

    private static string Text(Struct? metadata, string key) =>
        metadata is not null && metadata.Fields.TryGetValue(key, out var value) && value.KindCase == Value.KindOneofCase.StringValue ? value.StringValue : string.Empty;

    private static string First(params ReadOnlySpan<string> candidates)
    {
        foreach (var candidate in candidates)
        {
            if (candidate.Length > 0) return candidate;
        }

        return string.Empty;
    }
}
