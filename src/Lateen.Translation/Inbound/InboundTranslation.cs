using System.Collections.Immutable;
using System.Globalization;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Route.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Model.Security;
using Lateen.Translation.Connections;
using Lateen.Translation.Endpoints;
using Lateen.Translation.MutualTls;
using Lateen.Translation.Naming;
using Lateen.Translation.Outbound;
using Lateen.Translation.Routing;
using Lateen.Translation.Secrets;
using Lateen.Translation.Security;
using Lateen.Xds;

namespace Lateen.Translation.Inbound;

/// <summary>
/// The inbound half of a sidecar: one listener and one cluster per ingress listener of its Sidecar, from the port that others know to the
/// application's own. Without transparent capture there is nothing else to listen on.
/// </summary>
internal static class InboundTranslation
{
    /// <summary>Where a listener binds that does not say: loopback, because configuration that opens a port to the world should say so.</summary>
    private const string DefaultBind = "127.0.0.1";

    public static void Add(
        MeshSnapshot snapshot, ProxyIdentity proxy, Resource<Sidecar>? sidecar, WorkloadSecurity security,
        ImmutableArray<XdsResource>.Builder clusters, ImmutableArray<XdsResource>.Builder listeners, ISet<SecretReference> secrets,
        ImmutableArray<string>.Builder notices)
    {
        if (sidecar is null) return;
        var taken = snapshot.PeerAuthentications.For(proxy.Namespace, proxy.Labels);
        foreach (var ingress in sidecar.Spec.Ingress)
        {
            string bind = ingress.Bind is { Length: > 0 } written ? written : DefaultBind;
            if (ingress.Port.Protocol == PortProtocol.Udp)
            {
                notices.Add($"ingress listener {Listeners.Name(bind, ingress.Port.Number)} is UDP, which is not carried");
                continue;
            }

            var mode = taken.ForPort(ingress.Port.Number);
            if (!proxy.HasIdentity)
            {
                if (mode == MutualTlsMode.Strict)
                {
                    notices.Add($"ingress listener {Listeners.Name(bind, ingress.Port.Number)} is left out: its PeerAuthentication is STRICT, and this proxy has no "
                        + "identity to speak mutual TLS with; start it with one, or make the port PERMISSIVE");
                    continue;
                }

                mode = MutualTlsMode.Disable;
            }

            if (mode != MutualTlsMode.Disable && ingress.Tls is not null)
            {
                notices.Add($"ingress listener {Listeners.Name(bind, ingress.Port.Number)}: its tls has no effect, for the port speaks the mesh's mutual TLS "
                    + $"({mode.ToString().ToUpperInvariant()}); a PeerAuthentication with portLevelMtls DISABLE leaves it to the Sidecar");
            }

            var service = ServiceOf(snapshot, proxy, ingress.Port.Number);
            clusters.Add(Cluster(snapshot.Mesh, proxy, sidecar.Spec, ingress, service));
            listeners.Add(Listener(snapshot.Mesh, sidecar.Spec, ingress, bind, service, mode, security, secrets));
        }
    }

    private static XdsResource Listener(
        MeshConfig mesh, Sidecar sidecar, SidecarIngressListener ingress, string bind, MeshService? service, MutualTlsMode mode, WorkloadSecurity security,
        ISet<SecretReference> secrets)
    {
        int port = ingress.Port.Number;
        var protocol = ingress.Port.Protocol;
        var ownTls = mode == MutualTlsMode.Disable ? ingress.Tls : null;
        // Without a declaration the first bytes decide: what is HTTP is treated as such, anything else goes through as it is. Inside of TLS nobody looks.
        var http = protocol.IsHttp() || (protocol == PortProtocol.Unsupported && ownTls is null)
            ? Listeners.InlineChain(TrafficSide.Inbound, bind, port, protocol, Routes(ingress.Port, service), mesh, security)
            : null;
        var opaque = protocol.IsHttp()
            ? null
            : security.Guard(
                TcpChains.Of([new WeightedTarget(ClusterNames.Inbound(port), 0)], "", (ingress.ConnectionPool ?? sidecar.InboundConnectionPool)?.Tcp, mesh));
        if (mode != MutualTlsMode.Disable) return InboundChains.Listener(bind, port, http, opaque, mode, mesh);
        if (opaque is null)
        {
            if (ownTls is not null) http!.TransportSocket = DownstreamSockets.Of(ownTls, DownstreamSockets.HttpAlpn, secrets);
            return Listeners.Of(TrafficSide.Inbound, bind, port, [http!], Inspection.None);
        }

        if (ownTls is not null) opaque.TransportSocket = DownstreamSockets.Of(ownTls, [], secrets);
        return http is null
            ? Listeners.Of(TrafficSide.Inbound, bind, port, [opaque], Inspection.None)
            : Listeners.Sniffing(TrafficSide.Inbound, bind, port, http, [opaque], mesh);
    }

