using System.Collections.Immutable;
using Lateen.Model.Networking.DestinationRules;
using Lateen.Model.Networking.Gateways;
using Lateen.Model.Networking.VirtualServices;
using Lateen.Model.Reading;
using Lateen.Model.Reading.Values;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Networking.Sidecars;

/// <summary>Reads and checks the spec of a Sidecar.</summary>
internal static class SidecarReader
{
    public static readonly MessageShape SelectorShape = new("WorkloadSelector", InEffect("labels"));

    public static readonly MessageShape PortShape = new(
        "SidecarPort", InEffect("number"), InEffect("protocol"), InEffect("name"), Deprecated("targetPort", "defaultEndpoint decides it"));

    public static readonly MessageShape IngressShape = new(
        "IstioIngressListener",
        InEffect("port", PortShape), InEffect("bind"), InEffect("captureMode"), InEffect("defaultEndpoint"),
        InEffect("tls", ServerTlsReader.Shape), InEffect("connectionPool", ConnectionPoolReader.Shape));

    public static readonly MessageShape EgressShape = new(
        "IstioEgressListener", InEffect("port", PortShape), InEffect("bind"), InEffect("captureMode"), InEffect("hosts"));

    public static readonly MessageShape OutboundShape = new(
        "OutboundTrafficPolicy", InEffect("mode"), InEffect("egressProxy", HttpRouteReader.DestinationShape));

    public static readonly MessageShape Shape = new(
        "Sidecar",
        InEffect("workloadSelector", SelectorShape), InEffect("ingress", IngressShape), InEffect("egress", EgressShape),
        InEffect("outboundTrafficPolicy", OutboundShape), InEffect("inboundConnectionPool", ConnectionPoolReader.Shape));

    public static Sidecar Read(ObjectReader at)
    {
        var selector = at.Nested("workloadSelector");
        var sidecar = new Sidecar
        {
            WorkloadSelector = selector?.Selector("labels"),
            Ingress = at.Objects("ingress", ReadIngress),
            Egress = at.Objects("egress", ReadEgress),
            OutboundTrafficPolicy = at.Object("outboundTrafficPolicy", ReadOutbound),
            InboundConnectionPool = at.Object("inboundConnectionPool", ConnectionPoolReader.Read),
        };
        if (sidecar.WorkloadSelector is { Count: 0 })
            at.Report(
                DiagnosticCodes.SelectsAll, "workloadSelector", "a selector without labels selects every workload of the namespace",
                "remove it, or name labels");
        SidecarRules.SaysSomething(at);
        SidecarRules.IngressPortsDiffer(sidecar, at);
        SidecarRules.EgressListenersDiffer(sidecar, at);
        return sidecar;
    }

    private static SidecarPort? ReadPort(ObjectReader at)
    {
        // Without a protocol the first bytes of a connection say it.
        at.Require("number");
        at.Require("name");
        var number = at.Port("number");
        var protocol = at.Protocol("protocol");
        var name = at.String("name") ?? "";
        if (!PortProtocols.IsServed(protocol)) at.ReportNotInEffect("protocol", PortProtocols.NotServed(protocol));
        at.Port("targetPort");
        return number is null ? null : new SidecarPort(number.Value, protocol, name);
    }

    private static CaptureMode ReadCaptureMode(ObjectReader at)
    {
        var mode = at.Enum(
            "captureMode", ("DEFAULT", CaptureMode.Default), ("IPTABLES", CaptureMode.Iptables), ("NONE", CaptureMode.None));
        if (mode == CaptureMode.Iptables)
            at.ReportNotInEffect("captureMode", "IPTABLES is valid, but this release captures nothing: the application connects itself", "captureMode: NONE");
        return mode ?? CaptureMode.Default;
    }

    private static SidecarIngressListener? ReadIngress(ObjectReader at)
    {
        at.Require("port");
        var port = at.Object("port", ReadPort);
        var listener = new SidecarIngressListener
        {
            Port = port ?? new SidecarPort(0, PortProtocol.Unsupported, ""),
            Bind = ReadBind(at),
            CaptureMode = ReadCaptureMode(at),
            DefaultEndpoint = at.String("defaultEndpoint"),
            Tls = at.Object("tls", nested => ServerTlsReader.Read(nested, isGateway: false)),
            ConnectionPool = at.Object("connectionPool", ConnectionPoolReader.Read),
            Location = at.Location,
        };
        SidecarRules.DefaultEndpointIsLocal(listener, at);
        SidecarRules.TlsTerminates(listener, at);
        return port is null ? null : listener;
    }

