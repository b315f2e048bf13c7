using Lateen.Model.Reading;
using Lateen.Model.Reading.Values;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Networking.VirtualServices;

/// <summary>Reads and checks the spec of a VirtualService.</summary>
internal static class VirtualServiceReader
{
    public static readonly MessageShape Shape = new(
        "VirtualService",
        InEffect("hosts"), InEffect("gateways"), InEffect("http", HttpRouteReader.Shape), InEffect("tls", L4RouteReader.TlsShape),
        InEffect("tcp", L4RouteReader.TcpShape), InEffect("exportTo"));

    public static VirtualService Read(ObjectReader at)
    {
        var virtualService = new VirtualService
        {
            Hosts = at.Hosts("hosts", HostRule.PartialWildcard | HostRule.Address),
            Gateways = at.Strings("gateways"),
            Http = at.Objects("http", HttpRouteReader.Read),
            Tls = at.Objects("tls", L4RouteReader.ReadTls),
            Tcp = at.Objects("tcp", L4RouteReader.ReadTcp),
            ExportTo = at.ExportTo("exportTo"),
        };
        GatewayReferenceRules.Check(at, "gateways", virtualService.Gateways);
        VirtualServiceRules.HasRoutes(virtualService, at);
        if (virtualService.Hosts.IsEmpty)
        {
            VirtualServiceRules.IsWellFormedDelegate(virtualService, at);
            return virtualService;
        }

        VirtualServiceRules.HostsDoNotOverlap(virtualService, at);
        VirtualServiceRules.MeshDoesNotServeEveryHost(virtualService, at);
        TlsRouteRules.SniHostsLieWithinHosts(virtualService, at);
        VirtualServiceRules.EveryRouteCanBeReached(virtualService, at);
        return virtualService;
    }
}
