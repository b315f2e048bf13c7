using System.Collections.Immutable;
using Lateen.Model.Reading;

namespace Lateen.Model.Networking.VirtualServices;

/// <summary>Rules about one http rule as a whole.</summary>
internal static class HttpRouteRules
{
    private static readonly string[] Actions = ["route", "redirect", "directResponse", "delegate"];

    public static void HasOneAction(ObjectReader at)
    {
        var written = Actions.Where(at.Has).ToArray();
        if (written.Length == 0)
            at.ReportHere(
                DiagnosticCodes.NoAction, "the rule does nothing with what it matches",
                "write route, redirect, directResponse or delegate");
        for (var i = 1; i < written.Length; i++)
            at.Report(
                DiagnosticCodes.ActionConflict, written[i], $"'{written[i]}' and '{written[0]}' exclude each other",
                "split the rule in two");
    }

    public static void RedirectKeepsNothingElse(ObjectReader at)
    {
        foreach (var action in (ReadOnlySpan<string>)["redirect", "directResponse"])
        {
            if (!at.Has(action)) continue;
            foreach (var other in (ReadOnlySpan<string>)["rewrite", "fault"])
                if (at.Has(other) && (action == "redirect" || other == "rewrite"))
                    at.Report(
                        DiagnosticCodes.ActionConflict, other, $"'{other}' and '{action}' exclude each other",
                        $"nothing is sent upstream after a {action}");
        }
    }

    public static void MirrorIsWrittenOnce(ObjectReader at)
    {
        at.AtMostOne("mirror", "mirrors");
        at.AtMostOne("mirrorPercentage", "mirrorPercent");
    }

    /// <summary>The authority goes upstream as one value, so one place may set it.</summary>
    public static void AuthorityIsWrittenOnce(HttpRoute route, ObjectReader at)
    {
        var writers = new List<string>();
        if (route.Rewrite?.Authority is not null) writers.Add("rewrite");
        if (HeaderRules.SetsAuthority(route.Headers?.Request)) writers.Add("headers");
        if (route.Route.Any(entry => HeaderRules.SetsAuthority(entry.Headers?.Request))) writers.Add("route");
        if (writers.Count > 1)
            at.Report(
                DiagnosticCodes.AuthorityConflict, writers[1], $"the authority is already set by '{writers[0]}'", "set it in one place");
    }

    public static void PrefixRewriteHasPrefixMatches(HttpRoute route, ObjectReader at)
    {
        if (route.Redirect?.PrefixRewrite is null) return;
        if (route.Match.IsEmpty || route.Match.Any(match => match.Uri is not { Kind: StringMatchKind.Prefix }))
            at.Report(
                DiagnosticCodes.InvalidRedirect, "redirect", "'prefixRewrite' needs a uri prefix in every match of the rule",
                "use 'uri' to replace the whole path");
    }
}

/// <summary>Weights are relative: they need not sum to 100, but some must be above zero, and none below.</summary>
internal static class WeightRules
{
    public static void Check(ObjectReader at, string field, ImmutableArray<int> weights)
    {
        long sum = 0;
        for (var i = 0; i < weights.Length; i++)
        {
            if (weights[i] < 0) at.ReportItem(DiagnosticCodes.InvalidWeight, field, i, $"the weight {weights[i]} is negative");
            sum += weights[i];
        }

        if (weights.Length > 1 && sum == 0)
            at.Report(
                DiagnosticCodes.InvalidWeight, field, "the weights sum to zero, so no destination would ever be chosen",
                "give each destination a weight");
        if (sum > uint.MaxValue)
            at.Report(DiagnosticCodes.InvalidWeight, field, $"the weights sum to {sum}", $"at most {uint.MaxValue}");
    }
}