    private static SidecarEgressListener ReadEgress(ObjectReader at)
    {
        at.Require("hosts", "such as [\"./*\"]");
        var listener = new SidecarEgressListener
        {
            Port = at.Object("port", ReadPort),
            Bind = ReadBind(at, socketAllowed: true),
            CaptureMode = ReadCaptureMode(at),
            Hosts = ReadHosts(at),
            Location = at.Location,
        };
        if (!at.Has("port") && listener.Bind is not null && !listener.Bind.StartsWith("unix:", StringComparison.Ordinal))
            at.Report(DiagnosticCodes.InvalidSidecarListener, "bind", "'bind' needs a port to go with it", "add port, or remove bind");
        return listener;
    }

    private static string? ReadBind(ObjectReader at, bool socketAllowed = false)
    {
        var bind = at.String("bind");
        if (bind is null or "") return null;
        if (!HostSyntax.IsAddress(bind) && !(socketAllowed && bind.StartsWith("unix:", StringComparison.Ordinal)))
            at.Report(DiagnosticCodes.InvalidAddress, "bind", $"'{bind}' is not an address", "an IP address such as 127.0.0.1");
        return bind;
    }

    private static ImmutableArray<SidecarEgressHost> ReadHosts(ObjectReader at)
    {
        var hosts = ImmutableArray.CreateBuilder<SidecarEgressHost>();
        foreach (var (index, written) in at.Strings("hosts").Index())
        {
            var slash = written.IndexOf('/');
            if (slash < 0)
            {
                at.ReportItem(
                    DiagnosticCodes.InvalidHost, "hosts", index, $"'{written}' names no namespace",
                    $"namespace/host, such as ./{written} or */{written}");
                continue;
            }

            var hostNamespace = written[..slash];
            var host = written[(slash + 1)..];
            var isExclusion = hostNamespace.Length > 1 && hostNamespace[0] == '~';
            if (isExclusion) hostNamespace = hostNamespace[1..];
            if (hostNamespace is not ("*" or "." or "~") && !HostSyntax.IsLabel(hostNamespace))
                at.ReportItem(
                    DiagnosticCodes.InvalidHost, "hosts", index, $"'{hostNamespace}' is not a namespace",
                    "'*', '.', '~' or a name before the slash");
            else if (HostSyntax.Check(host, HostRule.PartialWildcard) is { } complaint)
                at.ReportItem(DiagnosticCodes.InvalidHost, "hosts", index, complaint.Message, complaint.Hint);
            else hosts.Add(new SidecarEgressHost(hostNamespace, host.ToLowerInvariant(), isExclusion));
        }

        return hosts.ToImmutable();
    }

    private static SidecarOutboundTrafficPolicy ReadOutbound(ObjectReader at)
    {
        // Written without a mode it is the enumeration's zero, REGISTRY_ONLY, not the mesh's default (Istio's rule).
        var mode = at.Enum("mode", ("REGISTRY_ONLY", OutboundTrafficMode.RegistryOnly), ("ALLOW_ANY", OutboundTrafficMode.AllowAny))
            ?? OutboundTrafficMode.RegistryOnly;
        var proxy = at.Object("egressProxy", HttpRouteReader.ReadDestination);
        if (at.Has("egressProxy") && mode != OutboundTrafficMode.AllowAny)
            at.Report(
                DiagnosticCodes.InvalidSidecarListener, "egressProxy", "an egress proxy takes what ALLOW_ANY lets out", "mode: ALLOW_ANY");
        if (at.Has("egressProxy") && proxy is { Port: null })
            at.Report(DiagnosticCodes.MissingField, "egressProxy", "an egress proxy needs a port", "port: {number: ...}");
        if (mode == OutboundTrafficMode.AllowAny && !at.Has("egressProxy"))
            at.ReportNotInEffect("mode", "ALLOW_ANY is valid, but without an egressProxy this release answers 502 for unknown hosts");
        return new SidecarOutboundTrafficPolicy(mode, proxy);
    }
}
