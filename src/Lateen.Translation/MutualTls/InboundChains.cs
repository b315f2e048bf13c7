using System.Collections.Immutable;
using Envoy.Config.Listener.V3;
using Lateen.Model;
using Lateen.Model.Security;
using Lateen.Translation.Connections;
using Lateen.Xds;

namespace Lateen.Translation.MutualTls;

/// <summary>
/// The filter chains of an inbound port, by what it takes: mutual TLS of the mesh alone, that and plaintext, or plaintext. One port serves all of
/// them: the first bytes of a connection say which it is.
/// </summary>
internal static class InboundChains
{
    private const string Tls = "tls";
    private const string Plaintext = "raw_buffer";

    /// <param name="http">What HTTP goes by; null where the port declares something else.</param>
    /// <param name="opaque">What anything else goes by; null where the port declares HTTP.</param>
    /// <param name="mode">PERMISSIVE or STRICT.</param>
    public static XdsResource Listener(string bind, int port, FilterChain? http, FilterChain? opaque, MutualTlsMode mode, MeshConfig mesh)
    {
        bool isPermissive = mode == MutualTlsMode.Permissive;
        bool isUndeclared = http is not null && opaque is not null;
        var chains = new List<FilterChain>();
        // Where the mesh's TLS is all that there is, it need not be told from other TLS: that has no certificate of the mesh and ends in the handshake.
        ImmutableArray<string> all = isPermissive ? MeshAlpn.Any : [];
        if (http is not null) chains.Add(Encrypted(http, isUndeclared ? MeshAlpn.Http : all, MeshAlpn.ServerHttp, mesh));
        if (opaque is not null) chains.Add(Encrypted(opaque, isUndeclared && isPermissive ? MeshAlpn.Tcp : all, MeshAlpn.Opaque, mesh));
        if (isPermissive && http is not null) chains.Add(InTheClear(http, isUndeclared));

        // What is left goes through as it is, TLS of the application's own included.
        var fallback = isPermissive && opaque is not null ? opaque.Clone() : null;
        if (fallback is not null) fallback.Name = Listeners.FallbackName;
        var inspection = Inspection.Tls | (isUndeclared && isPermissive ? Inspection.Http : Inspection.None);
        return Listeners.Of(
            TrafficSide.Inbound, bind, port, chains, inspection, fallback, mesh.ProtocolDetectionTimeout, isPatient: isPermissive,
            log: AccessLogs.OfRefused(mesh));
    }

    private static FilterChain Encrypted(FilterChain chain, ImmutableArray<string> offered, ImmutableArray<string> agreed, MeshConfig mesh)
    {
        var made = chain.Clone();
        made.FilterChainMatch = new FilterChainMatch { TransportProtocol = Tls };
        made.FilterChainMatch.ApplicationProtocols.AddRange(offered);
        made.TransportSocket = MeshTlsContexts.Server(mesh, agreed);
        return made;
    }

    private static FilterChain InTheClear(FilterChain http, bool isUndeclared)
    {
        var made = http.Clone();
        made.FilterChainMatch = new FilterChainMatch { TransportProtocol = Plaintext };
        if (isUndeclared) made.FilterChainMatch.ApplicationProtocols.AddRange(Listeners.PlaintextHttp);
        return made;
    }
}
