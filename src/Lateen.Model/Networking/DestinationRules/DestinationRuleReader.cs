using Lateen.Model.Reading;
using Lateen.Model.Reading.Values;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Networking.DestinationRules;

/// <summary>Reads and checks the spec of a DestinationRule.</summary>
internal static class DestinationRuleReader
{
    public static readonly MessageShape SelectorShape = new("WorkloadSelector", InEffect("matchLabels"));

    public static readonly MessageShape SubsetShape = new(
        "Subset", InEffect("name"), InEffect("labels"), InEffect("trafficPolicy", TrafficPolicyReader.Shape));

    public static readonly MessageShape Shape = new(
        "DestinationRule",
        InEffect("host"), InEffect("trafficPolicy", TrafficPolicyReader.Shape), InEffect("subsets", SubsetShape), InEffect("exportTo"),
        InEffect("workloadSelector", SelectorShape));

    public static DestinationRule? Read(ObjectReader at)
    {
        var host = at.Require("host") ? at.Host("host", HostRule.PartialWildcard) : null;
        var rule = new DestinationRule
        {
            Host = host ?? "",
            TrafficPolicy = at.Object("trafficPolicy", TrafficPolicyReader.Read),
            Subsets = at.Objects("subsets", ReadSubset),
            ExportTo = at.ExportTo("exportTo"),
            WorkloadSelector = at.Nested("workloadSelector")?.Selector("matchLabels"),
        };
        SubsetsHaveDifferentNames(rule, at);
        ChosenClientsAreOfTheOwnNamespace(rule, at);
        return host is null ? null : rule;
    }

    private static Subset? ReadSubset(ObjectReader at)
    {
        var name = at.RequiredString("name");
        if (name is not null && !HostSyntax.IsLabel(name))
            at.Report(
                DiagnosticCodes.InvalidSubset, "name", $"'{name}' is not a subset name", "letters, digits and inner dashes, at most 63");
        var labels = at.StringMap("labels");
        LabelRules.Check(at, "labels", labels);
        var policy = at.Object("trafficPolicy", TrafficPolicyReader.Read);
        return name is null ? null : new Subset { Name = name, Labels = labels, TrafficPolicy = policy };
    }

    private static void SubsetsHaveDifferentNames(DestinationRule rule, ObjectReader at)
    {
        var seen = new HashSet<string>();
        for (var i = 0; i < rule.Subsets.Length; i++)
            if (!seen.Add(rule.Subsets[i].Name))
                at.ReportItem(
                    DiagnosticCodes.DuplicateSubset, "subsets", i, $"the subset '{rule.Subsets[i].Name}' is declared twice",
                    "rename or remove one");
    }

    private static void ChosenClientsAreOfTheOwnNamespace(DestinationRule rule, ObjectReader at)
    {
        if (rule.WorkloadSelector is null) return;
        for (var i = 0; i < rule.ExportTo.Length; i++)
            if (rule.ExportTo[i] != "." && rule.ExportTo[i] != at.Context.Namespace)
                at.ReportItem(
                    DiagnosticCodes.SelectorExported, "exportTo", i, "a rule with a workloadSelector holds in its own namespace only",
                    "remove exportTo, or write '.'");
    }
}
