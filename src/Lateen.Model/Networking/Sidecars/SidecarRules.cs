using Lateen.Model.Reading;

namespace Lateen.Model.Networking.Sidecars;

/// <summary>Rules about a Sidecar's listeners.</summary>
internal static class SidecarRules
{
    private static readonly string[] Content = ["ingress", "egress", "outboundTrafficPolicy", "inboundConnectionPool"];

    public static void SaysSomething(ObjectReader at)
    {
        if (!Content.Any(at.Has))
            at.ReportHere(DiagnosticCodes.EmptySidecar, "the Sidecar says nothing", "write ingress, egress or outboundTrafficPolicy");
    }

    public static void IngressPortsDiffer(Sidecar sidecar, ObjectReader at)
    {
        var seen = new HashSet<int>();
        for (var i = 0; i < sidecar.Ingress.Length; i++)
            if (!seen.Add(sidecar.Ingress[i].Port.Number))
                at.ReportItem(
                    DiagnosticCodes.DuplicatePort, "ingress", i, $"the port {sidecar.Ingress[i].Port.Number} is declared twice",
                    "remove one");
    }

    /// <summary>One listener without a port covers what the others leave, so it comes last; ports are not declared twice.</summary>
    public static void EgressListenersDiffer(Sidecar sidecar, ObjectReader at)
    {
        var seen = new HashSet<(int, string?)>();
        for (var i = 0; i < sidecar.Egress.Length; i++)
        {
            var listener = sidecar.Egress[i];
            if (listener.Port is null && listener.Bind is null && i < sidecar.Egress.Length - 1)
                at.ReportItem(
                    DiagnosticCodes.PortlessEgress, "egress", i,
                    "a listener without a port takes all that is left, so it comes last, and once", "move it to the end");
            if (listener.Port is { } port && !seen.Add((port.Number, listener.Bind)))
                at.ReportItem(
                    DiagnosticCodes.DuplicatePort, "egress", i, $"the port {port.Number} is declared twice on one address", "remove one");
        }
    }

    /// <summary>A sidecar stands beside its application, so it sends to this machine only.</summary>
    public static void DefaultEndpointIsLocal(SidecarIngressListener listener, ObjectReader at)
    {
        if (listener.DefaultEndpoint is not { Length: > 0 } endpoint) return;
        if (endpoint.StartsWith("unix://", StringComparison.Ordinal))
        {
            if (endpoint["unix://".Length..] is not ['/' or '@', _, ..])
                at.Report(
                    DiagnosticCodes.InvalidDefaultEndpoint, "defaultEndpoint", $"'{endpoint}' is not an absolute path",
                    "unix:///run/app.sock");
            return;
        }

        var colon = endpoint.LastIndexOf(':');
        var address = colon < 0 ? endpoint : endpoint[..colon];
        var isPort = colon >= 0 && int.TryParse(endpoint.AsSpan(colon + 1), out var port) && port is >= 1 and <= 65535;
        if (!isPort || address is not ("127.0.0.1" or "0.0.0.0" or "[::1]" or "[::]"))
            at.Report(
                DiagnosticCodes.InvalidDefaultEndpoint, "defaultEndpoint", $"'{endpoint}' is not a local endpoint",
                "127.0.0.1:PORT, [::1]:PORT, 0.0.0.0:PORT (the workload's address) or unix:///path");
    }

    public static void TlsTerminates(SidecarIngressListener listener, ObjectReader at)
    {
        if (listener.Tls is { Mode: not (ServerTlsMode.Simple or ServerTlsMode.Mutual) })
            at.Report(DiagnosticCodes.InvalidTls, "tls", "a sidecar's port can only terminate TLS", "mode SIMPLE or MUTUAL");
    }
}
