using System.Collections.Immutable;
using Lateen.Model.Reading;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Networking.DestinationRules;

/// <summary>Reads preferences among localities.</summary>
internal static class LocalityReader
{
    public static readonly MessageShape DistributeShape = new("Distribute", InEffect("from"), InEffect("to"));

    public static readonly MessageShape FailoverShape = new("Failover", InEffect("from"), InEffect("to"));

    public static readonly MessageShape Shape = new(
        "LocalityLoadBalancerSetting",
        InEffect("enabled"), InEffect("distribute", DistributeShape), InEffect("failover", FailoverShape), InEffect("failoverPriority"));

    public static readonly MessageShape ZoneAwareShape = new(
        "ZoneAwareLoadBalancerSetting",
        InEffect("enabled"), InEffect("failover", FailoverShape), InEffect("failoverPriority"), InEffect("minClusterSize"));

    public static LocalityLoadBalancerSetting Read(ObjectReader at)
    {
        at.AtMostOne("distribute", "failover");
        at.AtMostOne("distribute", "failoverPriority");
        var setting = new LocalityLoadBalancerSetting
        {
            Enabled = at.Boolean("enabled"),
            Distribute = at.Objects("distribute", ReadDistribute),
            Failover = at.Objects("failover", ReadFailover),
            FailoverPriority = at.Strings("failoverPriority"),
        };
        SourcesDoNotOverlap(setting, at);
        return setting;
    }

    public static ZoneAwareLoadBalancerSetting ReadZoneAware(ObjectReader at)
    {
        var setting = new ZoneAwareLoadBalancerSetting
        {
            Enabled = at.Boolean("enabled"),
            Failover = at.Objects("failover", ReadFailover),
            FailoverPriority = at.Strings("failoverPriority"),
            MinClusterSize = at.UInt64("minClusterSize"),
        };
        for (var i = 0; i < setting.FailoverPriority.Length; i++)
            if (setting.FailoverPriority[i].Split('=')[0] is
                "topology.kubernetes.io/region" or "topology.kubernetes.io/zone" or "topology.istio.io/subzone")
                at.ReportItem(
                    DiagnosticCodes.InvalidLocality, "failoverPriority", i, "zone-aware routing already prefers by locality",
                    "name other labels");
        return setting;
    }

    private static LocalityDistribution? ReadDistribute(ObjectReader at)
    {
        var from = at.RequiredString("from");
        var to = at.NumberMap("to");
        if (from is not null && Complaint(from) is { } complaint)
            at.Report(DiagnosticCodes.InvalidLocality, "from", complaint, "region/zone/subzone, '*' last");
        uint sum = 0;
        foreach (var (locality, weight) in to)
        {
            if (Complaint(locality) is { } wrong)
                at.ReportKey(DiagnosticCodes.InvalidLocality, "to", locality, wrong, "region/zone/subzone, '*' last");
            if (weight is 0 or > 100)
                at.ReportKey(DiagnosticCodes.InvalidLocality, "to", locality, $"the weight {weight} is out of range", "1 to 100");
            sum += Math.Min(weight, 1000);
        }

        if (sum != 100) at.Report(DiagnosticCodes.InvalidLocality, "to", $"the weights sum to {sum}, not to 100");
        Overlap(at, "to", [.. to.Select(entry => entry.Key)]);
        return from is null ? null : new LocalityDistribution(from, to);
    }

    private static LocalityFailover? ReadFailover(ObjectReader at)
    {
        var from = at.RequiredString("from");
        var to = at.RequiredString("to");
        if (from is null || to is null) return null;
        if (from == to) at.Report(DiagnosticCodes.InvalidLocality, "to", $"'{from}' cannot take over from itself");
        foreach (var (field, region) in new[] { ("from", from), ("to", to) })
            if (region.Contains('/') || region.Contains('*'))
                at.Report(DiagnosticCodes.InvalidLocality, field, $"'{region}' is not a region", "regions fail over as a whole");
        return new LocalityFailover(from, to);
    }

    private static void SourcesDoNotOverlap(LocalityLoadBalancerSetting setting, ObjectReader at) =>
        Overlap(at, "distribute", [.. setting.Distribute.Select(entry => entry.From)]);

    private static void Overlap(ObjectReader at, string field, ImmutableArray<string> localities)
    {
        for (var i = 1; i < localities.Length; i++)
            for (var j = 0; j < i; j++)
                if (Covers(localities[i], localities[j]) || Covers(localities[j], localities[i]))
                    at.Report(DiagnosticCodes.InvalidLocality, field, $"'{localities[i]}' and '{localities[j]}' overlap");
    }

    private static bool Covers(string wide, string narrow)
    {
        var left = wide.Split('/');
        var right = narrow.Split('/');
        for (var i = 0; i < left.Length; i++)
        {
            if (left[i] == "*") return true;
            if (i >= right.Length || left[i] != right[i]) return false;
        }

        return true;
    }

    private static string? Complaint(string locality)
    {
        var parts = locality.Split('/');
        if (parts.Length > 3 || parts.Any(part => part.Length == 0)) return $"'{locality}' is not a locality";
        var wildcard = locality.IndexOf('*');
        return wildcard >= 0 && (wildcard != locality.Length - 1 || parts[^1] != "*") ? $"'{locality}': '*' must be the last part" : null;
    }
}
