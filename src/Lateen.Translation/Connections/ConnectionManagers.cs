using Envoy.Config.Core.V3;
using Envoy.Extensions.Filters.Http.GrpcWeb.V3;
using Envoy.Extensions.Filters.Http.Router.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Io.Istio.Http.PeerMetadata;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.MutualTls;
using Lateen.Translation.Security;
using Stats;
using GrpcStats = Envoy.Extensions.Filters.Http.GrpcStats.V3.FilterConfig;

namespace Lateen.Translation.Connections;

/// <summary>Which way the requests of a listener go, seen from the workload.</summary>
internal enum TrafficSide
{
    /// <summary>From other workloads to this one.</summary>
    Inbound,

    /// <summary>From this workload to others.</summary>
    Outbound,

    /// <summary>Through a gateway.</summary>
    Gateway,
}

/// <summary>The HTTP connection manager of a listener: everything but its routes.</summary>
internal static class ConnectionManagers
{
    public const string FilterName = "envoy.filters.network.http_connection_manager";

    /// <summary>Istio's <c>server:</c> header.</summary>
    private const string ServerName = "istio-envoy";

    /// <param name="protocol">As the port declares it: gRPC-Web is taken apart only where it is declared.</param>
    /// <param name="hasIdentity">The proxy may send requests over mutual TLS, which tells the server beforehand what they are spoken in.</param>
    /// <param name="security">What guards the requests; null: nothing does, for they are the workload's own.</param>
    public static HttpConnectionManager Of(
        TrafficSide side, string statPrefix, PortProtocol protocol, MeshConfig mesh, bool hasIdentity, WorkloadSecurity? security = null)
    {
        var manager = new HttpConnectionManager
        {
            StatPrefix = statPrefix,
            ServerName = ServerName,
            // Only a gateway faces clients whose word about themselves counts for nothing; inside the mesh the first proxy has already written it.
            UseRemoteAddress = side == TrafficSide.Gateway,
            XffNumTrustedHops = side == TrafficSide.Gateway ? (uint)mesh.TrustedProxies : 0,
            GenerateRequestId = true,
            StreamIdleTimeout = Messages.Zero,
            // WebSocket passes everywhere, in HTTP/2 by extended CONNECT (RFC 8441).
            UpgradeConfigs = { new HttpConnectionManager.Types.UpgradeConfig { UpgradeType = "websocket" } },
            Http2ProtocolOptions = new Http2ProtocolOptions { AllowConnect = true },
        };
        if (side == TrafficSide.Inbound)
            manager.ServerHeaderTransformation = HttpConnectionManager.Types.ServerHeaderTransformation.PassThrough;
        WriteClientCertificate(manager, side, mesh);
        WriteNormalization(manager, mesh.PathNormalization);
        if (AccessLogs.Of(mesh) is { } log) manager.AccessLog.Add(log);
        manager.HttpFilters.Add(Filter("istio.metadata_exchange", PeerMetadata(side)));
        if (security is not null) manager.HttpFilters.AddRange(security.Requests);
        if (protocol == PortProtocol.GrpcWeb) manager.HttpFilters.Add(Filter("envoy.filters.http.grpc_web", new GrpcWeb()));
        manager.HttpFilters.Add(Filter("envoy.filters.http.grpc_stats", new GrpcStats { EmitFilterState = true, StatsForAllMethods = false }));
        if (hasIdentity && side != TrafficSide.Inbound) manager.HttpFilters.Add(Filter(MeshAlpn.FilterName, MeshAlpn.ByRequest()));
        manager.HttpFilters.Add(Filter("istio.stats", new PluginConfig { DisableHostHeaderFallback = side != TrafficSide.Outbound }));
        manager.HttpFilters.Add(Filter("envoy.filters.http.router", new Router()));
        return manager;
    }

    /// <summary>
    /// The application is told whose certificate a request came with (<c>x-forwarded-client-cert</c>): by a sidecar in addition to what proxies before it
    /// said, by a gateway instead of what clients say, unless the mesh's settings say otherwise (<c>gatewayTopology</c>). Without a certificate nothing that the
    /// client wrote is passed on, but for ALWAYS_FORWARD_ONLY.
    /// </summary>
    private static void WriteClientCertificate(HttpConnectionManager manager, TrafficSide side, MeshConfig mesh)
    {
        if (side == TrafficSide.Outbound) return;
        var forwarding = side == TrafficSide.Inbound ? ClientCertificateForwarding.AppendForward : mesh.ClientCertificates;
        manager.ForwardClientCertDetails = forwarding switch
        {
            ClientCertificateForwarding.Sanitize => HttpConnectionManager.Types.ForwardClientCertDetails.Sanitize,
            ClientCertificateForwarding.ForwardOnly => HttpConnectionManager.Types.ForwardClientCertDetails.ForwardOnly,
            ClientCertificateForwarding.AppendForward => HttpConnectionManager.Types.ForwardClientCertDetails.AppendForward,
            ClientCertificateForwarding.AlwaysForwardOnly => HttpConnectionManager.Types.ForwardClientCertDetails.AlwaysForwardOnly,
            _ => HttpConnectionManager.Types.ForwardClientCertDetails.SanitizeSet,
        };
        if (forwarding is not (ClientCertificateForwarding.AppendForward or ClientCertificateForwarding.SanitizeSet)) return;
        manager.SetCurrentClientCertDetails = new HttpConnectionManager.Types.SetCurrentClientCertDetails { Subject = true, Dns = true, Uri = true };
    }

    private static void WriteNormalization(HttpConnectionManager manager, PathNormalization normalization)
    {
        if (normalization == PathNormalization.None) return;
        manager.NormalizePath = true;
        manager.MergeSlashes = normalization is PathNormalization.MergeSlashes or PathNormalization.DecodeAndMergeSlashes;
        if (normalization == PathNormalization.DecodeAndMergeSlashes)
        {
            manager.PathWithEscapedSlashesAction = HttpConnectionManager.Types.PathWithEscapedSlashesAction.UnescapeAndForward;
        }
    }

    /// <summary>Peers tell each other who they are in headers: the server side reads and answers, the client side sends and reads.</summary>
    private static Config PeerMetadata(TrafficSide side)
    {
        var discovery = new Config.Types.DiscoveryMethod { IstioHeaders = new Config.Types.IstioHeaders() };
        var propagation = new Config.Types.PropagationMethod { IstioHeaders = new Config.Types.IstioHeaders() };
        return side == TrafficSide.Inbound
            ? new Config { DownstreamDiscovery = { discovery }, DownstreamPropagation = { propagation } }
            : new Config { UpstreamDiscovery = { discovery }, UpstreamPropagation = { propagation } };
    }

    private static HttpFilter Filter(string name, Google.Protobuf.IMessage config) => new() { Name = name, TypedConfig = Messages.Pack(config) };
}
