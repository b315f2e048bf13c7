namespace Lateen.Telemetry.AccessLogs;

/// <summary>Whose metadata a format asks for.</summary>
public enum AccessLogMetadataSource
{
    /// <summary>What filters left on the request.</summary>
    Dynamic,
    /// <summary>The cluster's <c>metadata</c>.</summary>
    Cluster,
    /// <summary>The endpoint's <c>metadata</c>.</summary>
    UpstreamHost,
    /// <summary>The route's <c>metadata</c>.</summary>
    Route,
    /// <summary>The listener's <c>metadata</c>.</summary>
    Listener,
    /// <summary>The virtual host's <c>metadata</c>.</summary>
    VirtualHost,
    /// <summary>Filter state of the downstream side.</summary>
    FilterState,
    /// <summary>Filter state of the upstream side.</summary>
    UpstreamFilterState,
}

/// <summary>A place in metadata that a format names, <c>%CLUSTER_METADATA(istio:services)%</c>. Immutable.</summary>
/// <param name="Source">Whose metadata.</param>
/// <param name="Filter">The namespace within it, or the key of the filter state.</param>
/// <param name="Path">The keys below, outermost first; empty means the whole struct.</param>
public sealed record AccessLogMetadata(AccessLogMetadataSource Source, string Filter, IReadOnlyList<string> Path);
