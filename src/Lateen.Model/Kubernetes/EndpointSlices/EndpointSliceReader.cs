using System.Net;
using System.Net.Sockets;
using Lateen.Model.Reading;
using Lateen.Model.Reading.Values;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Kubernetes.EndpointSlices;

/// <summary>Reads and checks an EndpointSlice, whose fields stand beside its metadata rather than under a spec.</summary>
internal static class EndpointSliceReader
{
    private const string ForKubernetes = "concerns Kubernetes alone";

    public static readonly MessageShape ConditionsShape = new(
        "EndpointConditions", InEffect("ready"), InEffect("serving"), InEffect("terminating"));

    public static readonly MessageShape TargetShape = new(
        "ObjectReference",
        InEffect("kind", note: ForKubernetes), InEffect("name"), InEffect("namespace", note: ForKubernetes), InEffect("uid", note: ForKubernetes),
        InEffect("apiVersion", note: ForKubernetes), InEffect("resourceVersion", note: ForKubernetes), InEffect("fieldPath", note: ForKubernetes));

    public static readonly MessageShape EndpointShape = new(
        "Endpoint",
        InEffect("addresses"), InEffect("conditions", ConditionsShape), InEffect("hostname"), InEffect("nodeName", note: ForKubernetes), InEffect("zone"),
        InEffect("targetRef", TargetShape), InEffect("hints", note: ForKubernetes), InEffect("deprecatedTopology", note: ForKubernetes),
        InEffect("topology", note: ForKubernetes));

    public static readonly MessageShape PortShape = new(
        "EndpointPort", InEffect("name"), InEffect("port"), InEffect("protocol"), InEffect("appProtocol"));

    public static readonly MessageShape Shape = new(
        "EndpointSlice", InEffect("addressType"), InEffect("endpoints", EndpointShape), InEffect("ports", PortShape));

    public static EndpointSlice Read(ObjectReader at)
    {
        at.Require("addressType", "IPv4, IPv6 or FQDN");
        var addressType = at.String("addressType");
        if (addressType is not (null or "IPv4" or "IPv6" or "FQDN"))
            at.Report(DiagnosticCodes.UnknownValue, "addressType", $"'{addressType}' is not an address type", "IPv4, IPv6 or FQDN");
        return new EndpointSlice
        {
            AddressType = addressType ?? "IPv4",
            Endpoints = at.Objects("endpoints", nested => ReadEndpoint(nested, addressType ?? "")),
            Ports = at.Objects("ports", ReadPort),
        };
    }

    private static SliceEndpoint ReadEndpoint(ObjectReader at, string addressType)
    {
        at.Require("addresses");
        var conditions = at.Nested("conditions");
        var isReady = conditions?.Boolean("ready") ?? true;
        var target = at.Nested("targetRef");
        var endpoint = new SliceEndpoint
        {
            Addresses = at.Strings("addresses"),
            IsReady = isReady,
            IsServing = conditions?.Boolean("serving") ?? isReady,
            IsTerminating = conditions?.Boolean("terminating") ?? false,
            Hostname = at.String("hostname"),
            Zone = at.String("zone"),
            TargetName = target?.String("name"),
        };
        for (var i = 0; i < endpoint.Addresses.Length; i++)
            if (!IsOfType(endpoint.Addresses[i], addressType))
                at.ReportItem(
                    DiagnosticCodes.InvalidAddress, "addresses", i,
                    $"'{endpoint.Addresses[i]}' is not of the slice's addressType {addressType}");
        return endpoint;
    }

    private static bool IsOfType(string address, string addressType) => addressType switch
    {
        "IPv4" => HostSyntax.IsAddress(address) && IPAddress.Parse(address).AddressFamily == AddressFamily.InterNetwork,
        "IPv6" => HostSyntax.IsAddress(address) && IPAddress.Parse(address).AddressFamily == AddressFamily.InterNetworkV6,
        "FQDN" => HostSyntax.Check(address, HostRule.Name) is null,
        _ => true,
    };

    private static SlicePort? ReadPort(ObjectReader at)
    {
        var name = at.String("name") ?? "";
        var port = at.Port("port");
        var slicePort = new SlicePort(name, port ?? 0, at.String("protocol") ?? "TCP", at.String("appProtocol"));
        // Kubernetes leaves the number out for "all ports", which nothing can be sent to.
        return port is null ? null : slicePort;
    }
}
