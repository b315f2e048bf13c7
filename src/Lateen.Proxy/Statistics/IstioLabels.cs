using Lateen.Telemetry.AccessLogs;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>The labels of Istio's standard metrics, in the order in which Istio's proxies print them. What is not known reads
/// <c>unknown</c>.</summary>
internal sealed record IstioLabels
{
    /// <summary>Value of <see cref="ResponseCode"/> where nothing is answered: TCP.</summary>
    public const int NoResponseCode = -1;

    private const string Unknown = "unknown";

    /// <summary>Who counts: the side that sends the request, or the one that serves it.</summary>
    public required bool IsSource { get; init; }

    public required MeshWorkload Source { get; init; }

    public required MeshWorkload Destination { get; init; }

    /// <summary>SPIFFE ids of the two ends as mutual TLS proved them.</summary>
    public ConnectionPrincipals Principals { get; init; }

    /// <summary>The host that was asked for, such as <c>reviews.shop.svc.cluster.local</c>.</summary>
    public required string DestinationService { get; init; }

    /// <summary>Its short name.</summary>
    public required string DestinationServiceName { get; init; }

    public required string DestinationServiceNamespace { get; init; }

    /// <summary><see cref="NoResponseCode"/>: TCP, whose series have no labels of a response.</summary>
    public required int ResponseCode { get; init; }

    /// <summary>-1: not gRPC.</summary>
    public required int GrpcStatus { get; init; }

    public required ResponseFlags Flags { get; init; }

    public required bool IsGrpc { get; init; }

    public StatTag[] ToTags() =>
    [
        new("reporter", IsSource ? "source" : "destination"),
        new("source_workload", Or(Source.WorkloadName)),
        new("source_canonical_service", Or(Source.CanonicalName)),
        new("source_canonical_revision", Or(Source.CanonicalRevision)),
        new("source_workload_namespace", Or(Source.Namespace)),
        new("source_principal", Or(IsSource ? Principals.Own : Principals.Peer)),
        new("source_app", Or(Source.App)),
        new("source_version", Or(Source.Version)),
        new("source_cluster", Or(Source.ClusterId)),
        new("destination_workload", Or(Destination.WorkloadName)),
        new("destination_workload_namespace", Or(Destination.Namespace)),
        new("destination_principal", Or(IsSource ? Principals.Peer : Principals.Own)),
        new("destination_app", Or(Destination.App)),
        new("destination_version", Or(Destination.Version)),
        new("destination_service", Or(DestinationService)),
        new("destination_canonical_service", Or(Destination.CanonicalName)),
        new("destination_canonical_revision", Or(Destination.CanonicalRevision)),
        new("destination_service_name", Or(DestinationServiceName)),
        new("destination_service_namespace", Or(DestinationServiceNamespace)),
        new("destination_cluster", Or(Destination.ClusterId)),
        .. ResponseTags(),
        new("response_flags", ResponseFlagNames.ToText(Flags)),
        // The serving side knows how the connection came; the sending side cannot know what happens behind the endpoint.
        new("connection_security_policy", IsSource ? Unknown : Principals.IsMutual ? "mutual_tls" : "none"),
    ];

    private StatTag[] ResponseTags() => ResponseCode == NoResponseCode
        ? [new("request_protocol", "tcp")]
        :
        [
            new("request_protocol", IsGrpc ? "grpc" : "http"),
            new("response_code", ResponseCode.ToString()),
            new("grpc_response_status", GrpcStatus < 0 ? string.Empty : GrpcStatus.ToString()),
        ];

    private static string Or(string? value) => value is { Length: > 0 } ? value : Unknown;
}
