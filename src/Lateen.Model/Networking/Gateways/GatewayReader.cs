using System.Collections.Immutable;
using Lateen.Model.Reading;
using Lateen.Model.Reading.Values;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Networking.Gateways;

/// <summary>Reads and checks the spec of a Gateway.</summary>
internal static class GatewayReader
{
    public static readonly MessageShape PortShape = new(
        "Port", InEffect("number"), InEffect("protocol"), InEffect("name"), Deprecated("targetPort", "the Service of the gateway decides it"));

    public static readonly MessageShape ServerShape = new(
        "Server",
        InEffect("port", PortShape), InEffect("bind"), InEffect("hosts"), InEffect("tls", ServerTlsReader.Shape), Inert("defaultEndpoint"),
        InEffect("name"));

    public static readonly MessageShape Shape = new("Gateway", InEffect("selector"), InEffect("servers", ServerShape));

    public static Gateway Read(ObjectReader at)
    {
        var gateway = new Gateway { Selector = at.Selector("selector"), Servers = at.Objects("servers", ReadServer) };
        if (at.Lacks("servers"))
            at.Report(DiagnosticCodes.NoServers, "servers", "the Gateway opens no port", "write at least one server");
        ServerRules.PortNamesDiffer(gateway, at);
        ServerRules.ServerNamesDiffer(gateway, at);
        return gateway;
    }

    private static GatewayServer? ReadServer(ObjectReader at)
    {
        at.Require("port");
        at.Require("hosts");
        var port = at.Object("port", ReadPort);
        var hosts = at.Strings("hosts");
        var bind = at.String("bind");
        var tls = at.Object("tls", nested => ServerTlsReader.Read(nested, isGateway: true));
        if (bind is { Length: > 0 } && !HostSyntax.IsAddress(bind) && !bind.StartsWith("unix:", StringComparison.Ordinal))
            at.Report(DiagnosticCodes.InvalidAddress, "bind", $"'{bind}' is not an address", "an IP address, or unix:path");
        var server = new GatewayServer
        {
            Port = port ?? new GatewayPort(0, PortProtocol.Unsupported, ""),
            Bind = bind is { Length: > 0 } ? bind : null,
            Hosts = ReadHosts(at, hosts),
            Tls = tls,
            DefaultEndpoint = at.String("defaultEndpoint"),
            Name = at.String("name"),
            Location = at.Location,
        };
        if (port is null) return null;
        ServerRules.TlsFitsProtocol(server, at);
        return server;
    }

    private static GatewayPort? ReadPort(ObjectReader at)
    {
        at.Require("number");
        at.Require("protocol", "HTTP, HTTPS, HTTP2, GRPC, GRPC-WEB, TLS, TCP or MONGO");
        at.Require("name");
        var number = at.Port("number");
        var protocol = at.Protocol("protocol");
        if (protocol is PortProtocol.Udp or PortProtocol.HttpProxy or PortProtocol.Redis or PortProtocol.MySql)
            at.Report(
                DiagnosticCodes.UnknownProtocol, "protocol", "gateways do not speak this protocol",
                "HTTP, HTTPS, HTTP2, GRPC, GRPC-WEB, TLS, TCP or MONGO");
        var name = at.String("name") ?? "";
        var targetPort = at.Port("targetPort");
        return number is null ? null : new GatewayPort(number.Value, protocol, name, targetPort);
    }

    private static ImmutableArray<GatewayHost> ReadHosts(ObjectReader at, ImmutableArray<string> written)
    {
        var hosts = ImmutableArray.CreateBuilder<GatewayHost>(written.Length);
        for (var i = 0; i < written.Length; i++)
        {
            var slash = written[i].IndexOf('/');
            var hostNamespace = slash < 0 ? "*" : written[i][..slash];
            var host = written[i][(slash + 1)..];
            if (hostNamespace is not ("*" or ".") && !HostSyntax.IsLabel(hostNamespace))
                at.ReportItem(
                    DiagnosticCodes.InvalidHost, "hosts", i, $"'{hostNamespace}' is not a namespace",
                    "'*', '.' or a name before the slash");
            else if (HostSyntax.Check(host, HostRule.Wildcard) is { } complaint)
                at.ReportItem(DiagnosticCodes.InvalidHost, "hosts", i, complaint.Message, complaint.Hint);
            else if (hosts.Contains(new GatewayHost(hostNamespace, host.ToLowerInvariant())))
                at.ReportItem(DiagnosticCodes.OverlappingHosts, "hosts", i, $"'{written[i]}' is written twice", "remove one");
            else hosts.Add(new GatewayHost(hostNamespace, host.ToLowerInvariant()));
        }

        return hosts.ToImmutable();
    }
}
