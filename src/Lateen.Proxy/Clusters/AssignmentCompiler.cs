using System.Collections.Immutable;
using System.Net;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Clusters;

/// <summary>Compiles a <c>ClusterLoadAssignment</c>.</summary>
internal static class AssignmentCompiler
{
    /// <summary>Highest priority number accepted, as in Envoy.</summary>
    private const uint MaxPriority = 128;

    /// <param name="assignment">What the file or the control plane says.</param>
    /// <param name="allowsNames">Endpoints may be given by a name to resolve: clusters with DNS.</param>
    /// <param name="path">Where it stands.</param>
    /// <param name="errors">Gets what is wrong.</param>
    public static EndpointAssignment? Compile(ClusterLoadAssignment assignment, bool allowsNames, FieldPath path, ConfigurationErrors errors)
    {
        var errorsBefore = errors.Count;
        var overprovisioning = assignment.Policy?.OverprovisioningFactor ?? LoadBalancingOptions.Default.OverprovisioningPercent;
        if (overprovisioning == 0) errors.Add(path.Field("policy").Field("overprovisioning_factor"), "must be greater than 0");

        var localities = ImmutableArray.CreateBuilder<AssignedLocality>(assignment.Endpoints.Count);
        for (var i = 0; i < assignment.Endpoints.Count; i++)
        {
            localities.Add(CompileLocality(assignment.Endpoints[i], allowsNames, path.Field("endpoints").At(i), errors));
        }

        CheckPriorities(localities, path.Field("endpoints"), errors);
        return errors.Count > errorsBefore ? null : new EndpointAssignment(localities.DrainToImmutable(), overprovisioning);
    }

    private static AssignedLocality CompileLocality(LocalityLbEndpoints group, bool allowsNames, FieldPath path, ConfigurationErrors errors)
    {
        if (group.Priority > MaxPriority) errors.Add(path.Field("priority"), $"must be at most {MaxPriority}");
        var endpoints = ImmutableArray.CreateBuilder<AssignedEndpoint>(group.LbEndpoints.Count);
        for (var i = 0; i < group.LbEndpoints.Count; i++)
        {
            if (CompileEndpoint(group.LbEndpoints[i], allowsNames, path.Field("lb_endpoints").At(i), errors) is { } endpoint) endpoints.Add(endpoint);
        }

        var locality = group.Locality is { } place ? new EndpointLocality(place.Region, place.Zone, place.SubZone) : EndpointLocality.None;
        return new AssignedLocality(locality, (int)Math.Min(group.Priority, MaxPriority), group.LoadBalancingWeight, endpoints.DrainToImmutable());
    }

    private static AssignedEndpoint? CompileEndpoint(LbEndpoint endpoint, bool allowsNames, FieldPath path, ConfigurationErrors errors)
    {
        var addressPath = path.Field("endpoint").Field("address");
        var address = endpoint.Endpoint?.Address;
        if (endpoint.LoadBalancingWeight is 0) errors.Add(path.Field("load_balancing_weight"), "must be greater than 0");

        EndPoint? resolved = null;
        if (!allowsNames || !AddressReader.TryReadName(address, out var host, out var port))
        {
            resolved = AddressReader.Read(address, addressPath, errors);
            if (resolved is null) return null;
            if (resolved is IPEndPoint { Port: 0 }) errors.Add(addressPath.Field("socket_address").Field("port_value"), "an endpoint needs a port");
            (host, port) = (string.Empty, 0);
        }
        else if (!AddressReader.HasPort(address!.SocketAddress, addressPath.Field("socket_address"), errors))
        {
            return null;
        }
        else if (host.Length is 0 or > 253)
        {
            errors.Add(addressPath.Field("socket_address").Field("address"), $"'{host}' is not a host name");
        }

        return new AssignedEndpoint
        {
            Address = resolved,
            Host = host,
            Port = port,
            Hostname = endpoint.Endpoint!.Hostname,
            Weight = endpoint.LoadBalancingWeight ?? 1,
            Health = HealthOf(endpoint.HealthStatus),
            Workload = WorkloadOf(endpoint.Metadata),
            TransportMatch = endpoint.Metadata?.FilterMetadata.GetValueOrDefault(TransportMatch.MetadataKey),
        };
    }

    private static EndpointHealth HealthOf(HealthStatus status) => status switch
    {
        HealthStatus.Unhealthy or HealthStatus.Timeout => EndpointHealth.Unhealthy,
        HealthStatus.Draining => EndpointHealth.Draining,
        HealthStatus.Degraded => EndpointHealth.Degraded,
        _ => EndpointHealth.Healthy,
    };

    private static WorkloadIdentity? WorkloadOf(Metadata? metadata) =>
        metadata is not null && metadata.FilterMetadata.TryGetValue("istio", out var istio)
        && istio.Fields.TryGetValue("workload", out var workload) && workload.HasStringValue
            ? WorkloadIdentity.Parse(workload.StringValue)
            : null;

    // Envoy refuses gaps: a priority that has no endpoints would swallow nothing and confuse everybody.
    private static void CheckPriorities(ImmutableArray<AssignedLocality>.Builder localities, FieldPath path, ConfigurationErrors errors)
    {
        var seen = new SortedSet<int>();
        foreach (var locality in localities) seen.Add(locality.Priority);
        var expected = 0;
        foreach (var priority in seen)
        {
            if (priority == expected++) continue;
            errors.Add(path, $"priorities must be 0, 1, 2... without a gap; {expected - 1} is missing");
            return;
        }
    }
}
