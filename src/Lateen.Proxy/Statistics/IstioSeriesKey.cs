using System.Runtime.CompilerServices;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Statistics;

/// <summary>What tells one series from another, without building its labels: the objects that the labels would be read from, compared
/// by reference, and the outcome.</summary>
/// <param name="Cluster">The cluster's snapshot; null when no route led to one.</param>
/// <param name="Workload">The endpoint's identity as configured.</param>
/// <param name="Peer">The peer as it told of itself.</param>
/// <param name="Host">The host asked for, interned; only where no service is known.</param>
/// <param name="Status">Response code.</param>
/// <param name="GrpcStatus">-1: not gRPC.</param>
/// <param name="Flags">Response flags.</param>
/// <param name="IsGrpc">The request was gRPC.</param>
/// <param name="Principals">Who the two ends are; the one part that is compared by value, since each connection has its own objects.</param>
internal readonly record struct IstioSeriesKey(
    object? Cluster, object? Workload, object? Peer, string? Host, int Status, int GrpcStatus, ResponseFlags Flags, bool IsGrpc, ConnectionPrincipals Principals)
{
    public bool Equals(IstioSeriesKey other) =>
        ReferenceEquals(Cluster, other.Cluster) && ReferenceEquals(Workload, other.Workload) && ReferenceEquals(Peer, other.Peer)
        && ReferenceEquals(Host, other.Host) && Status == other.Status && GrpcStatus == other.GrpcStatus && Flags == other.Flags
        && IsGrpc == other.IsGrpc && Principals.Equals(other.Principals);

    public override int GetHashCode()
    {
        var hash = RuntimeHelpers.GetHashCode(Cluster);
        hash = (hash * 31) + RuntimeHelpers.GetHashCode(Workload);
        hash = (hash * 31) + RuntimeHelpers.GetHashCode(Peer);
        hash = (hash * 31) + RuntimeHelpers.GetHashCode(Host);
        hash = (hash * 31) + Status;
        hash = (hash * 31) + Principals.GetHashCode();
        return (hash * 31) + (int)((ulong)Flags * 0x9E3779B97F4A7C15UL >> 33) + GrpcStatus;
    }
}
