using System.Collections.Immutable;
using Lateen.Model.Reading;
using Lateen.Model.Reading.Values;

namespace Lateen.Model.Networking.VirtualServices;

/// <summary>Rules about a VirtualService as a whole.</summary>
internal static class VirtualServiceRules
{
    public static void HasRoutes(VirtualService virtualService, ObjectReader at)
    {
        if (virtualService.Http.IsEmpty && virtualService.Tls.IsEmpty && virtualService.Tcp.IsEmpty
            && !at.Has("http") && !at.Has("tls") && !at.Has("tcp"))
            at.ReportHere(DiagnosticCodes.NoRoutes, "the VirtualService routes nothing", "write at least one of http, tls and tcp");
    }

    /// <summary>Without hosts it can only be a delegate, which has http routes alone, for the root that names it decides the rest.</summary>
    public static void IsWellFormedDelegate(VirtualService virtualService, ObjectReader at)
    {
        if (!virtualService.Gateways.IsEmpty)
            at.Report(
                DiagnosticCodes.InvalidDelegate, "gateways", "a delegate (no hosts) takes its gateways from its root",
                "remove them, or write hosts");
        if (!virtualService.Tls.IsEmpty || !virtualService.Tcp.IsEmpty || virtualService.Http.IsEmpty)
            at.Report(
                DiagnosticCodes.MissingField, "hosts", "VirtualService needs 'hosts'",
                "only a delegate, with http routes alone, goes without");
        for (var i = 0; i < virtualService.Http.Length; i++)
            if (virtualService.Http[i].Delegate is not null)
                at.ReportItem(DiagnosticCodes.InvalidDelegate, "http", i, "a delegate cannot delegate further", "one level only");
    }

    public static void HostsDoNotOverlap(VirtualService virtualService, ObjectReader at)
    {
        var hosts = virtualService.Hosts;
        for (var i = 1; i < hosts.Length; i++)
            for (var j = 0; j < i; j++)
            {
                if (!HostName.Overlaps(hosts[i].ToLowerInvariant(), hosts[j].ToLowerInvariant())) continue;
                at.ReportItem(
                    DiagnosticCodes.OverlappingHosts, "hosts", i, $"'{hosts[i]}' and '{hosts[j]}' mean some of the same hosts",
                    "remove one");
                break;
            }
    }

    public static void MeshDoesNotServeEveryHost(VirtualService virtualService, ObjectReader at)
    {
        var servesMesh = virtualService.Gateways.IsEmpty || virtualService.Gateways.Contains(BoundVirtualService.MeshGateway);
        var everything = virtualService.Hosts.IndexOf("*");
        if (servesMesh && everything >= 0)
            at.ReportItem(
                DiagnosticCodes.WildcardOnMesh, "hosts", everything, "'*' would take over every host of every sidecar",
                "name hosts, or bind it to gateways without 'mesh'");
    }

    /// <summary>A route after one that matches every request is never tried.</summary>
    public static void EveryRouteCanBeReached(VirtualService virtualService, ObjectReader at)
    {
        for (var i = 0; i < virtualService.Http.Length - 1; i++)
        {
            if (!virtualService.Http[i].Match.IsEmpty) continue;
            at.ReportItem(
                DiagnosticCodes.UnreachableRoute, "http", i + 1, $"never reached: http[{i}] has no match and takes every request",
                $"move http[{i}] to the end");
            return;
        }
    }
}

/// <summary>Names of gateways: <c>mesh</c>, <c>name</c>, <c>./name</c>, <c>namespace/name</c>.</summary>
internal static class GatewayReferenceRules
{
    public static void Check(ObjectReader at, string field, ImmutableArray<string> gateways)
    {
        for (var i = 0; i < gateways.Length; i++)
        {
            var gateway = gateways[i];
            var slash = gateway.IndexOf('/');
            var isValid = slash < 0
                ? gateway.Split('.').All(label => HostSyntax.IsLabel(label))
                : (gateway[..slash] == "." || HostSyntax.IsLabel(gateway.AsSpan(0, slash)))
                    && HostSyntax.Check(gateway[(slash + 1)..], HostRule.Name) is null;
            if (!isValid)
                at.ReportItem(
                    DiagnosticCodes.InvalidGatewayName, field, i, $"'{gateway}' does not name a Gateway",
                    "'mesh', 'name' or 'namespace/name'");
            else if (slash < 0 && gateway.Contains('.'))
                at.ReportItem(
                    DiagnosticCodes.LegacyGatewayName, field, i, $"'{gateway}' is the old way to name a Gateway",
                    $"write {VirtualServiceBinding.ResolveGateway(gateway, at.Context.Namespace)}");
        }
    }
}