    private static XdsResource Cluster(MeshConfig mesh, ProxyIdentity proxy, Sidecar sidecar, SidecarIngressListener ingress, MeshService? service)
    {
        string name = ClusterNames.Inbound(ingress.Port.Number);
        var cluster = new Cluster { Name = name, Type = Envoy.Config.Cluster.V3.Cluster.Types.DiscoveryType.Static };
        var (address, port) = ApplicationAt(ingress, proxy);
        cluster.LoadAssignment = EndpointSets.Of(name, [new MeshEndpoint { Address = address, Port = port }], []);
        // The endpoint is this workload; naming it to its own metrics filter would be noise.
        foreach (var endpoint in cluster.LoadAssignment.Endpoints.SelectMany(locality => locality.LbEndpoints)) endpoint.Metadata = null;
        var pool = ingress.ConnectionPool ?? sidecar.InboundConnectionPool;
        ConnectionPools.Write(cluster, pool, mesh);
        // The mesh's wish to upgrade is for the way between proxies; the application gets what its port declares.
        UpstreamProtocols.Write(cluster, pool, UpstreamProtocols.Choose(ingress.Port.Protocol, pool?.Http, isTls: false, MeshConfig.Default), followsHost: null);
        if (service is not null) cluster.Metadata = Messages.Istio(new Struct { Fields = { ["services"] = OutboundClusters.ServiceList(service) } });
        return XdsResource.FromMessage(name, cluster);
    }

    /// <summary>Where the application listens: <c>defaultEndpoint</c>, in which 0.0.0.0 stands for the workload's address; else the same port on loopback.</summary>
    private static (string Address, int Port) ApplicationAt(SidecarIngressListener ingress, ProxyIdentity proxy)
    {
        if (ingress.DefaultEndpoint is not { Length: > 0 } written) return ("127.0.0.1", ingress.Port.Number);
        if (written.StartsWith("unix://", StringComparison.Ordinal)) return (written["unix://".Length..], 0);
        int colon = written.LastIndexOf(':');
        string address = written[..colon].Trim('[', ']');
        int port = int.Parse(written.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture);
        return (address is "0.0.0.0" or "::" ? proxy.Ip : address, port);
    }

    private static RouteConfiguration Routes(SidecarPort declared, MeshService? service)
    {
        int port = declared.Number;
        string cluster = ClusterNames.Inbound(port);
        return new RouteConfiguration
        {
            Name = cluster,
            ValidateClusters = false,
            VirtualHosts =
            {
                new VirtualHost
                {
                    Name = $"inbound|http|{port}",
                    Domains = { "*" },
                    Routes =
                    {
                        new Route
                        {
                            Name = "default",
                            Match = RouteMatches.All(),
                            Decorator = new Decorator { Operation = $"{service?.Hostname ?? "*"}:{port}/*" },
                            Route_ = new RouteAction
                            {
                                Cluster = cluster,
                                Timeout = Messages.Zero,
                                MaxStreamDuration = GrpcDeadlines.OfClient(),
                                RetryPolicy = Retries(declared.Protocol),
                            },
                        },
                    },
                },
            },
        };
    }

    /// <summary>A request that the application's socket dropped before reading it is safe to send again; gRPC clients do that themselves.</summary>
    private static RetryPolicy? Retries(PortProtocol protocol) =>
        protocol is PortProtocol.Grpc or PortProtocol.GrpcWeb ? null : new RetryPolicy { RetryOn = "reset-before-request", NumRetries = 2 };

    /// <summary>The service that others reach here by: of the proxy's namespace, selecting its labels, with this port or target port.</summary>
    private static MeshService? ServiceOf(MeshSnapshot snapshot, ProxyIdentity proxy, int port)
    {
        foreach (var service in snapshot.Services.All)
        {
            if (service.Namespace == proxy.Namespace && service.Selector is { Count: > 0 } selector && selector.Selects(proxy.Labels)
                && service.Ports.Any(candidate => candidate.Number == port || candidate.TargetPort == port)) return service;
        }

        return null;
    }
}
