using System.Collections.Immutable;
using Lateen.Model.Reading;
using Lateen.Model.Reading.Values;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Networking.VirtualServices;

/// <summary>Reads <c>tls</c> and <c>tcp</c> rules.</summary>
internal static class L4RouteReader
{
    public static readonly MessageShape RouteDestinationShape = new(
        "RouteDestination", InEffect("destination", HttpRouteReader.DestinationShape), InEffect("weight"));

    public static readonly MessageShape TlsMatchShape = new(
        "TLSMatchAttributes",
        InEffect("sniHosts"), InEffect("destinationSubnets"), InEffect("port"), InEffect("sourceLabels"), InEffect("gateways"),
        InEffect("sourceNamespace"));

    public static readonly MessageShape TlsShape = new("TLSRoute", InEffect("match", TlsMatchShape), InEffect("route", RouteDestinationShape));

    public static readonly MessageShape TcpMatchShape = new(
        "L4MatchAttributes",
        InEffect("destinationSubnets"), InEffect("port"), Inert("sourceSubnet"), InEffect("sourceLabels"), InEffect("gateways"),
        InEffect("sourceNamespace"));

    public static readonly MessageShape TcpShape = new("TCPRoute", InEffect("match", TcpMatchShape), InEffect("route", RouteDestinationShape));

    public static TlsRoute ReadTls(ObjectReader at)
    {
        at.Require("match", "tls rules choose by sniHosts");
        at.Require("route");
        var route = new TlsRoute { Match = at.Objects("match", ReadTlsMatch), Route = at.Objects("route", ReadRouteDestination) };
        WeightRules.Check(at, "route", [.. route.Route.Select(entry => entry.Weight)]);
        return route;
    }

    public static TcpRoute ReadTcp(ObjectReader at)
    {
        at.Require("route");
        var route = new TcpRoute { Match = at.Objects("match", ReadTcpMatch), Route = at.Objects("route", ReadRouteDestination) };
        WeightRules.Check(at, "route", [.. route.Route.Select(entry => entry.Weight)]);
        return route;
    }

    private static TlsMatchAttributes ReadTlsMatch(ObjectReader at)
    {
        at.Require("sniHosts");
        var match = new TlsMatchAttributes
        {
            SniHosts = at.Hosts("sniHosts", HostRule.Wildcard),
            DestinationSubnets = ReadSubnets(at),
            Port = at.Port("port"),
            SourceLabels = at.StringMap("sourceLabels"),
            Gateways = at.Strings("gateways"),
            SourceNamespace = at.String("sourceNamespace"),
        };
        LabelRules.Check(at, "sourceLabels", match.SourceLabels);
        GatewayReferenceRules.Check(at, "gateways", match.Gateways);
        return match;
    }

    private static L4MatchAttributes ReadTcpMatch(ObjectReader at)
    {
        var match = new L4MatchAttributes
        {
            DestinationSubnets = ReadSubnets(at),
            Port = at.Port("port"),
            SourceSubnet = at.String("sourceSubnet"),
            SourceLabels = at.StringMap("sourceLabels"),
            Gateways = at.Strings("gateways"),
            SourceNamespace = at.String("sourceNamespace"),
        };
        LabelRules.Check(at, "sourceLabels", match.SourceLabels);
        GatewayReferenceRules.Check(at, "gateways", match.Gateways);
        return match;
    }

    private static ImmutableArray<string> ReadSubnets(ObjectReader at)
    {
        var subnets = at.Strings("destinationSubnets");
        for (var i = 0; i < subnets.Length; i++)
            if (!HostSyntax.IsAddressOrCidr(subnets[i]))
                at.ReportItem(
                    DiagnosticCodes.InvalidAddress, "destinationSubnets", i, $"'{subnets[i]}' is not a subnet", "10.0.0.0/8 or an address");
        return subnets;
    }

    private static RouteDestination? ReadRouteDestination(ObjectReader at)
    {
        at.Require("destination");
        var destination = at.Object("destination", HttpRouteReader.ReadDestination);
        var weight = at.Int32("weight") ?? 0;
        return destination is null ? null : new RouteDestination { Destination = destination, Weight = weight };
    }
}

/// <summary>Rules about tls rules.</summary>
internal static class TlsRouteRules
{
    /// <summary>A server name outside the VirtualService's hosts would never come here.</summary>
    public static void SniHostsLieWithinHosts(VirtualService virtualService, ObjectReader at)
    {
        foreach (var (index, route) in virtualService.Tls.Index())
            foreach (var sni in route.Match.SelectMany(match => match.SniHosts))
                if (!virtualService.Hosts.Any(host => HostName.Contains(host.ToLowerInvariant(), sni.ToLowerInvariant())))
                    at.ReportItem(
                        DiagnosticCodes.SniOutsideHosts, "tls", index, $"the server name '{sni}' is none of the VirtualService's hosts",
                        "add it to hosts");
    }
}
