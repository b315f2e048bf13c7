using Envoy.Admin.V3;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Lateen.Proxy.Clusters;
using Lateen.Xds.Text;

namespace Lateen.Proxy.Admin;

/// <summary><c>/clusters</c>: clusters, their limits, and each endpoint with its counts and health; Envoy's text or JSON.</summary>
internal static class ClustersPage
{
    private static readonly (string Name, SimpleMetric.Types.Type Type, Func<EndpointSlot, long> Read)[] Counts =
    [
        ("cx_active", SimpleMetric.Types.Type.Gauge, static slot => slot.ActiveConnections),
        ("cx_connect_fail", SimpleMetric.Types.Type.Counter, static slot => slot.ConnectFailures),
        ("cx_total", SimpleMetric.Types.Type.Counter, static slot => slot.Connections),
        ("rq_active", SimpleMetric.Types.Type.Gauge, static slot => slot.ActiveRequests),
        ("rq_error", SimpleMetric.Types.Type.Counter, static slot => slot.Errors),
        ("rq_success", SimpleMetric.Types.Type.Counter, static slot => slot.Successes),
        ("rq_timeout", SimpleMetric.Types.Type.Counter, static slot => slot.Timeouts),
        ("rq_total", SimpleMetric.Types.Type.Counter, static slot => slot.Requests),
    ];

    public static AdminPage Create(AdminContext context) => new(
        "/clusters", "upstream cluster status (format=text|json)", false, (request, response) =>
        {
            var clusters = context.Snapshots.Current.Clusters.OrderBy(static cluster => cluster.Name, StringComparer.Ordinal);
            if (request["format"] == "json") WriteJson(clusters, response);
            else WriteText(clusters, response);
        });

    private static void WriteText(IEnumerable<ClusterSnapshot> clusters, AdminResponse response)
    {
        foreach (var cluster in clusters)
        {
            var name = cluster.Name;
            response.Write($"{name}::observability_name::{cluster.StatName}\n");
            foreach (var (priority, limits) in new[] { ("default", cluster.Limits), ("high", cluster.HighPriorityLimits) })
            {
                response.Write($"{name}::{priority}_priority::max_connections::{limits.MaxConnections}\n");
                response.Write($"{name}::{priority}_priority::max_pending_requests::{limits.MaxPendingRequests}\n");
                response.Write($"{name}::{priority}_priority::max_requests::{limits.MaxRequests}\n");
                response.Write($"{name}::{priority}_priority::max_retries::{limits.MaxRetries}\n");
            }

            response.Write($"{name}::added_via_api::{(cluster.IsStatic ? "false" : "true")}\n");
            if (cluster.EdsServiceName.Length > 0) response.Write($"{name}::eds_service_name::{cluster.EdsServiceName}\n");
            foreach (var endpoint in cluster.Endpoints) WriteText($"{name}::{endpoint.State.AddressText}::", endpoint, response);
        }
    }

    private static void WriteText(string prefix, EndpointSnapshot endpoint, AdminResponse response)
    {
        foreach (var (name, _, read) in Counts) response.Write($"{prefix}{name}::{endpoint.State.Sum(read)}\n");
        response.Write($"{prefix}hostname::{endpoint.Hostname}\n");
        response.Write($"{prefix}health_flags::{HealthFlags(endpoint)}\n");
        response.Write($"{prefix}weight::{endpoint.Weight}\n");
        response.Write($"{prefix}region::{endpoint.Locality.Region}\n");
        response.Write($"{prefix}zone::{endpoint.Locality.Zone}\n");
        response.Write($"{prefix}sub_zone::{endpoint.Locality.SubZone}\n");
        response.Write($"{prefix}canary::false\n");
        response.Write($"{prefix}priority::{endpoint.Priority}\n");
        response.Write($"{prefix}success_rate::-1\n");
        response.Write($"{prefix}local_origin_success_rate::-1\n");
    }

    private static string HealthFlags(EndpointSnapshot endpoint) => endpoint.Health switch
    {
        EndpointHealth.Healthy => "healthy",
        EndpointHealth.Degraded => "/degraded_eds_health",
        EndpointHealth.Draining => "/eds_status_draining",
        _ => "/failed_eds_health",
    };

    private static void WriteJson(IEnumerable<ClusterSnapshot> clusters, AdminResponse response)
    {
        var message = new Envoy.Admin.V3.Clusters();
        foreach (var cluster in clusters)
        {
            var status = new ClusterStatus
            {
                Name = cluster.Name,
                AddedViaApi = !cluster.IsStatic,
                ObservabilityName = cluster.StatName,
                EdsServiceName = cluster.EdsServiceName,
                CircuitBreakers = new CircuitBreakers
                {
                    Thresholds = { Thresholds(RoutingPriority.Default, cluster.Limits), Thresholds(RoutingPriority.High, cluster.HighPriorityLimits) },
                },
            };
            foreach (var endpoint in cluster.Endpoints) status.HostStatuses.Add(Status(endpoint));
            message.ClusterStatuses.Add(status);
        }

        response.ContentType = AdminResponse.Json;
        response.Write(ProtoJson.Default.WriteJson("envoy.admin.v3.Clusters", message));
        response.Write("\n");
    }

    private static CircuitBreakers.Types.Thresholds Thresholds(RoutingPriority priority, CircuitBreakerLimits limits) => new()
    {
        Priority = priority,
        MaxConnections = limits.MaxConnections,
        MaxPendingRequests = limits.MaxPendingRequests,
        MaxRequests = limits.MaxRequests,
        MaxRetries = limits.MaxRetries,
    };

    private static HostStatus Status(EndpointSnapshot endpoint)
    {
        var status = new HostStatus
        {
            Address = AddressProto.Of(endpoint.State.Address),
            Weight = endpoint.Weight,
            Hostname = endpoint.Hostname,
            Priority = (uint)endpoint.Priority,
            Locality = new Locality { Region = endpoint.Locality.Region, Zone = endpoint.Locality.Zone, SubZone = endpoint.Locality.SubZone },
            HealthStatus = new HostHealthStatus
            {
                EdsHealthStatus = endpoint.Health switch
                {
                    EndpointHealth.Healthy => HealthStatus.Healthy,
                    EndpointHealth.Degraded => HealthStatus.Degraded,
                    EndpointHealth.Draining => HealthStatus.Draining,
                    _ => HealthStatus.Unhealthy,
                },
            },
        };
        foreach (var (name, type, read) in Counts)
            status.Stats.Add(new SimpleMetric { Name = name, Type = type, Value = (ulong)Math.Max(0, endpoint.State.Sum(read)) });
        return status;
    }
}
