using System.Collections.Immutable;
using System.Globalization;
using Lateen.Model.Reading;
using Lateen.Yaml;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Security.PeerAuthentications;

/// <summary>Reads and checks the spec of a PeerAuthentication.</summary>
internal static class PeerAuthenticationReader
{
    public static readonly MessageShape SelectorShape = new("WorkloadSelector", InEffect("matchLabels"));

    public static readonly MessageShape MutualTlsShape = new("MutualTLS", InEffect("mode"));

    public static readonly MessageShape Shape = new(
        "PeerAuthentication",
        InEffect("selector", SelectorShape), InEffect("mtls", MutualTlsShape), InEffect("portLevelMtls", MutualTlsShape));

    public static PeerAuthentication Read(ObjectReader at)
    {
        var labels = at.Nested("selector")?.Selector("matchLabels");
        if (labels is { Count: 0 })
            at.Report(
                DiagnosticCodes.SelectsAll, "selector", "a selector without labels selects every workload of the namespace",
                "remove it, or name labels");
        var policy = new PeerAuthentication
        {
            // As Istio has it: a selector of nothing is none.
            Selector = labels is { Count: > 0 } ? labels : null,
            Mode = at.Nested("mtls") is { } mtls ? ReadMode(mtls) : MutualTlsMode.Unset,
            PortLevelMtls = ReadPorts(at),
        };
        PortsNeedASelector(policy, at);
        return policy;
    }

    private static MutualTlsMode ReadMode(ObjectReader at) =>
        at.Enum(
            "mode", ("UNSET", MutualTlsMode.Unset), ("DISABLE", MutualTlsMode.Disable), ("PERMISSIVE", MutualTlsMode.Permissive),
            ("STRICT", MutualTlsMode.Strict)) ?? MutualTlsMode.Unset;

    private static ImmutableArray<PortMutualTls> ReadPorts(ObjectReader at)
    {
        var ports = new SortedDictionary<int, MutualTlsMode>();
        foreach (var (key, settings) in at.ObjectMap("portLevelMtls"))
        {
            var mode = ReadMode(settings);
            if (!int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535)
                at.ReportKey(DiagnosticCodes.InvalidPort, "portLevelMtls", key, $"'{key}' is not a port number", "1 to 65535");
            // Two spellings of one number (80 and 080) would be two answers.
            else if (!ports.TryAdd(port, mode))
                at.ReportKey(DiagnosticCodes.DuplicatePort, "portLevelMtls", key, $"the port {port} is declared twice", "remove one");
        }

        return [.. ports.Select(entry => new PortMutualTls(entry.Key, entry.Value))];
    }

    private static void PortsNeedASelector(PeerAuthentication policy, ObjectReader at)
    {
        if (at.Node("portLevelMtls") is not YamlMapping written) return;
        if (written.Count == 0)
            at.Report(DiagnosticCodes.EmptyPolicy, "portLevelMtls", "portLevelMtls names no port", "remove it, or name a port");
        else if (policy.Selector is null)
            at.Report(
                DiagnosticCodes.PortsWithoutSelector, "portLevelMtls", "ports belong to chosen workloads, and this policy chooses none",
                "add selector.matchLabels");
    }
}
