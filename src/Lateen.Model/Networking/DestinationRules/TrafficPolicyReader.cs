using Lateen.Model.Reading;
using Lateen.Model.Reading.Values;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Networking.DestinationRules;

/// <summary>Reads the policy of a DestinationRule, of a subset, and of a port.</summary>
internal static class TrafficPolicyReader
{
    private static readonly string[] Blocks =
        ["loadBalancer", "connectionPool", "outlierDetection", "tls", "portLevelSettings", "tunnel", "proxyProtocol", "retryBudget"];

    public static readonly MessageShape PortSelectorShape = new("PortSelector", InEffect("number"));

    public static readonly MessageShape PortTrafficPolicyShape = new(
        "PortTrafficPolicy",
        InEffect("port", PortSelectorShape), InEffect("loadBalancer", LoadBalancerReader.Shape),
        InEffect("connectionPool", ConnectionPoolReader.Shape), Pending("outlierDetection", OutlierDetectionReader.Shape),
        InEffect("tls", ClientTlsReader.Shape));

    public static readonly MessageShape TunnelShape = new("TunnelSettings", InEffect("protocol"), InEffect("targetHost"), InEffect("targetPort"));

    public static readonly MessageShape ProxyProtocolShape = new("ProxyProtocol", InEffect("version"));

    public static readonly MessageShape RetryBudgetShape = new(
        "RetryBudget", InEffect("percent"), InEffect("minRetryConcurrency"), InEffect("budgetInterval"));

    public static readonly MessageShape Shape = new(
        "TrafficPolicy",
        InEffect("loadBalancer", LoadBalancerReader.Shape), InEffect("connectionPool", ConnectionPoolReader.Shape),
        Pending("outlierDetection", OutlierDetectionReader.Shape), InEffect("tls", ClientTlsReader.Shape),
        InEffect("portLevelSettings", PortTrafficPolicyShape), Pending("tunnel", TunnelShape), InEffect("proxyProtocol", ProxyProtocolShape),
        Pending("retryBudget", RetryBudgetShape));

    public static TrafficPolicy Read(ObjectReader at)
    {
        if (!Blocks.Any(at.Has))
            at.ReportHere(DiagnosticCodes.EmptyPolicy, "the policy says nothing", $"write one of {string.Join(", ", Blocks)}");
        at.AtMostOne("tunnel", "proxyProtocol");
        var policy = new TrafficPolicy
        {
            LoadBalancer = at.Object("loadBalancer", LoadBalancerReader.Read),
            ConnectionPool = at.Object("connectionPool", ConnectionPoolReader.Read),
            OutlierDetection = at.Object("outlierDetection", OutlierDetectionReader.Read),
            Tls = at.Object("tls", ClientTlsReader.Read),
            PortLevelSettings = at.Objects("portLevelSettings", ReadPort),
            Tunnel = at.Object("tunnel", ReadTunnel),
            ProxyProtocol = ReadProxyProtocol(at),
            RetryBudget = at.Object("retryBudget", ReadRetryBudget),
        };
        PortsAreDeclaredOnce(policy, at);
        return policy;
    }

    private static PortTrafficPolicy? ReadPort(ObjectReader at)
    {
        at.Require("port");
        var selector = at.Nested("port");
        selector?.Require("number");
        var port = selector?.Port("number");
        var policy = new PortTrafficPolicy
        {
            Port = port ?? 0,
            LoadBalancer = at.Object("loadBalancer", LoadBalancerReader.Read),
            ConnectionPool = at.Object("connectionPool", ConnectionPoolReader.Read),
            OutlierDetection = at.Object("outlierDetection", OutlierDetectionReader.Read),
            Tls = at.Object("tls", ClientTlsReader.Read),
        };
        return port is null ? null : policy;
    }

    private static void PortsAreDeclaredOnce(TrafficPolicy policy, ObjectReader at)
    {
        var seen = new HashSet<int>();
        for (var i = 0; i < policy.PortLevelSettings.Length; i++)
            if (!seen.Add(policy.PortLevelSettings[i].Port))
                at.ReportItem(
                    DiagnosticCodes.DuplicatePort, "portLevelSettings", i, $"the port {policy.PortLevelSettings[i].Port} is declared twice", "join the two");
    }

    private static TunnelSettings? ReadTunnel(ObjectReader at)
    {
        var protocol = at.String("protocol") ?? "CONNECT";
        if (protocol is not ("CONNECT" or "POST" or ""))
            at.Report(DiagnosticCodes.UnknownValue, "protocol", $"'{protocol}' does not make a tunnel", "CONNECT or POST");
        at.Require("targetHost");
        at.Require("targetPort");
        var host = at.Host("targetHost", HostRule.Address);
        var port = at.Port("targetPort");
        return host is null || port is null
            ? null
            : new TunnelSettings { Protocol = protocol.Length == 0 ? "CONNECT" : protocol, TargetHost = host, TargetPort = port.Value };
    }

    private static ProxyProtocolVersion? ReadProxyProtocol(ObjectReader at)
    {
        if (at.Nested("proxyProtocol") is not { } nested) return null;
        return nested.Enum("version", ("V1", ProxyProtocolVersion.V1), ("V2", ProxyProtocolVersion.V2)) ?? ProxyProtocolVersion.V1;
    }

    private static RetryBudget ReadRetryBudget(ObjectReader at) => new()
    {
        Percent = at.Double("percent", 0, 100),
        MinRetryConcurrency = at.UInt32("minRetryConcurrency"),
        BudgetInterval = at.Duration("budgetInterval", zeroAllowed: true),
    };
}
