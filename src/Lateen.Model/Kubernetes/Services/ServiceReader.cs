using System.Collections.Immutable;
using Lateen.Model.Networking;
using Lateen.Model.Reading;
using Lateen.Model.Reading.Values;
using Lateen.Yaml;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Kubernetes.Services;

/// <summary>Reads and checks the spec of a core Service. Fields that concern Kubernetes alone are known and read past.</summary>
internal static class ServiceReader
{
    private const string ForKubernetes = "concerns Kubernetes alone";

    public static readonly MessageShape PortShape = new(
        "ServicePort",
        InEffect("name"), InEffect("port"), InEffect("protocol"), InEffect("appProtocol"), InEffect("targetPort"),
        InEffect("nodePort", note: ForKubernetes));

    public static readonly MessageShape Shape = new(
        "ServiceSpec",
        InEffect("type"), InEffect("clusterIP"), InEffect("clusterIPs"), InEffect("ports", PortShape), InEffect("selector"),
        InEffect("externalName"), InEffect("publishNotReadyAddresses"), Pending("trafficDistribution"), Pending("sessionAffinity"),
        InEffect("sessionAffinityConfig", note: ForKubernetes), InEffect("externalIPs", note: ForKubernetes),
        InEffect("loadBalancerIP", note: ForKubernetes), InEffect("loadBalancerClass", note: ForKubernetes),
        InEffect("loadBalancerSourceRanges", note: ForKubernetes), InEffect("allocateLoadBalancerNodePorts", note: ForKubernetes),
        InEffect("externalTrafficPolicy", note: ForKubernetes), InEffect("internalTrafficPolicy", note: ForKubernetes),
        InEffect("healthCheckNodePort", note: ForKubernetes), InEffect("ipFamilies", note: ForKubernetes),
        InEffect("ipFamilyPolicy", note: ForKubernetes));

    public static Service Read(ObjectReader at)
    {
        ImmutableArray<string> addresses = at.Has("clusterIPs") ? at.Strings("clusterIPs")
            : at.String("clusterIP") is { Length: > 0 } single ? [single] : [];
        var isHeadless = addresses is ["None"];
        var service = new Service
        {
            Type = at.Enum(
                "type", ("ClusterIP", ServiceType.ClusterIP), ("NodePort", ServiceType.NodePort), ("LoadBalancer", ServiceType.LoadBalancer),
                ("ExternalName", ServiceType.ExternalName)) ?? ServiceType.ClusterIP,
            ClusterIPs = isHeadless ? [] : addresses,
            IsHeadless = isHeadless,
            Ports = at.Objects("ports", ReadPort),
            Selector = at.StringMap("selector"),
            ExternalName = at.Host("externalName", HostRule.Name),
            PublishNotReadyAddresses = at.Boolean("publishNotReadyAddresses") ?? false,
            TrafficDistribution = at.String("trafficDistribution"),
        };
        if (at.String("sessionAffinity") is not (null or "None" or "ClientIP" or ""))
            at.Report(DiagnosticCodes.UnknownValue, "sessionAffinity", "not a session affinity", "None or ClientIP");
        LabelRules.Check(at, "selector", service.Selector);
        AddressesAreAddresses(service, at);
        ServicePortRules.Check(service, at);
        if (service.Type == ServiceType.ExternalName) at.Require("externalName");
        return service;
    }

    private static ServicePort? ReadPort(ObjectReader at)
    {
        at.Require("port");
        var number = at.Port("port");
        var (targetPort, targetPortName) = ReadTargetPort(at);
        var transport = at.String("protocol") ?? "TCP";
        if (transport is not ("TCP" or "UDP" or "SCTP"))
            at.Report(
                DiagnosticCodes.UnknownValue, "protocol", $"'{transport}' is not a transport",
                "TCP, UDP or SCTP; the application's protocol goes into appProtocol");
        var port = new ServicePort(at.String("name") ?? "", number ?? 0, transport, at.String("appProtocol"), targetPort, targetPortName);
        return number is null ? null : port;
    }

    private static (int? Number, string? Name) ReadTargetPort(ObjectReader at)
    {
        switch (at.Node("targetPort"))
        {
            case null: return (null, null);
            case YamlScalar { Type: YamlScalarType.String } name when HostSyntax.IsLabel(name.Text): return (null, name.Text);
            default: return (at.Port("targetPort"), null);
        }
    }

    private static void AddressesAreAddresses(Service service, ObjectReader at)
    {
        for (var i = 0; i < service.ClusterIPs.Length; i++)
        {
            if (HostSyntax.IsAddress(service.ClusterIPs[i])) continue;
            var message = $"'{service.ClusterIPs[i]}' is not an address";
            if (at.Has("clusterIPs")) at.ReportItem(DiagnosticCodes.InvalidAddress, "clusterIPs", i, message, "an IP address, or None");
            else at.Report(DiagnosticCodes.InvalidAddress, "clusterIP", message, "an IP address, or None");
        }
    }
}

/// <summary>Ports of a Service.</summary>
internal static class ServicePortRules
{
    public static void Check(Service service, ObjectReader at)
    {
        if (service.Ports.IsEmpty && !at.Has("ports") && service.Type != ServiceType.ExternalName && !service.IsHeadless)
            at.Report(DiagnosticCodes.NoPorts, "ports", "a Service without ports cannot be reached", "declare at least one port");
        var names = new HashSet<string>();
        var numbers = new HashSet<(int, string)>();
        for (var i = 0; i < service.Ports.Length; i++)
        {
            var port = service.Ports[i];
            if (port.Name.Length == 0 && service.Ports.Length > 1)
                at.ReportItem(DiagnosticCodes.MissingField, "ports", i, "a port needs a name where there are several");
            else if (!names.Add(port.Name))
                at.ReportItem(DiagnosticCodes.DuplicatePort, "ports", i, $"the port name '{port.Name}' is used twice", "rename one");
            if (ProtocolSelection.OfServicePort(port) is var protocol && !PortProtocols.IsServed(protocol))
                at.ReportNotInEffect("ports", PortProtocols.NotServed(protocol), item: i);
            if (!numbers.Add((port.Port, port.Transport)))
                at.ReportItem(
                    DiagnosticCodes.DuplicatePort, "ports", i, $"the port {port.Port}/{port.Transport} is declared twice", "remove one");
        }
    }
}
