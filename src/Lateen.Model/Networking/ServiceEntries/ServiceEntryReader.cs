using Lateen.Model.Networking.WorkloadEntries;
using Lateen.Model.Reading;
using Lateen.Model.Reading.Values;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Networking.ServiceEntries;

/// <summary>Reads and checks the spec of a ServiceEntry.</summary>
internal static class ServiceEntryReader
{
    public static readonly MessageShape PortShape = new(
        "ServicePort", InEffect("number"), InEffect("protocol"), InEffect("name"), InEffect("targetPort"));

    public static readonly MessageShape SelectorShape = new("WorkloadSelector", InEffect("labels"));

    public static readonly MessageShape Shape = new(
        "ServiceEntry",
        InEffect("hosts"), InEffect("addresses"), InEffect("ports", PortShape), InEffect("location"), InEffect("resolution"),
        InEffect("endpoints", WorkloadEntryReader.Shape), InEffect("workloadSelector", SelectorShape), InEffect("exportTo"),
        Pending("subjectAltNames"));

    public static ServiceEntry Read(ObjectReader at)
    {
        at.Require("hosts");
        at.AtMostOne("endpoints", "workloadSelector");
        var selector = at.Nested("workloadSelector")?.Selector("labels");
        var entry = new ServiceEntry
        {
            Hosts = at.Hosts("hosts", HostRule.PartialWildcard),
            Addresses = at.Strings("addresses"),
            Ports = at.Objects("ports", ReadPort),
            Location = at.Enum(
                "location", ("MESH_EXTERNAL", ServiceEntryLocation.MeshExternal), ("MESH_INTERNAL", ServiceEntryLocation.MeshInternal))
                ?? ServiceEntryLocation.MeshExternal,
            Resolution = at.Enum(
                "resolution", ("NONE", ServiceEntryResolution.None), ("STATIC", ServiceEntryResolution.Static),
                ("DNS", ServiceEntryResolution.Dns), ("DNS_ROUND_ROBIN", ServiceEntryResolution.DnsRoundRobin),
                ("DYNAMIC_DNS", ServiceEntryResolution.DynamicDns)) ?? ServiceEntryResolution.None,
            Endpoints = at.Objects("endpoints", WorkloadEntryReader.Read),
            WorkloadSelector = selector,
            ExportTo = at.ExportTo("exportTo", nobodyAllowed: true),
            SubjectAltNames = at.Strings("subjectAltNames"),
        };
        ServiceEntryHostRules.Check(entry, at);
        ServiceEntryPortRules.Check(entry, at);
        ServiceEntryAddressRules.Check(entry, at);
        ServiceEntryEndpointRules.Check(entry, at);
        return entry;
    }

    private static ServiceEntryPort? ReadPort(ObjectReader at)
    {
        at.Require("number");
        at.Require("name");
        var number = at.Port("number");
        var protocol = at.Protocol("protocol");
        var name = at.String("name") ?? "";
        var targetPort = at.Port("targetPort");
        if (name.Length > 0 && !HostSyntax.IsLabel(name))
            at.Report(DiagnosticCodes.InvalidName, "name", $"'{name}' is not a port name", "letters, digits and inner dashes, at most 63");
        return number is null ? null : new ServiceEntryPort(number.Value, protocol, name, targetPort);
    }
}
